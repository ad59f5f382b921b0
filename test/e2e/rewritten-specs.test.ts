/**
 * Containers from CDI specs whose hooks are NVIDIA's, at a path where nothing is on this machine, and without `env`, as
 * they were written before toolkit 1.17.8: rewritten, they start and load the driver.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, expect, type TestContext, test } from "vitest";
import { type Stage as HookStage, writeBundle } from "../support/bundle.ts";
import { type CdiSpec, cdiSpec, type ContainerEdits, type HookName } from "../support/cdi-spec.ts";
import { program } from "../support/debian-root.ts";
import { runHook } from "../support/executable.ts";
import { loaded, probeCommand } from "../support/probe.ts";
import {
  type ContainerRun,
  gvisor2022,
  gvisor2024,
  gvisor2026,
  podmanMissing,
  runc,
  runPodman,
  type Runtime,
} from "../support/runtimes.ts";
import { setStage, type Stage } from "../support/stage.ts";

/** The edits of an old spec, whose hook program is not on this machine. */
function foreign({ edits }: Stage): ContainerEdits {
  const hooks = edits.hooks.map(({ hookName, path, args }) => ({
    hookName,
    path: join("/nonexistent/bin", basename(path)),
    args,
  }));
  return { ...edits, hooks: hooks as ContainerEdits["hooks"] };
}

/** Rewrites a spec for the executable that the stage has, and expects that it says so. */
function rewrite(spec: string, { edits, work }: Stage, flags: readonly string[]): void {
  const directory = dirname(edits.hooks[0]?.path ?? "");
  const args = ["cdi", "rewrite", "--hook-dir", directory, "--state", join(work, "../originals"), ...flags, spec];
  const { status, stderr, stdout } = runHook(args);
  expect({ status, stderr, stdout: stdout.toString() }).toMatchObject({ status: 0, stderr: "" });
  expect(stdout.toString()).toContain(`${spec}: rewritten`);
}

function stageOn(context: TestContext, missing: string | undefined, name: HookName = "nvidia-cdi-hook"): Stage {
  if (missing !== undefined) context.skip(missing);
  return setStage(context, { name });
}

describe.each(["runc", "crun"] as const)("podman on %s", (runtime) => {
  const run = ({ root }: Stage, edits: ContainerEdits, prepare: (spec: string) => void): ContainerRun =>
    runPodman({ runtime, root, readonly: false, args: probeCommand(), edits, prepare });

  for (const [name, flags] of [
    ["nvidia-cdi-hook", []],
    ["nvidia-ctk", ["--chain"]],
  ] as const) {
    test(`a spec that calls ${name}: as it is, no container starts; after cdi rewrite ${flags.join(" ")}`, (context) => {
      const staged = stageOn(context, podmanMissing(runtime), name);
      const before = run(staged, foreign(staged), () => undefined);
      expect([before.status === 0, before.stdout]).toEqual([false, ""]);
      const { status, stdout, stderr } = run(staged, foreign(staged), (spec) => rewrite(spec, staged, flags));
      expect({ status, stdout, stderr }).toMatchObject({ status: 0, stdout: loaded(staged.driver.version) });
    });
  }
});

/** The edits of the spec after `cdi rewrite`, and the one stage of its hooks. */
function rewritten(staged: Stage, flags: readonly string[]): readonly [ContainerEdits, HookStage] {
  const spec = join(staged.work, "../spec.json");
  writeFileSync(spec, JSON.stringify(cdiSpec("nvidia.com/gpu", foreign(staged)), null, 2));
  rewrite(spec, staged, flags);
  const { containerEdits } = JSON.parse(readFileSync(spec, "utf8")) as CdiSpec;
  const [stage, ...others] = new Set(containerEdits.hooks.map(({ hookName }) => hookName as HookStage));
  if (stage === undefined || others.length > 0) throw new Error(`stages: ${String([stage, ...others])}`);
  return [containerEdits, stage];
}

function bundleOf(staged: Stage, flags: readonly string[]): string {
  const { root, work } = staged;
  const [edits, stage] = rewritten(staged, flags);
  writeBundle(work, { root, readonly: false, args: probeCommand(), edits, stage });
  return work;
}

const early = ["--stage", "createRuntime"];

/** Runtimes that run no createContainer hooks, or not yet; every stage of every runtime is in stages.test.ts. */
const stages: readonly (readonly [Runtime, readonly string[]])[] = [
  [gvisor2022(), early],
  [gvisor2022(), ["--stage", "prestart", "--chain"]],
  [gvisor2024(), early],
  [gvisor2026, [...early, "--chain"]],
];

for (const [runtime, flags] of stages) {
  test(`${runtime.name}: cdi rewrite ${flags.join(" ")}`, (context) => {
    const staged = stageOn(context, runtime.missing());
    const { status, stdout, stderr } = runtime.run(bundleOf(staged, flags));
    expect({ status, stdout, stderr }).toMatchObject({ status: 0, stdout: loaded(staged.driver.version) });
  });
}

describe("how many processes the hooks are", () => {
  /** Starts of programs of that path while runc starts the container. */
  function starts(staged: Stage, flags: readonly string[]): number {
    const path = staged.edits.hooks[0]?.path ?? "";
    const bundle = bundleOf(staged, flags);
    const trace = join(staged.work, "../trace");
    const state = join(staged.work, "../state");
    mkdirSync(state, { recursive: true });
    const command = [...runc.command(state), "run", "--bundle", bundle, `traced-${process.pid}`];
    const strace = ["-f", "-qq", "-e", "trace=execve,execveat", "-e", "signal=none", "-o", trace, ...command];
    const { status, stdout } = spawnSync("strace", strace, { encoding: "utf8", timeout: 120_000 });
    expect({ status, stdout }).toEqual({ status: 0, stdout: loaded(staged.driver.version) });
    return readFileSync(trace, "latin1")
      .split("\n")
      .filter((line) => line.includes(`execve("${path}"`)).length;
  }

  for (const [flags, expected] of [
    [[], 2],
    [["--chain"], 1],
    [["--chain", "--stage", "createRuntime"], 1],
  ] as const) {
    test(`cdi rewrite ${flags.join(" ")}: ${expected}`, (context) => {
      if (program("strace") === undefined) context.skip("needs strace");
      expect(starts(stageOn(context, runc.missing()), flags)).toBe(expected);
    });
  }
});
