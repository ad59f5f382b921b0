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

/** What the program prints. Throws Error with its last words when it does not end well. */
function runLdconfig({ emulator, ldconfig: path }: Comparison, root: string, flag: string): string {
  const [program, ...args] = [...emulator, path, "-r", root, flag];
  const { status, signal, stdout, stderr } = spawnSync(program, args, { encoding: "latin1", timeout: 60_000 });
  if (status === 0) return stdout;
  throw new Error(`ldconfig itself ends with ${status ?? signal}: ${stderr.trim().split("\n").slice(-3).join(" | ")}`);
}

/**
 * What differs after ldconfig in one copy and cdi-hook in the other: the trees, the caches, what both print of them.
 *
 * @throws Error when ldconfig itself fails
 */
function differences(comparison: Comparison, entries: readonly TreeEntry[]): string[] {
  const theirs = makeTree(comparison, "theirs", entries);
  const ours = makeTree(comparison, "ours", entries);
  runLdconfig(comparison, theirs, "-i");
  const rebuild = ["ldcache", "rebuild", "--root", ours, ...comparison.flags];
  const { status, signal, stderr } = runHook(rebuild, { timeout: 60_000 });
  if (status !== 0) return [`cdi-hook ends with ${status ?? signal}: ${stderr.trim()}`];
  const options = { without: [auxiliaryCache] };
  const listing = compareListings(listTree(theirs, options), listTree(ours, options));
  if (listing.length === 0) return existsSync(ours + cache) ? printedDifferences(comparison, theirs, ours) : [];
  const caches = existsSync(ours + cache)
    ? firstDifference(readFileSync(theirs + cache), readFileSync(ours + cache))
    : [];
  return [...listing, ...caches];
}

/** The first line in which `ldconfig -p` and `ldcache print` differ. */
function printedDifferences(comparison: Comparison, theirs: string, ours: string): string[] {
  const theirLines = runLdconfig(comparison, theirs, "-p").split("\n");
  const { status, stdout, stderr } = runHook(["ldcache", "print", "--root", ours], { timeout: 60_000 });
  if (status !== 0) return [`ldcache print ends with ${status}: ${stderr.trim()}`];
  const ourLines = stdout.toString("latin1").split("\n");
  const at = Array.from({ length: Math.max(theirLines.length, ourLines.length) }).findIndex(
    (_, line) => theirLines[line] !== ourLines[line],
  );
  return at < 0 ? [] : [`printed line ${at + 1}:`, `- ${theirLines[at]}`, `+ ${ourLines[at]}`];
}

/** What is wrong with a tree: an ldconfig that fails has shown nothing, so that counts as well. Empty when all is well. */
export function faults(comparison: Comparison, entries: readonly TreeEntry[]): string[] {
  try {
    return differences(comparison, entries);
  } catch (error) {
    return [String(error)];
  }
}

/** The faults, on the smallest tree found that still has some of the kind. */
export function report(comparison: Comparison, title: string, entries: readonly TreeEntry[]): string {
  const isCrash = (lines: readonly string[]): boolean => lines[0]?.startsWith("Error: ldconfig itself") === true;
  const crashes = isCrash(faults(comparison, entries));
  const smallest = shrinkTree(entries, (smaller) => {
    const found = faults(comparison, smaller);
    return found.length > 0 && isCrash(found) === crashes;
  });
  const lines = faults(comparison, smallest);
  return [
    `${title}: ldconfig (-) and cdi-hook (+) differ`,
    ...lines.slice(0, 40).map((line) => `  ${line}`),
    "on this tree:",
    ...describeTree(smallest).map((line) => `  ${line}`),
    "",
  ].join("\n");
}
