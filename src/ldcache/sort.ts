import { collate, type Collation, numberAt, unsafeNumber } from "./collation.ts";
import { compareNames } from "./compare-names.ts";
import type { CacheEntry } from "./entry.ts";

/** What the order of entries depends on besides the entries. */
export interface SortRules {
  /** The target's `char` is signed: names with bytes above 127 are below the others. */
  readonly charSigned: boolean;
  /** glibc 2.36 and older: entries with more legacy capabilities come first. */
  readonly legacySorted: boolean;
  /** glibc 2.35 and older: entries that ask for a newer kernel come first. */
  readonly osVersionSorted: boolean;
}

/**
 * How many comparisons are spent on names whose order is not a total one: enough for 1,000 names that begin alike and
 * differ in numbers of ten digits and more. Beyond it, such names keep the order of their numbers' magnitudes, which is
 * not glibc's; no system has them by the thousand, but a hostile one could make us compare for minutes.
 */
const EXACT_COMPARISONS = 500_000;

/**
 * Sorts cache entries as ldconfig does (`compare` in glibc's elf/cache.c): names descending by number-aware comparison,
 * flags descending, entries of `glibc-hwcaps` folders before others and by folder name, then capabilities and kernel
 * versions where the release knows them; equal entries keep the order of insertion, which is that of the array given.
 *
 * ldconfig inserts each entry before the first one that compares greater. Where the comparison is a total order that is
 * a stable sort, done here on strings made to compare alike; the remaining names are inserted one by one.
 */
export function sortEntries(entries: readonly CacheEntry[], rules: SortRules): CacheEntry[] {
  const names: string[] = [];
  for (let at = 0; at < entries.length; at += 1) names[at] = entries[at]?.key ?? "";
  const collation = collate(names, rules.charSigned);
  const composites = compose(entries, collation.keys, rules).sort();
  const sorted: CacheEntry[] = [];
  const order: number[] = [];
  const last = entries.length - 1;
  // Whatever comes first has the larger key.
  for (let at = last; at >= 0; at -= 1) {
    const composite = composites[at] ?? "";
    const end = composite.length;
    const high = last < 1 << 16 ? 0 : composite.charCodeAt(end - 3) << 16;
    const index = last - (high | (composite.charCodeAt(end - 2) << 8) | composite.charCodeAt(end - 1));
    const entry = entries[index];
    if (entry === undefined) continue;
    if (collation.unsafe) order.push(index);
    sorted[sorted.length] = entry;
  }
  return collation.unsafe ? reinsert(entries, collation, order, rules) : sorted;
}

/**
 * Keys of whole entries: the name's, the rest of what is compared, and the entry's index counted from the end, as three
 * characters; all in characters up to 255, but for those of numbers where a name has bytes above 127.
 */
function compose(entries: readonly CacheEntry[], keys: readonly string[], rules: SortRules): string[] {
  const ranks = rankFolders(entries);
  const composites: string[] = [];
  /** The rest of `made`, and the first two characters of the index. */ let tail = "";
  let made: CacheEntry | undefined;
  for (let inverse = entries.length - 1; inverse >= 0; inverse -= 1) {
    const at = composites.length;
    const entry = entries[at];
    if (entry === undefined) break;
    const low = inverse & 0xff;
    if (made === undefined || low === 0xff || !restIsSame(made, entry)) {
      tail = restOf(entry, ranks, rules) + String.fromCharCode(inverse >>> 16, (inverse >>> 8) & 0xff);
      made = entry;
    }
    composites[at] = (keys[at] ?? "") + tail + String.fromCharCode(low);
  }
  return composites;
}

function restIsSame(a: CacheEntry, b: CacheEntry): boolean {
  return (
    a.flags === b.flags &&
    a.hwcaps === b.hwcaps &&
    a.osVersion === b.osVersion &&
    a.hwcapLow === b.hwcapLow &&
    a.hwcapHigh === b.hwcapHigh
  );
}

/** Names of `glibc-hwcaps` folders to numbers from 1 on, the last name first. */
function rankFolders(entries: readonly CacheEntry[]): ReadonlyMap<string, number> {
  const folders = new Set<string>();
  for (let at = 0; at < entries.length; at += 1) {
    const hwcaps = entries[at]?.hwcaps;
    if (hwcaps !== undefined) folders.add(hwcaps);
  }
  const descending = Array.from(folders).sort().reverse();
  return new Map(descending.map((name, index) => [name, index + 1]));
}

