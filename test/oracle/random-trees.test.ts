import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generateTree } from "../support/tree-generator.ts";
import { machineLdconfig } from "./machine-ldconfig.ts";
import { type Comparison, faults, report } from "./random-tree.ts";

const firstSeed = Number(process.env["ORACLE_FIRST_SEED"] ?? 1);
const seeds = Number(process.env["ORACLE_SEEDS"] ?? 100);
const batches = 10;
/** For a batch, in milliseconds. */
const timeout = 300_000 * Math.max(1, seeds / 100);

/** How the product learns which ldconfig to imitate: by looking for it in the tree, or by flags. */
type Profile = "detected" | "told";

const oracle = machineLdconfig();

let memory = "";
let disk = "";

beforeAll(() => {
  disk = mkdtempSync(join(tmpdir(), "cdi-hook-oracle-"));
  memory = existsSync("/dev/shm") ? mkdtempSync("/dev/shm/cdi-hook-oracle-") : disk;
  if (typeof oracle === "string") return;
  for (const base of new Set([memory, disk])) copyFileSync(oracle.path, join(base, "ldconfig"));
});

afterAll(() => {
  for (const base of new Set([memory, disk])) rmSync(base, { recursive: true, force: true });
});

describe(`random trees, seeds ${firstSeed} to ${firstSeed + seeds - 1}`, () => {
  for (let batch = 0; batch < batches; batch += 1) {
    test(
      `batch ${batch}`,
      (context) => {
        if (typeof oracle === "string") return context.skip(oracle);
        const failed: number[] = [];
        let first: string | undefined;
        for (let seed = firstSeed + batch; seed < firstSeed + seeds; seed += batches) {
          const base = seed % 3 === 0 ? disk : memory;
          const profile: Profile = seed % 2 === 0 ? "detected" : "told";
          const flags = profile === "told" ? oracle.profile : [];
          const comparison: Comparison = { base, ldconfig: join(base, "ldconfig"), emulator: [], flags };
          const entries = generateTree(seed);
          if (faults(comparison, entries).length === 0) continue;
          failed.push(seed);
          first ??= report(comparison, `seed ${seed}, profile ${profile}`, entries);
        }
        expect(failed, first).toEqual([]);
      },
      timeout,
    );
  }
});
