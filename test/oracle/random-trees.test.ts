import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runHook } from "../support/executable.ts";
import { describeTree, type TreeEntry, writeTree } from "../support/tree-entries.ts";
import { generateTree } from "../support/tree-generator.ts";
import { compareListings, listTree } from "../support/tree-listing.ts";
import { firstDifference } from "./cache-dump.ts";
import { machineLdconfig } from "./machine-ldconfig.ts";
import { shrinkTree } from "./shrink.ts";

const firstSeed = Number(process.env["ORACLE_FIRST_SEED"] ?? 1);
const seeds = Number(process.env["ORACLE_SEEDS"] ?? 100);
const batches = 10;

/** How the product learns which ldconfig to imitate: by looking for it in the tree, or by flags. */
type Profile = "detected" | "told";

const oracle = machineLdconfig();
const cache = "/etc/ld.so.cache";
/** The aux-cache is ldconfig's own; ours neither reads nor writes one. */
const auxiliaryCache = "/var/cache/ldconfig";

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

/** Two copies made in the same order, so that their directories are read in the same order. */
function makeTree(base: string, name: string, entries: readonly TreeEntry[]): string {
  const root = join(base, name);
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root);
  writeTree(root, entries);
  mkdirSync(join(root, "sbin"), { recursive: true });
  linkSync(join(base, "ldconfig"), join(root, "sbin/ldconfig"));
  return root;
}

/** What differs after ldconfig in one copy and cdi-hook in the other; undefined when ldconfig itself fails. */
function differences(base: string, entries: readonly TreeEntry[], profile: Profile): string[] | undefined {
  if (typeof oracle === "string") throw new Error(oracle);
  const theirs = makeTree(base, "theirs", entries);
  const ours = makeTree(base, "ours", entries);
  const real = spawnSync(oracle.path, ["-r", theirs, "-i"], { encoding: "latin1", timeout: 20_000 });
  if (real.status !== 0) return undefined;
  const flags = profile === "told" ? oracle.profile : [];
  const { status, signal, stderr } = runHook(["ldcache", "rebuild", "--root", ours, ...flags], { timeout: 20_000 });
  if (status !== 0) return [`cdi-hook ends with ${status ?? signal}: ${stderr.trim()}`];
  const options = { without: [auxiliaryCache] };
  const listing = compareListings(listTree(theirs, options), listTree(ours, options));
  if (listing.length === 0) return [];
  const caches = existsSync(ours + cache)
    ? firstDifference(readFileSync(theirs + cache), readFileSync(ours + cache))
    : [];
  return [...listing, ...caches];
}

function report(base: string, seed: number, entries: readonly TreeEntry[], profile: Profile): string {
  const smallest = shrinkTree(entries, (smaller) => (differences(base, smaller, profile) ?? []).length > 0);
  const lines = differences(base, smallest, profile) ?? ["ldconfig fails"];
  return [
    `seed ${seed}, profile ${profile}: ldconfig (-) and cdi-hook (+) differ`,
    ...lines.slice(0, 40).map((line) => `  ${line}`),
    "on this tree:",
    ...describeTree(smallest).map((line) => `  ${line}`),
    "",
  ].join("\n");
}

describe(`random trees, seeds ${firstSeed} to ${firstSeed + seeds - 1}`, () => {
  for (let batch = 0; batch < batches; batch += 1) {
    test(`batch ${batch}`, (context) => {
      if (typeof oracle === "string") return context.skip(oracle);
      const failed: number[] = [];
      let first: string | undefined;
      for (let seed = firstSeed + batch; seed < firstSeed + seeds; seed += batches) {
        const base = seed % 3 === 0 ? disk : memory;
        const profile: Profile = seed % 2 === 0 ? "detected" : "told";
        const entries = generateTree(seed);
        if (differences(base, entries, profile)?.length === 0) continue;
        failed.push(seed);
        first ??= report(base, seed, entries, profile);
      }
      expect(failed, first).toEqual([]);
    });
  }
});