/** What follows the name in a composite key: NUL, which ends the name, and numbers of which the larger comes first. */
function restOf(entry: CacheEntry, ranks: ReadonlyMap<string, number>, rules: SortRules): string {
  const rank = entry.hwcaps === undefined ? 0 : (ranks.get(entry.hwcaps) ?? 0);
  const legacy = rules.legacySorted
    ? String.fromCharCode(countBits(entry)) + word(entry.hwcapHigh) + word(entry.hwcapLow)
    : "";
  return `\0${word(entry.flags ^ 0x80000000)}${word(rank)}${legacy}${rules.osVersionSorted ? word(entry.osVersion) : ""}`;
}

/** 32 bits as characters that compare like the number, which is taken as unsigned. */
function word(value: number): string {
  return String.fromCharCode(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

function countBits({ hwcapLow, hwcapHigh }: CacheEntry): number {
  let count = 0;
  for (let bits = hwcapLow; bits !== 0; bits &= bits - 1) count += 1;
  for (let bits = hwcapHigh; bits !== 0; bits &= bits - 1) count += 1;
  return count;
}

/**
 * Gives names with unsafe numbers their exact places in `order`, and returns the entries. Names compare by magnitude up to the first place where
 * one of them has an unsafe number and the other a number, too. So the names that begin alike and go on with a number
 * stand together, their neighbours compare with all of them alike, and only their order among themselves is redone. The
 * unsafe numbers, being the longest, are at the front of them.
 */
function reinsert(
  entries: readonly CacheEntry[],
  collation: Collation,
  order: number[],
  rules: SortRules,
): CacheEntry[] {
  const { keys, digits } = collation;
  const pattern = unsafeNumber(collation);
  let budget = EXACT_COMPARISONS;
  for (let start = 0; start < order.length;) {
    const key = keys[order[start] ?? 0] ?? "";
    const unsafe = key.search(pattern);
    let end = start + 1;
    if (unsafe >= 0) {
      const beginning = key.slice(0, unsafe);
      while (end < order.length) {
        const next = keys[order[end] ?? 0] ?? "";
        if (!next.startsWith(beginning) || !numberAt(next, unsafe, digits)) break;
        end += 1;
      }
      const cost = ((end - start) * (end - start)) / 2;
      if (cost <= budget) {
        budget -= cost;
        const inserted = insertOneByOne(entries, order.slice(start, end), rules);
        for (const [offset, index] of inserted.entries()) order[start + offset] = index;
      }
    }
    start = end;
  }
  return order.map((index) => entries[index]).filter((entry) => entry !== undefined);
}

function insertOneByOne(entries: readonly CacheEntry[], indices: number[], rules: SortRules): number[] {
  const list: number[] = [];
  for (const index of indices.sort((a, b) => a - b)) {
    const entry = entries[index];
    const place = list.findIndex((other) => compareEntries(entries[other], entry, rules) > 0);
    list.splice(place < 0 ? list.length : place, 0, index);
  }
  return list;
}

function compareEntries(a: CacheEntry | undefined, b: CacheEntry | undefined, rules: SortRules): number {
  if (a === undefined || b === undefined) return 0;
  const names = compareNames(b.key, a.key, rules.charSigned);
  if (names !== 0) return names;
  if (a.flags !== b.flags) return b.flags - a.flags;
  if (a.hwcaps !== b.hwcaps) {
    if (a.hwcaps === undefined) return 1;
    if (b.hwcaps === undefined) return -1;
    return a.hwcaps < b.hwcaps ? -1 : 1;
  }
  if (rules.legacySorted) {
    const bits =
      countBits(b) - countBits(a) ||
      (b.hwcapHigh >>> 0) - (a.hwcapHigh >>> 0) ||
      (b.hwcapLow >>> 0) - (a.hwcapLow >>> 0);
    if (bits !== 0) return bits;
  }
  return rules.osVersionSorted ? b.osVersion - a.osVersion : 0;
}
