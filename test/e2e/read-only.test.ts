/** Roots that cannot be written: one file, mounted over the cache, makes a program load the driver. */
import { readFileSync } from "node:fs";
import { describe, expect, type TestContext, test } from "vitest";
import { writeBundle, type Stage as HookStage } from "../support/bundle.ts";
import { loaded, notLoaded, probeCommand } from "../support/probe.ts";
import { crun, gvisor2026With, runc, type ContainerRun, type Runtime } from "../support/runtimes.ts";
import { readOnlyStage, stageWithMountPoints } from "../support/read-only-root.ts";
import { type Stage } from "../support/stage.ts";
import { compareListings, listTree } from "../support/tree-listing.ts";
import { scratchInMemory } from "../support/memory-scratch.ts";

scratchInMemory();

function readOnlyRoot(context: TestContext, runtime: Runtime): Stage {
  const reason = runtime.missing();
  if (reason !== undefined) context.skip(reason);
  return readOnlyStage(stageWithMountPoints(context));
}

function run(runtime: Runtime, staged: Stage, stage: HookStage, hooks = staged.edits.hooks): ContainerRun {
  const { root, work, edits } = staged;
  writeBundle(work, { root, readonly: true, args: probeCommand(), edits: { ...edits, hooks }, stage });
  return runtime.run(work);
}

const cases: readonly (readonly [string, Runtime, HookStage])[] = [
  ...[runc, crun].flatMap((runtime) =>
    (["prestart", "createRuntime", "createContainer"] as const).map(
      (stage) => [`${runtime.name} ${stage}`, runtime, stage] as const,
    ),
  ),
  ["gVisor 2026 createContainer", gvisor2026With("--overlay2=none"), "createContainer"],
  ["gVisor 2026 createContainer, overlay in memory", gvisor2026With("--overlay2=root:memory"), "createContainer"],
];

const mounts = (): string => readFileSync("/proc/self/mountinfo", "utf8");

describe.each(cases)("a read-only bind mount, %s", (_name, runtime, stage) => {
  test("a program loads the driver, and nothing is left in the root or on the host", (context) => {
    const staged = readOnlyRoot(context, runtime);
    expect(run(runtime, staged, stage, [])).toMatchObject({ status: 3, stdout: notLoaded() });
    const [before, mountsBefore] = [listTree(staged.root, { identity: true }), mounts()];
    for (let start = 1; start <= 2; start++) {
      expect(run(runtime, staged, stage), `start ${start}`).toEqual({
        status: 0,
        stdout: loaded(staged.driver.version),
        stderr: "",
      });
    }
    expect(compareListings(before, listTree(staged.root, { identity: true }))).toEqual([]);
    expect(mounts()).toBe(mountsBefore);
  });
});
