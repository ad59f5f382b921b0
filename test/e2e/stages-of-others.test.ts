/** NVIDIA's own hook at every stage, and ours where a runtime does not run it: the table of docs/sandbox-runtimes.md. */
import { readFileSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, type TestContext, test } from "vitest";
import { writeBundle, type Stage as HookStage } from "../support/bundle.ts";
import { driverEdits } from "../support/cdi-spec.ts";
import { peer } from "../support/peers.ts";
import { loaded, notLoaded, probeCommand } from "../support/probe.ts";
import {
  crun,
  gvisor2022,
  gvisor2024,
  gvisor2026,
  runc,
  type ContainerRun,
  type Runtime,
} from "../support/runtimes.ts";
import { setStage } from "../support/stage.ts";
import { absentPeer } from "../support/tally.ts";
import { scratchInMemory } from "../support/memory-scratch.ts";

scratchInMemory();

const document = resolve(import.meta.dirname, "../../docs/sandbox-runtimes.md");

const runtimes: Readonly<Record<string, Runtime>> = {
  runc,
  crun,
  "gVisor 2022": gvisor2022(),
  "gVisor 2024": gvisor2024(),
  "gVisor 2026": gvisor2026,
};

interface Row {
  readonly runtime: string;
  readonly stage: HookStage;
  readonly theirs: string;
  readonly ours: string;
}

/** The rows of the table behind `<!-- stages -->`. */
const rows: readonly Row[] = (readFileSync(document, "utf8").split("<!-- stages -->")[1] ?? "")
  .split("\n")
  .filter((line) => /^\| \S+.* \| (?:prestart|create\w+) \|/.test(line))
  .map((line) => {
    const [, runtime = "", stage = "", theirs = "", ours = ""] = line.split("|").map((cell) => cell.trim());
    return { runtime, stage: stage as HookStage, theirs, ours };
  });

function outcomeOf({ status, stdout }: ContainerRun, version: string): string {
  if (stdout === loaded(version)) return "loads";
  return stdout === notLoaded() && status === 3 ? "hooks are not run, does not load" : "the container does not start";
}

test("the table has every runtime and stage", () => {
  const stages = ["prestart", "createRuntime", "createContainer"];
  expect(rows.map(({ runtime, stage }) => `${runtime} ${stage}`)).toEqual(
    Object.keys(runtimes).flatMap((runtime) => stages.map((stage) => `${runtime} ${stage}`)),
  );
});

function runtimeOf(context: TestContext, name: string): Runtime {
  const runtime = runtimes[name];
  const reason = runtime?.missing();
  if (runtime === undefined || reason !== undefined) return context.skip(reason ?? "no such runtime");
  return runtime;
}

for (const { runtime: name, stage, theirs, ours } of rows) {
  test(`NVIDIA's hook v1.20.0, ${name} ${stage}: ${theirs}`, (context) => {
    const nvidia = peer("nvidia-cdi-hook-1.20.0") ?? context.skip(`${absentPeer}nvidia-cdi-hook-1.20.0`);
    const runtime = runtimeOf(context, name);
    const { root, work, driver } = setStage(context);
    const path = join(work, "../bin/theirs");
    symlinkSync(nvidia, path);
    writeBundle(work, { root, readonly: false, args: probeCommand(), edits: driverEdits(driver, path), stage });
    expect(outcomeOf(runtime.run(work), driver.version)).toBe(theirs);
  });

  // What loads is in stages.test.ts.
  if (ours === "loads") continue;
  test(`cdi-hook, ${name} ${stage}: ${ours}`, (context) => {
    const runtime = runtimeOf(context, name);
    const { root, work, driver, edits } = setStage(context);
    writeBundle(work, { root, readonly: false, args: probeCommand(), edits, stage });
    expect(outcomeOf(runtime.run(work), driver.version)).toBe(ours);
  });
}
