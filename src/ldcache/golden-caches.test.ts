/**
 * Caches that ldconfig of twenty-one glibc releases wrote for the same trees, read and written again. They lie outside of
 * the repository, and are skipped where they are not there.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { SeededRandom } from "../../test/support/seeded-random.ts";
import type { CacheEntry } from "./entry.ts";
import { EntryList } from "./entry-list.ts";
import { type Cache, readCache } from "./read.ts";
import { sortEntries } from "./sort.ts";
import { type CacheLayout, writeCache } from "./write.ts";
import { absentPeer } from "../../test/support/tally.ts";

const vectors = resolve(import.meta.dirname, "../../../shared/ldcache-vectors");
const trees = existsSync(vectors) ? readdirSync(vectors).filter((name) => name.startsWith("tree-")) : [];

/** What upstream's release 2.`minor` writes on x86-64; `head` is 2.42 and a bit. */
function layoutOf(version: string, cache: Cache): CacheLayout {
  const minor = version === "head" ? 43 : Number(version.slice(2));
  return {
    format: cache.format,
    bigEndian: false,
    endianByte: minor >= 33,
    extensions: minor >= 33,
    generator: cache.generator ?? "",
    align: 8,
    charSigned: true,
    osVersionSorted: minor <= 35,
    legacySorted: minor <= 36,
  };
}

/** Names of `glibc-hwcaps` folders without libraries leave nothing but their strings. */
function internedOf(cache: Cache): string[] {
  const used = new Set([...cache.folders, ...cache.entries.flatMap(({ key, value }) => [key, value])]);
  return cache.strings.split("\0").filter((string) => string !== "" && !used.has(string));
}

interface Golden {
  name: string;
  bytes: Buffer;
  cache: Cache;
  layout: CacheLayout;
}

const caches: Golden[] = trees.flatMap((tree) =>
  readdirSync(join(vectors, tree))
    .filter((name) => name.startsWith("cache-"))
    .map((name) => {
      const bytes = readFileSync(join(vectors, tree, name));
      const cache = readCache(bytes);
      return { name: `${tree}/${name}`, bytes, cache, layout: layoutOf(name.split("-")[1] ?? "", cache) };
    }),
);

/** Entries in random order, those that ldconfig cannot tell apart in their old order. */
function shuffle(entries: readonly CacheEntry[], layout: CacheLayout, random: SeededRandom): CacheEntry[] {
  const shuffled = random.shuffled(entries);
  const seen = new Map<string, CacheEntry[]>();
  const tie = ({ key, flags, hwcaps, hwcapLow, hwcapHigh, osVersion }: CacheEntry): string =>
    JSON.stringify([
      key.replace(/0+(?=[0-9])/g, (zeros, at: number) => (/[0-9]/.test(key[at - 1] ?? "") ? zeros : "")),
      flags,
      hwcaps,
      hwcapLow,
      hwcapHigh,
      layout.osVersionSorted ? osVersion : 0,
    ]);
  for (const entry of entries) seen.set(tie(entry), [...(seen.get(tie(entry)) ?? []), entry]);
  return shuffled.map((entry) => seen.get(tie(entry))?.shift() ?? entry);
}

describe("golden caches", () => {
  const noCaches = `${absentPeer}ldcache-vectors`;

  test("there are some of every release and format", ({ skip }) => {
    skip(caches.length === 0, noCaches);
    expect(caches.length).toBeGreaterThan(500);
    expect(new Set(caches.map(({ layout }) => layout.format))).toEqual(new Set(["compat", "new"]));
  });

  test("come out as they went in, byte for byte", ({ skip }) => {
    skip(caches.length === 0, noCaches);
    for (const { name, bytes, cache, layout } of caches) {
      const written = writeCache(EntryList.of(cache.entries), internedOf(cache), layout);
      expect(Buffer.compare(written, bytes), name).toBe(0);
    }
  });

  test("do so in whatever order their entries were found", ({ skip }) => {
    skip(caches.length === 0, noCaches);
    const random = new SeededRandom(1);
    let checked = 0;
    for (const { name, cache, layout } of caches) {
      // Where numbers exceed 32 bits the order of insertion matters to ldconfig, too.
      const entries = cache.entries.filter(({ key }) => !/[0-9]{10}/.test(key));
      const shuffled = shuffle(entries, layout, random);
      const order = sortEntries(EntryList.of(shuffled), layout);
      expect(
        Array.from(order, (index) => shuffled[index]),
        name,
      ).toEqual(entries);
      checked += entries.length;
    }
    expect(checked).toBeGreaterThan(5_000);
  });
});
