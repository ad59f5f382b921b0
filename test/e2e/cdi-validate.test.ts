/** Specs as podman takes them, which has the CDI library of its time: what validate calls an error keeps it from a device. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { program } from "../support/debian-root.ts";
import { runHook } from "../support/executable.ts";
import { podmanMissing, runPodman } from "../support/runtimes.ts";
import { scratchDirectory } from "../support/scratch.ts";

interface SpecParts {
  cdiVersion: string;
  kind: string;
  devices: unknown[];
  containerEdits: Record<string, unknown>;
  [name: string]: unknown;
}

const hook = (more: object): object => ({ hooks: [{ hookName: "poststop", path: "/bin/true", ...more }] });

/** What is done to a sound spec, as an object or as text; and whether a reader takes the outcome. */
const cases: readonly (readonly [title: string, change: (spec: SpecParts) => object | string, taken: boolean])[] = [
  ["as it is", (spec) => spec, true],
  ["with tabs, and a byte order mark", (spec) => `\uFEFF${JSON.stringify(spec, undefined, "\t")}`, true],
  ["with a second document that is broken", (spec) => `---\n${JSON.stringify(spec)}\n---\na: [\n`, true],
  ["with names in another case", (spec) => JSON.stringify(spec).replace("containerEdits", "ContainerEdits"), true],
  ["with numbers and nothing for text", (spec) => ({ ...spec, containerEdits: hook({ args: [1, true, null] }) }), true],
  [
    "with anchors and merges",
    (spec) => withHooks(spec, "[&h {hookName: poststop, path: /bin/true}, {<<: *h, args: [a]}, *h]"),
    true,
  ],
  ["with a relative path", (spec) => ({ ...spec, containerEdits: hook({ path: "true" }) }), true],
  ["with an unknown member", (spec) => ({ ...spec, unknown: 1 }), false],
  ["with a name that comes twice", (spec) => withHooks(spec, "[{hookName: poststop, path: /a, path: /a}]"), false],
  [
    "with a merged name that comes again",
    (spec) => withHooks(spec, "[&h {hookName: poststop, path: /a}, {<<: *h, path: /b}]"),
    false,
  ],
  ["without devices", (spec) => ({ ...spec, devices: [] }), false],
  ["with two devices of one name", (spec) => ({ ...spec, devices: [...spec.devices, ...spec.devices] }), false],
  ["with a device that does nothing", (spec) => ({ ...spec, devices: [{ name: "all", containerEdits: {} }] }), false],
  ["with an environment that is no list", (spec) => ({ ...spec, containerEdits: { env: "A=b" } }), false],
  ["with a variable without a value", (spec) => ({ ...spec, containerEdits: { env: ["A"] } }), false],
  ["with a stage that is none", (spec) => ({ ...spec, containerEdits: hook({ hookName: "never" }) }), false],
  ["with a timeout as text", (spec) => ({ ...spec, containerEdits: hook({ timeout: "5" }) }), false],
  [
    "with a mount that leads nowhere",
    (spec) => ({ ...spec, containerEdits: { mounts: [{ hostPath: "/tmp" }] } }),
    false,
  ],
  ["with a class of one letter", (spec) => ({ ...spec, kind: spec.kind.replace(/gpu$/u, "g") }), false],
  ["of a version that is none", (spec) => ({ ...spec, cdiVersion: "0.9.9" }), false],
  ["with a control character in a comment", (spec) => `${JSON.stringify(spec)}\n# \u0001\n`, false],
];

/** A spec in YAML whose hooks are written by hand. */
function withHooks({ cdiVersion, kind, devices }: SpecParts, hooks: string): string {
  return `cdiVersion: ${cdiVersion}\nkind: ${kind}\ndevices: ${JSON.stringify(devices)}\ncontainerEdits:\n  hooks: ${hooks}\n`;
}

describe("a spec", () => {
  test.each(cases)("%s", (_title, change, taken) => {
    const path = join(scratchDirectory(), "spec.yaml");
    const spec: SpecParts = {
      cdiVersion: "0.5.0",
      kind: "vendor.test/gpu",
      devices: [{ name: "all", containerEdits: { env: ["CDI_DEVICE=all"] } }],
      containerEdits: { env: ["A=b"] },
    };
    const text = change(spec);
    writeFileSync(path, typeof text === "string" ? text : JSON.stringify(text));
    const { status, stdout } = runHook(["cdi", "validate", path]);
    expect({ status, stdout: String(stdout) }).toMatchObject({ status: taken ? 0 : 1 });
  });

  test.for(cases)("%s, by podman", ([, change, taken], context) => {
    const busybox = program("busybox");
    const reason = podmanMissing("crun") ?? (busybox === undefined ? "needs busybox" : undefined);
    if (reason !== undefined) context.skip(reason);
    const root = join(scratchDirectory(), "root");
    mkdirSync(root);
    copyFileSync(busybox ?? "", join(root, "busybox"));
    const { status, stderr } = runPodman({
      runtime: "crun",
      root,
      readonly: false,
      args: ["/busybox", "true"],
      edits: { env: ["A=b"], hooks: [], mounts: [] },
      prepare: (path) => {
        const text = change(JSON.parse(readFileSync(path, "utf8")) as SpecParts);
        writeFileSync(path, typeof text === "string" ? text : JSON.stringify(text));
      },
    });
    expect({ taken: status === 0, stderr }).toMatchObject({ taken });
  });
});
