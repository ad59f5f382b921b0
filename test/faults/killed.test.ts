/** A runtime's `timeout`: the hook is killed at a moment that nobody chose. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { program } from "../support/debian-root.ts";
import { executablePath, runHook, stateFor } from "../support/executable.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import {
  createSymlinks,
  differences,
  factsOf,
  makeSmallRoot,
  neitherOldNorNew,
  temporariesIn,
  updateLdcache,
} from "./small-root.ts";

const times = 200;

let directory = "";
let root = "";

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "cdi-hook-faults-"));
  root = join(directory, "root");
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

test.for([createSymlinks, updateLdcache])(
  "$name, killed at random times: old or new, and the next run mends it",
  (call, ctx) => {
    if (program("timeout") === undefined) return ctx.skip("needs timeout of GNU coreutils");
    const seed = Date.now() % 1_000_000;
    const random = new SeededRandom(seed);
    makeSmallRoot(root);
    const before = factsOf(root);
    const run = (): ReturnType<typeof runHook> => runHook(call.argumentsFor(root), { stdin: stateFor(root) });
    const length = Math.min(run().ms, 50) + 2;
    const after = factsOf(root);
    const faults: string[] = [];
    let killed = 0;
    for (let round = 0; round < times; round += 1) {
      makeSmallRoot(root);
      const signal = random.pick(["KILL", "TERM"]);
      const seconds = (random.between(100, Math.round(length * 1000)) / 1_000_000).toFixed(6);
      const done = spawnSync(
        "timeout",
        ["--foreground", "-s", signal, seconds, executablePath, ...call.argumentsFor(root)],
        {
          input: stateFor(root),
          env: {},
          encoding: "utf8",
        },
      );
      const wasKilled = done.status === 124 || done.status === 137 || done.signal !== null;
      if (wasKilled) killed += 1;
      const found = factsOf(root);
      const here = neitherOldNorNew(found, before, after);
      if (temporariesIn(found).length > 1) here.push(`left behind: ${temporariesIn(found).join(", ")}`);
      if (!wasKilled && done.status !== 0) here.push(`status ${done.status}: ${done.stderr}`);
      const next = run();
      if (next.status !== 0 || next.stderr !== "") here.push(`the next run: ${next.status} ${next.stderr}`);
      here.push(...differences(factsOf(root), after).map((line) => `after the next run: ${line}`));
      faults.push(...here.map((fault) => `seed ${seed}, round ${round}: ${fault}`));
    }
    expect(faults).toEqual([]);
    expect(killed, "some were killed").toBeGreaterThan(0);
  },
);
