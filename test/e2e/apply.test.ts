/** `apply`: all hooks of a bundle at once leave what they leave one by one, and its forecast is what then happens. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { copyTree } from "../support/debian-root.ts";
import { executablePath, runHook } from "../support/executable.ts";
import { furnish, imageKindOf, makeImage } from "../support/replay-root.ts";
import { replay } from "../support/replay-run.ts";
import { replayedContainers, type ReplayedContainer } from "../support/replay-spec.ts";
import { scratchDirectory } from "../support/scratch.ts";
import { absentPeer } from "../support/tally.ts";
import { compareListings, type Listing, listTree } from "../support/tree-listing.ts";

const written = resolve(import.meta.dirname, "../samples/cdi");
const found = resolve(import.meta.dirname, "../../../shared/samples/cdi");

interface Forecast {
  readonly view: string;
  readonly hooks: readonly string[];
  readonly notRun: readonly { readonly path: string }[];
  readonly changes: readonly {
    path: string;
    change: string;
    kind?: string;
    mode?: string;
    target?: string;
    bytes?: number;
  }[];
}

interface Stage {
  readonly bundle: string;
  readonly root: string;
  /** A copy of the root for the hooks one by one. */
  readonly other: string;
}

function setStage(container: ReplayedContainer): Stage {
  const kind = imageKindOf(container);
  const top = scratchDirectory();
  const [bundle, root, other] = [join(top, "a"), join(top, "a/rootfs"), join(top, "b/rootfs")] as const;
  makeImage(kind, root);
  furnish(root, container, kind.machine);
  mkdirSync(join(top, "b"));
  copyTree(root, other);
  return { bundle, root, other };
}

function writeConfig(bundle: string, hooks: unknown, more: Readonly<Record<string, unknown>> = {}): void {
  const config = { ociVersion: "1.0.2", root: { path: "rootfs" }, process: { env: [] }, hooks, ...more };
  writeFileSync(join(bundle, "config.json"), JSON.stringify(config));
}

function apply(bundle: string, ...flags: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = runHook(["apply", "--bundle", bundle, ...flags], { argv0: "cdi-hook" });
  return { status, stdout: stdout.toString(), stderr };
}

function forecastOf(bundle: string, ...flags: readonly string[]): { status: number | null; forecast: Forecast } {
  const { status, stdout, stderr } = apply(bundle, "--dry-run", "--json", ...flags);
  expect(stdout, stderr).not.toBe("");
  return { status, forecast: JSON.parse(stdout) as Forecast };
}

/** What differs, as a forecast would say it. */
function happened(before: Listing, after: Listing): Forecast["changes"] {
  const changes = [...new Set([...before.keys(), ...after.keys()])].flatMap((path): Forecast["changes"][number][] => {
    const [was, is] = [before.get(path), after.get(path)];
    if (JSON.stringify(was) === JSON.stringify(is)) return [];
    if (is === undefined) return [{ path, change: "remove" }];
    const change = was === undefined ? "make" : "replace";
    if (was?.type === is.type && was.content === is.content && was.mode !== is.mode)
      return [{ path, change: "mode", mode: is.mode.toString(8) }];
    if (is.type === "link") return [{ path, change, kind: "link", target: is.target ?? "" }];
    return [{ path, change, kind: is.type, mode: is.mode.toString(8) }];
  });
  return changes.sort((one, other) => (one.path < other.path ? -1 : 1));
}

function applyAll(containers: readonly ReplayedContainer[]): void {
  test.each(containers.map((container) => [container.name, container] as const))("%s", (_name, container) => {
    const { bundle, root, other } = setStage(container);
    const byStage: Record<string, unknown[]> = {};
    for (const { hookName, path, args, env } of container.hooks) (byStage[hookName] ??= []).push({ path, args, env });
    writeConfig(bundle, byStage);
    const before = listTree(root);
    const { status, forecast } = forecastOf(bundle);
    expect(compareListings(before, listTree(root)), "a forecast changes nothing").toEqual([]);
    expect(status).toBe(forecast.changes.length > 0 ? 2 : 0);

    expect(apply(bundle)).toMatchObject({ status: 0, stdout: "" });
    const after = listTree(root);
    const foreseen = forecast.changes.map(({ bytes: _bytes, ...change }) => change);
    expect(foreseen.sort((one, two) => (one.path < two.path ? -1 : 1))).toEqual(happened(before, after));

    replay(other, container);
    expect(compareListings(listTree(other), after)).toEqual([]);
    expect(forecastOf(bundle), "a second time").toMatchObject({ status: 0, forecast: { changes: [] } });
  });
}

describe("the specs written for these tests", () => {
  applyAll(replayedContainers(written));
});
describe("specs as they are found", () => {
  if (existsSync(found)) applyAll(replayedContainers(found));
  else test("of shared/samples", (context) => context.skip(`${absentPeer}samples beside the checkout`));
});

