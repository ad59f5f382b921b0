import { descendingOrder } from "../bytes/order.ts";
import { collate, type Collation, numberAt, unsafeNumber } from "./collation.ts";
import { compareNames } from "./compare-names.ts";
import type { EntryKind } from "./entry.ts";
import type { EntryList } from "./entry-list.ts";

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
 * The order in which ldconfig writes entries (`compare` in glibc's elf/cache.c), as their indices: names descending by
 * number-aware comparison, flags descending, entries of `glibc-hwcaps` folders before others and by folder name, then
 * capabilities and kernel versions where the release knows them; equal entries keep the order of insertion.
 *
 * ldconfig inserts each entry before the first one that compares greater. Where the comparison is a total order that is
 * a stable sort, done here on strings made to compare alike; the remaining names are inserted one by one.
 *
 * @param kinds those of the entries, each once
 */
export function sortEntries(entries: EntryList, rules: SortRules, kinds = entries.distinctKinds()): Int32Array {
  const collation = collate(entries.keys, rules.charSigned);
  const order = descendingOrder(compose(entries, kinds, collation, rules));
  if (collation.unsafe) reinsert(entries, collation, order, rules);
  return order;
}

/** Keys of whole entries: the name's, and what else is compared, where that differs. */
function compose(
  entries: EntryList,
  kinds: readonly EntryKind[],
  { keys, unsafe }: Collation,
  rules: SortRules,
): string[] {
  // The sort uses them up.
  if (kinds.length < 2) return unsafe ? keys.slice() : keys;
  const ranks = rankFolders(kinds);
  const rests = new Map<EntryKind, string>();
  for (const kind of kinds) rests.set(kind, restOf(kind, ranks, rules));
  const composites: string[] = [];
  let last: EntryKind | undefined;
  let rest = "";
  for (let at = 0; at < keys.length; at += 1) {
    const kind = entries.kinds[at];
    if (kind !== undefined && kind !== last) {
      rest = rests.get(kind) ?? "";
      last = kind;
    }
    composites[at] = (keys[at] ?? "") + rest;
  }
  return composites;
}

/** Names of `glibc-hwcaps` folders to numbers from 1 on, the last name first. */
function rankFolders(kinds: readonly EntryKind[]): ReadonlyMap<string, number> {
  const descending = foldersOf(kinds).reverse();
  return new Map(descending.map((name, index) => [name, index + 1]));
}

/** The names of the `glibc-hwcaps` folders of these kinds, in bytewise order. */
export function foldersOf(kinds: readonly EntryKind[]): string[] {
  const names = new Set<string>();
  for (const { hwcaps } of kinds) if (hwcaps !== undefined) names.add(hwcaps);
  return Array.from(names).sort();
}

/** What follows the name in a composite key: NUL, which ends the name, and numbers of which the larger comes first. */
function restOf(kind: EntryKind, ranks: ReadonlyMap<string, number>, rules: SortRules): string {
  const rank = kind.hwcaps === undefined ? 0 : (ranks.get(kind.hwcaps) ?? 0);
  const legacy = rules.legacySorted
    ? String.fromCharCode(countBits(kind)) + word(kind.hwcapHigh) + word(kind.hwcapLow)
    : "";
  return `\0${word(kind.flags ^ 0x80000000)}${word(rank)}${legacy}${rules.osVersionSorted ? word(kind.osVersion) : ""}`;
}

/** 32 bits as characters that compare like the number, which is taken as unsigned. */
function word(value: number): string {
  return String.fromCharCode(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

function countBits({ hwcapLow, hwcapHigh }: EntryKind): number {
  let count = 0;
  for (let bits = hwcapLow; bits !== 0; bits &= bits - 1) count += 1;
  for (let bits = hwcapHigh; bits !== 0; bits &= bits - 1) count += 1;
  return count;
}

/**
 * Gives names with unsafe numbers their exact places in `order`. Names compare by magnitude up to the first place where
 * one of them has an unsafe number and the other a number, too. So the names that begin alike and go on with a number
 * stand together, their neighbours compare with all of them alike, and only their order among themselves is redone. The
 * unsafe numbers, being the longest, are at the front of them.
 */
function reinsert(entries: EntryList, collation: Collation, order: Int32Array, rules: SortRules): void {
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
        order.set(insertOneByOne(entries, order.slice(start, end), rules), start);
      }
    }
    start = end;
  }
}

function insertOneByOne(entries: EntryList, indices: Int32Array, rules: SortRules): number[] {
  const list: number[] = [];
  for (const index of indices.sort()) {
    const place = list.findIndex((other) => compareEntries(entries, other, index, rules) > 0);
    list.splice(place < 0 ? list.length : place, 0, index);
  }
  return list;
}

function compareEntries({ keys, kinds }: EntryList, one: number, other: number, rules: SortRules): number {
  const a = kinds[one];
  const b = kinds[other];
  if (a === undefined || b === undefined) return 0;
  const names = compareNames(keys[other] ?? "", keys[one] ?? "", rules.charSigned);
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
