/** What is different between two caches. */
import type { CacheEntry } from "./entry.ts";
import type { Cache } from "./read.ts";

/** An entry that both caches have, with something else about it. */
export interface ChangedEntry {
  readonly before: CacheEntry;
  readonly after: CacheEntry;
}

/** A fact of the whole file. */
export interface ChangedFact {
  readonly fact: "format" | "byte order" | "endian byte" | "generator";
  readonly before: string;
  readonly after: string;
}

export interface CacheDifference {
  /** Entries of the first cache only, in its order. */
  readonly removed: readonly CacheEntry[];
  /** Entries of the second cache only, in its order. */
  readonly added: readonly CacheEntry[];
  readonly changed: readonly ChangedEntry[];
  /** Names whose entries are in another order, which decides where the loader finds them. */
  readonly reordered: readonly string[];
  /** The names themselves are in another order. */
  readonly resorted: boolean;
  readonly facts: readonly ChangedFact[];
}

/** Whether nothing that a loader or a person reads is different. */
export function isSame({ removed, added, changed, reordered, resorted, facts }: CacheDifference): boolean {
  return !resorted && [removed, added, changed, reordered, facts].every((list) => list.length === 0);
}

/** Compares two caches: the same name, path and glibc-hwcaps folder make two entries one. */
export function compareCaches(before: Cache, after: Cache): CacheDifference {
  const [ours, theirs] = [numbered(before.entries), numbered(after.entries)];
  const changed: ChangedEntry[] = [];
  for (const [identity, entry] of ours) {
    const other = theirs.get(identity);
    if (other !== undefined && !isAlike(entry, other)) changed.push({ before: entry, after: other });
  }
  const order = [common(ours, theirs), common(theirs, ours)] as const;
  return {
    removed: missingIn(ours, theirs),
    added: missingIn(theirs, ours),
    changed,
    reordered: reorderedNames(byName(order[0]), byName(order[1])),
    resorted: namesOf(order[0]) !== namesOf(order[1]),
    facts: changedFacts(before, after),
  };
}

/** Entries by what makes them one; a second one that is the same has a number. */
type Numbered = ReadonlyMap<string, CacheEntry>;

function numbered(entries: readonly CacheEntry[]): Numbered {
  const found = new Map<string, CacheEntry>();
  const counts = new Map<string, number>();
  for (const entry of entries) {
    const identity = `${entry.key}\0${entry.value}\0${entry.hwcaps ?? ""}`;
    const count = counts.get(identity) ?? 0;
    counts.set(identity, count + 1);
    found.set(`${identity}\0${count}`, entry);
  }
  return found;
}

function common(entries: Numbered, others: Numbered): [string, CacheEntry][] {
  return [...entries].filter(([identity]) => others.has(identity));
}

function missingIn(entries: Numbered, others: Numbered): CacheEntry[] {
  const missing: CacheEntry[] = [];
  for (const [identity, entry] of entries) if (!others.has(identity)) missing.push(entry);
  return missing;
}

function isAlike(a: CacheEntry, b: CacheEntry): boolean {
  return (
    a.flags === b.flags &&
    a.osVersion === b.osVersion &&
    a.hwcapLow === b.hwcapLow &&
    a.hwcapHigh === b.hwcapHigh &&
    a.isa === b.isa
  );
}

/** The identities of each name's entries, in order. */
function byName(entries: readonly (readonly [string, CacheEntry])[]): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const [identity, { key }] of entries) {
    const list = names.get(key);
    if (list === undefined) names.set(key, [identity]);
    else list.push(identity);
  }
  return names;
}

function reorderedNames(
  a: ReadonlyMap<string, readonly string[]>,
  b: ReadonlyMap<string, readonly string[]>,
): string[] {
  const names: string[] = [];
  for (const [name, list] of a) if (list.some((identity, at) => b.get(name)?.[at] !== identity)) names.push(name);
  return names;
}

/** The names in their order, each once. */
function namesOf(entries: readonly (readonly [string, CacheEntry])[]): string {
  return [...new Set(entries.map(([, { key }]) => key))].join("\0");
}

function changedFacts(a: Cache, b: Cache): ChangedFact[] {
  const facts = [
    ["format", a.format, b.format],
    ["byte order", orderOf(a), orderOf(b)],
    ["endian byte", String(a.endianByte), String(b.endianByte)],
    ["generator", a.generator ?? "", b.generator ?? ""],
  ] as const;
  return facts.filter(([, x, y]) => x !== y).map(([fact, x, y]) => ({ fact, before: x, after: y }));
}

function orderOf({ bigEndian }: Cache): string {
  return bigEndian ? "big" : "little";
}
