/** The table of docs/read-only-roots.md, each cell from a run. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, onTestFinished, type TestContext, test } from "vitest";
import { writeBundle } from "../support/bundle.ts";
import type { ContainerEdits } from "../support/cdi-spec.ts";
import { program } from "../support/debian-root.ts";
import { runHook } from "../support/executable.ts";
import { peer } from "../support/peers.ts";
import { cudaLibraries, loaded, notLoaded, probeCommand } from "../support/probe.ts";
import { readOnlyStage, stageWithMountPoints } from "../support/read-only-root.ts";
import { crun, gvisor2026With, runc, type ContainerRun, type Runtime } from "../support/runtimes.ts";
import { scratchDirectory } from "../support/scratch.ts";
import type { Stage } from "../support/stage.ts";
import { absentPeer } from "../support/tally.ts";
import { compareListings, listTree } from "../support/tree-listing.ts";
import { scratchInMemory } from "../support/memory-scratch.ts";

scratchInMemory();

const runtimes: Readonly<Record<string, Runtime>> = {
  runc,
  crun,
  "gVisor 2026": gvisor2026With("--overlay2=none"),
};
const libraries = [
  ...cudaLibraries,
  { library: "libGLX_nvidia.so.0", symbol: "__glx_Main" },
  { library: "libEGL_nvidia.so.0", symbol: "__egl_Main" },
];
const nvidia = "nvidia-cdi-hook-1.20.0";

/** The rows of the page's first table. */
function rows(): readonly (readonly string[])[] {
  const text = readFileSync(resolve(import.meta.dirname, "../../docs/read-only-roots.md"), "utf8");
  const lines = text.split("\n").filter((line) => line.startsWith("|"));
  return lines.slice(2).map((line) =>
    line
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim()),
  );
}

interface Prepared extends Stage {
  readonly annotations?: Readonly<Record<string, string>>;
}

function prepare(context: TestContext, kind: string): Prepared {
  const staged = stageWithMountPoints(context);
  if (kind === "`root.readonly`") return staged;
  if (kind === "read-only bind mount") return readOnlyStage(staged);
  const isSquashfs = kind.startsWith("squashfs");
  const maker = isSquashfs ? "mksquashfs" : "mkfs.erofs";
  if (program(maker) === undefined) context.skip(`needs ${maker}`);
  const image = join(staged.work, "../image");
  for (const folder of ["proc", "dev", "sys"]) mkdirSync(join(staged.root, folder), { recursive: true });
  const words = isSquashfs ? [staged.root, image, "-noI", "-noD", "-noF"] : ["-E", "noinline_data", image, staged.root];
  execFileSync(program(maker) ?? "", words, { stdio: "ignore" });
  if (kind.endsWith(", mounted")) {
    const root = join(staged.work, "../mounted");
    mkdirSync(root);
    execFileSync("mount", ["-t", isSquashfs ? "squashfs" : "erofs", "-o", "loop,ro", image, root]);
    onTestFinished(() => void execFileSync("umount", ["--lazy", root]));
    return { ...staged, root };
  }
  const root = join(staged.work, "rootfs");
  mkdirSync(root, { recursive: true });
  const prefix = "dev.gvisor.spec.rootfs.";
  const overlay = kind.endsWith("overlay in memory") ? { [`${prefix}overlay`]: "memory" } : {};
  return { ...staged, root, annotations: { [`${prefix}source`]: image, [`${prefix}type`]: "erofs", ...overlay } };
}

function write({ root, work, edits, annotations }: Prepared, hooks: ContainerEdits["hooks"]): void {
  writeBundle(work, { root, readonly: true, args: probeCommand(libraries), edits: { ...edits, hooks } });
  if (annotations === undefined) return;
  const path = join(work, "config.json");
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, "utf8")) as object), annotations }));
}

const mounts = (): string => readFileSync("/proc/self/mountinfo", "utf8");

/** The word for what came of a run. */
function outcome({ status, stdout }: ContainerRun, version: string): string {
  if (status === 0 && stdout === loaded(version, libraries)) return "loads";
  return stdout === notLoaded(libraries) ? "does not load" : "does not start";
}

describe.each(rows())("%s, %s", (name, kind, none, nvidias, ours) => {
  const runtime = runtimes[name] ?? runc;

  function begin(context: TestContext): Prepared {
    const reason = runtime.missing();
    if (reason !== undefined) context.skip(reason);
    return prepare(context, kind);
  }

  test("no hooks", (context) => {
    const prepared = begin(context);
    write(prepared, []);
    expect(outcome(runtime.run(prepared.work), prepared.driver.version)).toBe(none);
  });

  test("NVIDIA's hooks", (context) => {
    const path = peer(nvidia);
    if (path === undefined) return context.skip(`${absentPeer}${nvidia}`);
    const prepared = begin(context);
    write(
      prepared,
      prepared.edits.hooks.map((hook) => ({ ...hook, path })),
    );
    expect(outcome(runtime.run(prepared.work), prepared.driver.version)).toBe(nvidias);
  });

  test("cdi-hook", (context) => {
    const prepared = begin(context);
    const { root, work, driver, edits } = prepared;
    write(prepared, edits.hooks);
    const state = join(scratchDirectory(), "state");
    const emits = ours?.includes("--emit-mounts") ?? false;
    const command = (...words: readonly string[]): number | null =>
      emits ? runHook([...words, "--state-dir", state], { argv0: "cdi-hook" }).status : 0;
    const [before, mountsBefore] = [listTree(root, { identity: true }), mounts()];
    expect(command("apply", "--bundle", work, "--emit-mounts", "--in-place", "--id", "one")).toBe(0);
    expect(outcome(runtime.run(work), driver.version)).toBe(ours?.replace(/ \(.*\)$/, ""));
    expect(command("cleanup", "one")).toBe(0);
    expect(existsSync(state) ? readdirSync(state) : []).toEqual([]);
    const left = compareListings(before, listTree(root, { identity: true }));
    // What the runtime makes read-only later is written as any other root.
    expect(kind === "`root.readonly`" ? [] : left).toEqual([]);
    expect(mounts()).toBe(mountsBefore);
  });
});
