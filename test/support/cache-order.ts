/**
 * The order of names and entries in a cache, written down word for word from the rule, slow and without any cleverness;
 * and names that make it hard.
 */
import * as fc from "fast-check";
import type { CacheEntry } from "../../src/ldcache/entry.ts";
import type { SortRules } from "../../src/ldcache/sort.ts";

const isDigit = (code: number): boolean => code >= 48 && code <= 57;

/** glibc's comparison of names, on bytes that end with a 0. */
export function literalCompare(nameP: string, nameQ: string, charSigned: boolean): number {
  const p = Buffer.from(`${nameP}\0`, "latin1");
  const q = Buffer.from(`${nameQ}\0`, "latin1");
  const char = (byte: number): number => (charSigned && byte > 127 ? byte - 256 : byte);
  let atP = 0;
  let atQ = 0;
  const at = (bytes: Buffer, index: number): number => bytes[index] ?? 0;
  while (at(p, atP) !== 0) {
    if (isDigit(at(p, atP))) {
      if (!isDigit(at(q, atQ))) return 1;
      let runP = "";
      let runQ = "";
      while (isDigit(at(p, atP))) runP += String.fromCharCode(at(p, atP++));
      while (isDigit(at(q, atQ))) runQ += String.fromCharCode(at(q, atQ++));
      const valueP = BigInt.asIntN(32, BigInt(runP));
      const valueQ = BigInt.asIntN(32, BigInt(runQ));
      if (valueP !== valueQ) return Number(BigInt.asIntN(32, valueP - valueQ));
    } else if (isDigit(at(q, atQ))) {
      return -1;
    } else if (at(p, atP) !== at(q, atQ)) {
      return char(at(p, atP)) - char(at(q, atQ));
    } else {
      atP += 1;
      atQ += 1;
    }
  }
  return char(at(p, atP)) - char(at(q, atQ));
}

/** ldconfig's way: each entry goes before the first that compares greater. */
export function literalSort(entries: readonly CacheEntry[], rules: SortRules): CacheEntry[] {
  const list: CacheEntry[] = [];
  for (const entry of entries) {
    let place = 0;
    while (place < list.length && literalOrder(list[place] as CacheEntry, entry, rules) <= 0) place += 1;
    list.splice(place, 0, entry);
  }
  return list;
}

function literalOrder(a: CacheEntry, b: CacheEntry, rules: SortRules): number {
  const names = literalCompare(b.key, a.key, rules.charSigned);
  if (names !== 0) return names;
  if (a.flags !== b.flags) return a.flags > b.flags ? -1 : 1;
  if (a.hwcaps !== undefined || b.hwcaps !== undefined) {
    if (a.hwcaps === undefined) return 1;
    if (b.hwcaps === undefined) return -1;
    const folders = Buffer.compare(Buffer.from(a.hwcaps, "latin1"), Buffer.from(b.hwcaps, "latin1"));
    if (folders !== 0) return folders;
  }
  if (rules.legacySorted) {
    const bits = (entry: CacheEntry): bigint => (BigInt(entry.hwcapHigh) << 32n) | BigInt(entry.hwcapLow);
    const count = (entry: CacheEntry): number => bits(entry).toString(2).replaceAll("0", "").length;
    if (count(a) !== count(b)) return count(a) > count(b) ? -1 : 1;
    if (bits(a) !== bits(b)) return bits(a) > bits(b) ? -1 : 1;
  }
  if (rules.osVersionSorted && a.osVersion !== b.osVersion) return a.osVersion > b.osVersion ? -1 : 1;
  return 0;
}

const piece = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("lib", "libx", ".so", ".so.", ".", "a", "z", "_", "/", "-") },
  { weight: 4, arbitrary: fc.nat({ max: 12 }).map(String) },
  { weight: 2, arbitrary: fc.constantFrom("0", "00", "01", "10", "010", "999999999", "0999999999", "000000000001") },
  {
    weight: 1,
    arbitrary: fc.constantFrom("1000000000", "2147483648", "4294967297", "99999999999", "3000000000", "6442450944"),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("\xc3\xa9", "\xff", "\x80", "\x7f", "\x01", "\x02", "\x03", "\x04", ":", "~"),
  },
);

/** Byte strings without NUL, some of them equal, or almost, or wild. */
export const names: fc.Arbitrary<string> = fc.oneof(
  { weight: 8, arbitrary: fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join("")) },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.integer({ min: 1, max: 255 }), { maxLength: 8 })
      .map((codes) => String.fromCharCode(...codes)),
  },
);

/** Entries, of few kinds, so that many compare equal in part. */
export const entries: fc.Arbitrary<CacheEntry[]> = fc
  .array(
    fc
      .record({
        key: fc.oneof(names, fc.constantFrom("libx.so.1", "libx.so.01", "libx.so.10", "")),
        flags: fc.constantFrom(0x303, 0x803, 0x003, 0x001, -1),
        osVersion: fc.constantFrom(0, 0x30200, 0x3020a, 0xff000000),
        legacy: fc.constantFrom([0, 0], [0, 0], [1, 0], [2, 0], [3, 0], [0, 0x8000_0000], [0, 0x0004_0000]),
        hwcaps: fc.constantFrom(undefined, undefined, "x86-64-v2", "x86-64-v3", "foo", "\xe9"),
        isa: fc.constantFrom(0, 1, 3, 1023),
      })
      .map(({ legacy, ...rest }): Omit<CacheEntry, "value"> => {
        const [hwcapLow = 0, hwcapHigh = 0] = rest.hwcaps === undefined ? legacy : [];
        return { ...rest, isa: rest.hwcaps === undefined ? 0 : rest.isa, hwcapLow, hwcapHigh };
      }),
    { maxLength: 24 },
  )
  .map((list) => list.map((entry, index) => ({ ...entry, value: `/opt/${index % 5}/${entry.key}` })));
