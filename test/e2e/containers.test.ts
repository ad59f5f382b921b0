import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, type TestContext, test } from "vitest";
import { writeBundle } from "../support/bundle.ts";
import { containerPathOf } from "../support/driver.ts";
import { ldconfigOutcome } from "../support/ldconfig-oracle.ts";
import { loaded, notLoaded, probeCommand } from "../support/probe.ts";
import {
  type ContainerRun,
  crun,
  gvisor2026,
  podmanMissing,
  runc,
  runPodman,
  type Runtime,
} from "../support/runtimes.ts";
import { setStage, type Stage, type StageOptions } from "../support/stage.ts";
import { compareListings, type Listing, listTree } from "../support/tree-listing.ts";

interface Container extends Stage {
  /** `root.readonly` */
  readonly: boolean;
}

interface Engine {
  name: string;
  missing(): string | undefined;
  run(container: Container): ContainerRun;
  /** Files that the engine itself puts into the root. */
  own: readonly string[];
  /** Whether `root.readonly` is in force already when createContainer hooks run: so with crun, and against the others. */
  readonlyBeforeHooks: boolean;
}

const bundled = (runtime: Runtime): Engine => ({
  name: runtime.name,
  missing: () => runtime.missing(),
  run({ root, work, edits, readonly }) {
    writeBundle(work, { root, readonly, args: probeCommand(), edits });
    return runtime.run(work);
  },
  own: [],
  readonlyBeforeHooks: runtime === crun,
});

const podman = (runtime: "runc" | "crun"): Engine => ({
  name: `podman on ${runtime}, CDI spec in /etc/cdi`,
  missing: () => podmanMissing(runtime),
  run: ({ root, edits, readonly }) => runPodman({ runtime, root, readonly, args: probeCommand(), edits }),
  own: ["/etc/hosts", "/etc/mtab", "/run/.containerenv"],
  readonlyBeforeHooks: runtime === "crun",
});

const engines: readonly Engine[] = [bundled(runc), bundled(crun), bundled(gvisor2026), podman("runc"), podman("crun")];

function stage(context: TestContext, engine: Engine, options?: StageOptions): Container {
  const reason = engine.missing();
  if (reason !== undefined) context.skip(reason);
  return { ...setStage(context, options), readonly: !engine.readonlyBeforeHooks };
}

/** Starts the container and expects its program to have loaded the driver. */
function expectLoaded(engine: Engine, staged: Container): void {
  const { status, stdout, stderr } = engine.run(staged);
  expect({ status, stdout, stderr }).toMatchObject({ status: 0, stdout: loaded(staged.driver.version) });
}

/**
 * Expects the whole tree to be what the image's own ldconfig leaves. The driver's files are left out: in the started root
 * they are the runtime's empty mount points.
 */
function expectLdconfigOutcome(engine: Engine, { root, work, pristine, driver }: Container): void {
  const expected = `${work}-expected`;
  ldconfigOutcome(pristine, driver, root, expected);
  const cache = "etc/ld.so.cache";
  expect(readFileSync(join(root, cache)).equals(readFileSync(join(expected, cache))), cache).toBe(true);
  const without = [
    ...driver.libraries.map((library) => containerPathOf(driver, library)),
    "/var/cache/ldconfig",
    ...engine.own,
  ];
  expect(compareListings(listTree(expected, { without }), listTree(root, { without }))).toEqual([]);
}

describe.each(engines)("$name", (engine) => {
  test("without the hooks the driver is mounted and not found", (context) => {
    const staged = stage(context, engine);
    const { status, stdout } = engine.run({ ...staged, edits: { ...staged.edits, hooks: [] } });
    expect({ status, stdout }).toEqual({ status: 3, stdout: notLoaded() });
  });

  test("with the hooks a program loads libcuda.so, libcuda.so.1 and libnvidia-ml.so.1", (context) => {
    expectLoaded(engine, { ...stage(context, engine), readonly: false });
  });

  test("the same with root.readonly: true", (context) => {
    const staged = stage(context, engine);
    // Where the root is read-only already when the hooks run, they succeed when an earlier start has left them nothing to do.
    if (engine.readonlyBeforeHooks) expectLoaded(engine, { ...staged, readonly: false });
    expectLoaded(engine, { ...staged, readonly: true });
  });

  test("cache and links are those of the image's own ldconfig, byte for byte, and nothing else is changed", (context) => {
    const staged = stage(context, engine);
    expectLoaded(engine, staged);
    expectLdconfigOutcome(engine, staged);
  });

  test("the second to the fifth start change no byte and no inode", (context) => {
    const staged = stage(context, engine);
    expectLoaded(engine, staged);
    // Times of status change are not compared: bind mounts and a runtime's own housekeeping may set them.
    const list = (): Listing => listTree(staged.root, { identity: true, without: engine.own });
    const first = list();
    for (let start = 2; start <= 5; start++) {
      expectLoaded(engine, staged);
      expect(compareListings(first, list()), `start ${start}`).toEqual([]);
    }
  });
});

describe("runc", () => {
  const engine = bundled(runc);

  test("hooks of a spec that calls `nvidia-ctk hook`", (context) => {
    const staged = stage(context, engine, { name: "nvidia-ctk" });
    expectLoaded(engine, staged);
    expectLdconfigOutcome(engine, staged);
  });

  test("a driver whose libraries no compiler has made", (context) => {
    expectLoaded(engine, stage(context, engine, { compiled: false }));
  });

  for (const suite of ["bullseye", "trixie"] as const) {
    test(`a root of Debian ${suite}`, (context) => {
      const staged = stage(context, engine, { debian: { suite } });
      expectLoaded(engine, staged);
      expectLdconfigOutcome(engine, staged);
    });
  }
});
