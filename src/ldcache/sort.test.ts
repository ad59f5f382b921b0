import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { entries, literalSort } from "../../test/support/cache-order.ts";
import type { CacheEntry } from "./entry.ts";
import { EntryList } from "./entry-list.ts";
import { sortEntries as orderOf, type SortRules } from "./sort.ts";

const modern: SortRules = { charSigned: true, legacySorted: false, osVersionSorted: false };
const old: SortRules = { charSigned: true, legacySorted: true, osVersionSorted: true };

function entry(key: string, more: Partial<CacheEntry> = {}): CacheEntry {
  return { key, value: "", flags: 0x303, osVersion: 0, hwcapLow: 0, hwcapHigh: 0, hwcaps: undefined, isa: 0, ...more };
}

function sortEntries(list: readonly CacheEntry[], rules: SortRules): (CacheEntry | undefined)[] {
  return Array.from(orderOf(EntryList.of(list), rules), (index) => list[index]);
}

function sortedKeys(keys: readonly string[], rules: SortRules): (string | undefined)[] {
  return sortEntries(
    keys.map((key) => entry(key)),
    rules,
  ).map((one) => one?.key);
}

describe("sortEntries", () => {
  test("case 41: numbers by their value, letters above dots, longer above shorter", () => {
    const names = ["libz.so.1", "libz.so.10", "libz.so.9", "libz.so", "libz.soa"];
    expect(sortedKeys(names, modern)).toEqual(["libz.soa", "libz.so.10", "libz.so.9", "libz.so.1", "libz.so"]);
  });

  test("case 5: the development name stands behind the soname", () => {
    expect(sortedKeys(["libtwo.so", "libtwo.so.1"], modern)).toEqual(["libtwo.so.1", "libtwo.so"]);
  });

  test("cases 14 and 15: a soname with a folder before l, an empty one last", () => {
    const names = ["", "libz.so.1", "sub/libten.so.1"];
    expect(sortedKeys(names, modern)).toEqual(["sub/libten.so.1", "libz.so.1", ""]);
  });

  test("case 40: of one soname, the larger flags first", () => {
    const abis = [0x303, 0x003, 0x803].map((flags) => entry("libx.so.1", { flags }));
    expect(sortEntries(abis, modern).map((one) => one?.flags)).toEqual([0x803, 0x303, 0x003]);
  });

  test("flags are signed", () => {
    const abis = [-1, 1, -0x8000_0000].map((flags) => entry("libx.so.1", { flags }));
    expect(sortEntries(abis, modern).map((one) => one?.flags)).toEqual([1, -1, -0x8000_0000]);
  });

  test("glibc-hwcaps first and by name, then the others in the order of folders", () => {
    const list = [
      entry("libx.so.1", { value: "/opt/b" }),
      entry("libx.so.1", { value: "v3", hwcaps: "x86-64-v3" }),
      entry("libx.so.1", { value: "/opt/a" }),
      entry("libx.so.1", { value: "v2", hwcaps: "x86-64-v2" }),
    ];
    expect(sortEntries(list, modern).map((one) => one?.value)).toEqual(["v2", "v3", "/opt/b", "/opt/a"]);
  });

  test("case 50: legacy capabilities before none, more of them first, and not at all since 2.37", () => {
    const list = [
      entry("libx.so.1", { value: "plain" }),
      entry("libx.so.1", { value: "haswell", hwcapHigh: 0x0004_0000 }),
      entry("libx.so.1", { value: "tls", hwcapHigh: 0x8000_0000 }),
      entry("libx.so.1", { value: "tls/i686", hwcapHigh: 0x8002_0000 }),
    ];
    expect(sortEntries(list, old).map((one) => one?.value)).toEqual(["tls/i686", "tls", "haswell", "plain"]);
    expect(sortEntries(list, modern)).toEqual(list);
  });

  test("case 52: the newer kernel first, and not at all since 2.36", () => {
    const list = [0x20606, 0x30200, 0].map((osVersion) => entry("libx.so.1", { osVersion }));
    expect(sortEntries(list, old).map((one) => one?.osVersion)).toEqual([0x30200, 0x20606, 0]);
    expect(sortEntries(list, modern)).toEqual(list);
  });

  test("is what inserting one by one gives, names that have no total order included", () => {
    fc.assert(
      fc.property(
        entries,
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        (list, charSigned, legacySorted, osVersionSorted) => {
          const rules = { charSigned, legacySorted, osVersionSorted };
          expect(sortEntries(list, rules)).toEqual(literalSort(list, rules));
        },
      ),
      { numRuns: 3_000 },
    );
  });

  test(
    "numbers beyond 32 bits: exact while it takes a second, sorted all the same beyond it",
    { timeout: 60_000 },
    () => {
      const wild = (count: number): CacheEntry[] =>
        Array.from({ length: count }, (_, index) => entry(`libx.so.${((index * 2_654_435_761) % 2 ** 34) + 2 ** 33}`));
      const exact = wild(300);
      expect(sortEntries(exact, modern)).toEqual(literalSort(exact, modern));
      const many = wild(20_000);
      const sorted = sortEntries(many, modern);
      expect(new Set(sorted)).toEqual(new Set(many));
    },
  );
});
