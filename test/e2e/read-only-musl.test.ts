/** musl has no cache that could stand for links: on a read-only root its containers start, and are told of what is missing. */
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, type TestContext, test } from "vitest";
import { writeBundle, type Stage as HookStage } from "../support/bundle.ts";
import { driverEdits } from "../support/cdi-spec.ts";
import { containerPathOf, type Driver, makeDriver } from "../support/driver.ts";
import { executablePath, stateFor } from "../support/executable.ts";
import { readOnlyStage } from "../support/read-only-root.ts";
import { crun, needs, runc, type Runtime } from "../support/runtimes.ts";
import { scratchDirectory } from "../support/scratch.ts";
import type { Stage } from "../support/stage.ts";
import { compareListings, listTree } from "../support/tree-listing.ts";

const loader = "/lib/ld-musl-x86_64.so.1";
const names = ["libcuda.so", "libcuda.so.1", "libnvidia-ml.so.1"];
const probeSource = `
#include <dlfcn.h>
#include <stdio.h>
int main(int count, char **names) {
  for (int at = 1; at < count; at++) printf("%s: %s\\n", names[at], dlopen(names[at], RTLD_NOW) ? "loaded" : "not loaded");
  return 0;
}
`;
const output = (word: string): string => names.map((name) => `${name}: ${word}\n`).join("");

const missing = (): string | undefined =>
  needs("unshare", "musl-gcc") ?? (existsSync(loader) ? undefined : `needs ${loader}`);

/** A program of musl that asks for libraries by their names. */
function compileProbe(path: string): void {
  writeFileSync(`${path}.c`, probeSource);
  execFileSync("musl-gcc", ["-o", path, `${path}.c`]);
  rmSync(`${path}.c`);
}

interface Furnished {
  readonly folder?: string;
  readonly furnish?: (root: string, driver: Driver) => void;
}

/** A root with musl, the driver's mount points in `folder`, and not much else, on a read-only mount. */
function staged(context: TestContext, { folder = "/usr/lib", furnish }: Furnished = {}): Stage {
  const why = missing();
  if (why !== undefined) context.skip(why);
  const top = scratchDirectory();
  const root = join(top, "root");
  const driver = makeDriver(join(top, "driver"), { compiler: false, libraryDirectory: folder });
  for (const name of ["lib", "etc", "proc", "dev"]) mkdirSync(join(root, name), { recursive: true });
  copyFileSync(loader, join(root, loader));
  compileProbe(join(root, "probe"));
  for (const library of driver.libraries) {
    const path = join(root, containerPathOf(driver, library));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "");
  }
  furnish?.(root, driver);
  const hook = join(top, "bin/nvidia-cdi-hook");
  mkdirSync(dirname(hook));
  symlinkSync(executablePath, hook);
  return readOnlyStage({ root, pristine: root, work: join(top, "bundle"), driver, edits: driverEdits(driver, hook) });
}

const mounts = (): string => readFileSync("/proc/self/mountinfo", "utf8");

function expectRuns(runtime: Runtime, { root, work, edits }: Stage, stdout: string, stage?: HookStage): void {
  writeBundle(work, { root, readonly: true, args: ["/probe", ...names], edits, ...(stage && { stage }) });
  const [before, mountsBefore] = [listTree(root, { identity: true }), mounts()];
  for (let start = 1; start <= 2; start++)
    expect(runtime.run(work), `start ${start}`).toEqual({ status: 0, stdout, stderr: "" });
  expect(compareListings(before, listTree(root, { identity: true }))).toEqual([]);
  expect(mounts()).toBe(mountsBefore);
}

/** Exit status and lines of each hook, in a mount namespace that has the container's mounts. */
function told({ root, edits }: Stage): string {
  const binds = edits.mounts.map(({ hostPath, containerPath }) => `mount --bind ${hostPath} ${root}${containerPath}`);
  const state = join(scratchDirectory(), "state.json");
  writeFileSync(state, stateFor(root));
  const hooks = edits.hooks.map(
    ({ path, args }) => `${path} ${args.slice(1).join(" ")} <${state}; echo "status $?" >&2`,
  );
  const script = ["set -e", ...binds, "set +e", ...hooks].join("\n");
  return spawnSync("unshare", ["--mount", "sh", "-c", script], { encoding: "utf8" }).stderr;
}

const withoutEtc = (root: string): void => rmSync(join(root, "etc"), { recursive: true });
const warning = "cdi-hook: warning: the root is read-only, and musl has no cache that could stand for these links: ";
const cases: readonly (readonly [string, Furnished])[] = [
  ["in a folder that musl searches", {}],
  ["in a folder that it does not search", { folder: "/opt/driver" }],
  ["without /etc", { furnish: withoutEtc }],
];

describe.each(cases)("the driver %s", (_name, furnished) => {
  test("each hook warns and ends well", (context) => {
    const stage = staged(context, furnished);
    const lines = told(stage).split("\n").slice(0, -1);
    const folder = stage.driver.libraryDirectory;
    expect(lines.filter((line) => line.startsWith("status"))).toEqual(["status 0", "status 0"]);
    expect(lines[0]).toBe(`${warning}${folder}/libcuda.so; make them in the image`);
    expect(lines.find((line, at) => at > 0 && line.startsWith(warning))).toMatch(
      / and 1\d more; make them in the image$/,
    );
    const others = lines.filter((line) => !line.startsWith("status") && !line.startsWith(warning));
    const pathFile = expect.stringMatching(/the root is read-only: .*the image has no \/etc/) as string;
    expect(others).toEqual(furnished.furnish === undefined ? [] : [pathFile]);
  });

  test("the container starts, and does not load it", (context) => {
    const [stage, reason] = [staged(context, furnished), needs("runc")];
    if (reason !== undefined) context.skip(reason);
    expectRuns(runc, stage, output("not loaded"));
  });
});

test("other runtime, other stage: the container starts", (context) => {
  const [stage, reason] = [staged(context), crun.missing() ?? runc.missing()];
  if (reason !== undefined) context.skip(reason);
  expectRuns(crun, stage, output("not loaded"));
  expectRuns(runc, stage, output("not loaded"), "prestart");
});

test.for(["/usr/lib", "/opt/driver"])("links in the image, in %s: the driver is loaded", (folder, context) => {
  const links = (root: string, driver: Driver): void => {
    for (const { name, soname, folder: below } of driver.libraries)
      if (soname !== name) symlinkSync(name, join(root, folder, below, soname));
    symlinkSync("libcuda.so.1", join(root, folder, "libcuda.so"));
  };
  const [stage, reason] = [staged(context, { folder, furnish: links }), needs("runc")];
  if (reason !== undefined) context.skip(reason);
  expect(told(stage), "nobody warns").toBe("status 0\nstatus 0\n");
  expectRuns(runc, stage, output("loaded"));
});
