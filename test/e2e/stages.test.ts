/**
 * Hooks at every stage at which a runtime runs them on the host: where the container's mounts are in our namespace, where
 * only its process has them, and where nobody has them yet.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, type TestContext, test } from "vitest";
import { writeBundle, type Stage as HookStage } from "../support/bundle.ts";
import { containerPathOf } from "../support/driver.ts";
import { ldconfigOutcome } from "../support/ldconfig-oracle.ts";
import { loaded, notLoaded, probeCommand } from "../support/probe.ts";
import { crun, gvisor2022, gvisor2024, gvisor2026With, runc, type Runtime } from "../support/runtimes.ts";
import { setStage, type Stage } from "../support/stage.ts";
import { compareListings, type Listing, listTree } from "../support/tree-listing.ts";
import { scratchInMemory } from "../support/memory-scratch.ts";

scratchInMemory();

const earlyStages = ["prestart", "createRuntime"] as const;
const allStages = [...earlyStages, "createContainer"] as const;

/** gVisor's ways to lay a writable layer over the root; 2022 has none of these flags. */
const gvisors: readonly Runtime[] = [
  gvisor2022(),
  gvisor2024(),
  gvisor2026With(),
  ...["none", "root:memory", "all:memory"].flatMap((overlay) => [
    gvisor2024(`--overlay2=${overlay}`),
    gvisor2026With(`--overlay2=${overlay}`),
  ]),
];

const cases: readonly (readonly [string, Runtime, HookStage])[] = [
  ...[runc, crun].flatMap((runtime) => allStages.map((stage) => [`${runtime.name} ${stage}`, runtime, stage] as const)),
  ...gvisors.flatMap((runtime) => earlyStages.map((stage) => [`${runtime.name} ${stage}`, runtime, stage] as const)),
];

function start(context: TestContext, runtime: Runtime): Stage {
  const reason = runtime.missing();
  if (reason !== undefined) context.skip(reason);
  return setStage(context);
}

function run(runtime: Runtime, staged: Stage, stage: HookStage, hooks = staged.edits.hooks): unknown {
  const { root, work, edits } = staged;
  writeBundle(work, { root, readonly: false, args: probeCommand(), edits: { ...edits, hooks }, stage });
  return runtime.run(work);
}

describe.each(cases)("%s", (_name, runtime, stage) => {
  test("a program loads the driver; the root is what the image's ldconfig leaves; a second start changes nothing", (context) => {
    const staged = start(context, runtime);
    const { root, work, pristine, driver } = staged;
    expect(run(runtime, staged, stage, [])).toMatchObject({ status: 3, stdout: notLoaded() });
    expect(run(runtime, staged, stage)).toMatchObject({ status: 0, stdout: loaded(driver.version) });

    const expected = `${work}-expected`;
    ldconfigOutcome(pristine, driver, root, expected);
    const cache = "etc/ld.so.cache";
    expect(readFileSync(join(root, cache)).equals(readFileSync(join(expected, cache))), cache).toBe(true);
    const without = [...driver.libraries.map((library) => containerPathOf(driver, library)), "/var/cache/ldconfig"];
    expect(compareListings(listTree(expected, { without }), listTree(root, { without }))).toEqual([]);

    const list = (): Listing => listTree(root, { identity: true });
    const first = list();
    expect(run(runtime, staged, stage)).toMatchObject({ status: 0, stdout: loaded(driver.version) });
    expect(compareListings(first, list())).toEqual([]);
  });
});