describe("apply", () => {
  const hook = (...args: readonly string[]): unknown => ({
    path: "/x/nvidia-cdi-hook",
    args: ["nvidia-cdi-hook", ...args],
  });
  function bundleWith(hooks: unknown, more: Readonly<Record<string, unknown>> = {}): string {
    const bundle = scratchDirectory();
    mkdirSync(join(bundle, "rootfs/etc"), { recursive: true });
    writeConfig(bundle, hooks, more);
    return bundle;
  }

  test("runs the hooks of one stage, or of all in the order of the stages", () => {
    const link = (name: string): unknown => hook("create-symlinks", "--link", `${name}::/l`);
    const bundle = bundleWith({
      createContainer: [link("last")],
      prestart: [link("first")],
      poststop: [link("never")],
    });
    const links = (...flags: readonly string[]): unknown =>
      forecastOf(bundle, ...flags).forecast.changes.map((c) => c.target);
    expect(links()).toEqual(["last"]);
    expect(links("--stage", "prestart")).toEqual(["first"]);
    expect(links("--stage=createRuntime")).toEqual([]);
    expect(apply(bundle, "--stage=poststop")).toMatchObject({ status: 1 });
  });

  test("lists hooks that are not ours and does not run them", () => {
    const foreign = { path: "/bin/touch", args: ["touch", join(scratchDirectory(), "ran")] };
    const bundle = bundleWith({
      createRuntime: [foreign, { path: "/usr/bin/nvidia-ctk", args: ["nvidia-ctk", "cdi"] }],
    });
    const { status, stderr } = apply(bundle);
    expect([status, stderr.match(/is not one of our hooks/g)?.length]).toEqual([0, 2]);
    expect(existsSync(foreign.args[1] ?? "")).toBe(false);
    expect(forecastOf(bundle).forecast.notRun.map(({ path }) => path)).toEqual(["/bin/touch", "/usr/bin/nvidia-ctk"]);
  });

  test("a chain in a spec is its hooks", () => {
    const bundle = bundleWith({
      createContainer: [
        hook("chain", "create-symlinks", "--link", "a::/b", "--", "create-symlinks", "--link", "c::/d"),
      ],
    });
    expect(forecastOf(bundle).forecast.changes.map(({ path }) => path)).toEqual(["/b", "/d"]);
  });

  test("a word that is no flag is an error, as nothing would be done for it", () => {
    const { status, stderr } = runHook(["apply", "./bundle"]);
    expect(stderr).toBe(
      "cdi-hook: error: apply: parse arguments ./bundle: not a flag of apply; a bundle is given as --bundle DIR\n",
    );
    expect(status).toBe(1);
  });

  test("as a hook: the bundle is the one of the state on stdin", () => {
    const bundle = bundleWith({ createRuntime: [hook("create-symlinks", "--link", "a::/b")] });
    const state = JSON.stringify({ ociVersion: "1.0.2", id: "x", status: "created", pid: 1, bundle });
    const { status } = runHook(["apply", "--stage", "createRuntime", "--dry-run"], { argv0: "cdi-hook", stdin: state });
    expect(status).toBe(2);
  });

  test("the devices of CDI specs, their mounts seen before anybody mounts them", () => {
    const top = scratchDirectory();
    mkdirSync(join(top, "rootfs/etc"), { recursive: true });
    mkdirSync(join(top, "host/opt/driver"), { recursive: true });
    const edits = (name: string): unknown => ({
      hooks: [
        { hookName: "createContainer", ...(hook("create-symlinks", "--link", `${name}::/links/${name}`) as object) },
      ],
    });
    const spec = {
      cdiVersion: "0.5.0",
      kind: "example.com/gpu",
      devices: ["0", "1"].map((name) => ({ name, containerEdits: edits(name) })),
      containerEdits: { mounts: [{ hostPath: join(top, "host/opt/driver"), containerPath: "/links" }] },
    };
    writeFileSync(join(top, "spec.json"), JSON.stringify(spec));
    const run = (...flags: readonly string[]): string => {
      const all = ["apply", "--cdi-spec", join(top, "spec.json"), "--root", join(top, "rootfs"), ...flags];
      const { status, stderr } = runHook(all, { argv0: "cdi-hook" });
      return `${status} ${stderr}`;
    };
    expect(run("--device", "1")).toMatch(/^1 .*\/links\/1: .*EROFS/);
    // Nothing may be written below what will be mounted.
    expect(existsSync(join(top, "rootfs/links/1"))).toBe(false);
    expect(run("--device", "example.com/gpu=2")).toMatch(/^1 .*gpu=0/);
    expect(run("--device", "other/gpu=0")).toMatch(/^1 /);
    writeFileSync(join(top, "spec.json"), JSON.stringify({ ...spec, containerEdits: {} }));
    expect(run("--device", "0,example.com/gpu=1")).toBe("0 ");
    expect([...listTree(join(top, "rootfs/links")).keys()]).toEqual(["/0", "/1"]);
  });

  test.each([
    [["--root", "/x"], /--device and --root are for --cdi-spec/],
    [["--cdi-spec", "/x"], /needs --root/],
    [["--bundle", "relative"], /not an absolute path/],
    [["--bundle", "/nowhere"], /config\.json/],
  ])("%j is an error", (flags, message) => {
    const { status, stderr } = runHook(["apply", ...flags], { argv0: "cdi-hook", stdin: "{}" });
    expect([status, stderr]).toEqual([1, expect.stringMatching(message)]);
  });

  test("under NVIDIA's names it is a hook of the future", () => {
    const link = join(scratchDirectory(), "nvidia-cdi-hook");
    copyTree(executablePath, link);
    expect(runHook(["apply", "--bundle", "/nowhere"], { executable: link })).toMatchObject({ status: 0 });
  });
});
