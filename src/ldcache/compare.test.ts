import { expect, test } from "vitest";
import { compareCaches, isSame } from "./compare.ts";
import type { CacheEntry } from "./entry.ts";
import type { Cache } from "./read.ts";

const plain = { flags: 0x303, osVersion: 0, hwcapLow: 0, hwcapHigh: 0, hwcaps: undefined, isa: 0 };
const entry = (key: string, value: string, more: Partial<CacheEntry> = {}): CacheEntry => ({
  key,
  value,
  ...plain,
  ...more,
});
const cache = (entries: CacheEntry[], more: Partial<Cache> = {}): Cache => ({
  format: "new",
  bigEndian: false,
  endianByte: 2,
  entries,
  generator: "x",
  folders: [],
  strings: "",
  ...more,
});

const [a1, a2, b] = [entry("a", "/1/a"), entry("a", "/2/a"), entry("b", "/1/b")];

test("equal caches", () => {
  expect(isSame(compareCaches(cache([b, a1, a2]), cache([b, a1, a2])))).toBe(true);
});

test("entries that came and went", () => {
  const { added, removed, reordered, resorted } = compareCaches(cache([b, a1]), cache([a1, a2]));
  expect({ added, removed, reordered, resorted }).toEqual({
    added: [a2],
    removed: [b],
    reordered: [],
    resorted: false,
  });
});

test("the same entry twice is two entries", () => {
  const difference = compareCaches(cache([a1, a1]), cache([a1]));
  expect(difference.removed).toEqual([a1]);
});

test("another ABI, hwcap or kernel is a change", () => {
  for (const more of [{ flags: 3 }, { hwcapLow: 1 }, { hwcapHigh: 1 }, { osVersion: 1 }]) {
    const after = entry("a", "/1/a", more);
    const difference = compareCaches(cache([a1]), cache([after]));
    expect(difference.changed).toEqual([{ before: a1, after }]);
    expect(isSame(difference)).toBe(false);
  }
});

test("a library of a glibc-hwcaps folder is another one", () => {
  const tagged = entry("a", "/1/a", { hwcaps: "x86-64-v3" });
  expect(compareCaches(cache([a1]), cache([tagged]))).toMatchObject({ removed: [a1], added: [tagged], changed: [] });
});

test("order among entries of one name, and of the names", () => {
  expect(compareCaches(cache([b, a1, a2]), cache([b, a2, a1]))).toMatchObject({ reordered: ["a"], resorted: false });
  expect(compareCaches(cache([b, a1, a2]), cache([a1, a2, b]))).toMatchObject({ reordered: [], resorted: true });
});

test("facts of the file", () => {
  const { facts } = compareCaches(
    cache([]),
    cache([], { format: "old", bigEndian: true, endianByte: 0, generator: undefined }),
  );
  expect(facts.map(({ fact }) => fact)).toEqual(["format", "byte order", "endian byte", "generator"]);
});
