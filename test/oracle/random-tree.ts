/** ldconfig and cdi-hook beside each other on copies of one generated tree. */
import { spawnSync } from "node:child_process";
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runHook } from "../support/executable.ts";
import { describeTree, type TreeEntry, writeTree } from "../support/tree-entries.ts";
import { compareListings, listTree } from "../support/tree-listing.ts";
import { firstDifference } from "./cache-dump.ts";
import { shrinkTree } from "./shrink.ts";

const cache = "/etc/ld.so.cache";
/** The aux-cache is ldconfig's own; ours neither reads nor writes one. */
const auxiliaryCache = "/var/cache/ldconfig";

export interface Comparison {
  /** Directory that the copies are made in. */
  base: string;
  /** The program, on the file system of `base`: both trees hold it. */
  ldconfig: string;
  /** What runs a program of another architecture; empty for one of this machine's. */
  emulator: readonly string[];
  /** Flags of `ldcache rebuild`. */
  flags: readonly string[];
}

/** Two copies made in the same order, so that their directories are read in the same order. */
function makeTree({ base, ldconfig }: Comparison, name: string, entries: readonly TreeEntry[]): string {
  const root = join(base, name);
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root);
  writeTree(root, entries);
  mkdirSync(join(root, "sbin"), { recursive: true });
  linkSync(ldconfig, join(root, "sbin/ldconfig"));
  return root;
}

/** What differs after ldconfig in one copy and cdi-hook in the other; undefined when ldconfig itself fails. */
export function differences(comparison: Comparison, entries: readonly TreeEntry[]): string[] | undefined {
  const theirs = makeTree(comparison, "theirs", entries);
  const ours = makeTree(comparison, "ours", entries);
  const [program, ...args] = [...comparison.emulator, comparison.ldconfig, "-r", theirs, "-i"];
  const real = spawnSync(program, args, { encoding: "latin1", timeout: 60_000 });
  if (real.status !== 0) return undefined;
  const rebuild = ["ldcache", "rebuild", "--root", ours, ...comparison.flags];
  const { status, signal, stderr } = runHook(rebuild, { timeout: 60_000 });
  if (status !== 0) return [`cdi-hook ends with ${status ?? signal}: ${stderr.trim()}`];
  const options = { without: [auxiliaryCache] };
  const listing = compareListings(listTree(theirs, options), listTree(ours, options));
  if (listing.length === 0) return [];
  const caches = existsSync(ours + cache)
    ? firstDifference(readFileSync(theirs + cache), readFileSync(ours + cache))
    : [];
  return [...listing, ...caches];
}

/** The differences, on the smallest tree found that still has some. */
export function report(comparison: Comparison, title: string, entries: readonly TreeEntry[]): string {
  const smallest = shrinkTree(entries, (smaller) => (differences(comparison, smaller) ?? []).length > 0);
  const lines = differences(comparison, smallest) ?? ["ldconfig fails"];
  return [
    `${title}: ldconfig (-) and cdi-hook (+) differ`,
    ...lines.slice(0, 40).map((line) => `  ${line}`),
    "on this tree:",
    ...describeTree(smallest).map((line) => `  ${line}`),
    "",
  ].join("\n");
}
