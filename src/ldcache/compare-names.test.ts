import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { literalCompare, names } from "../../test/support/cache-order.ts";
import { collate } from "./collation.ts";
import { compareNames } from "./compare-names.ts";

describe("compareNames", () => {
  test.each([
    ["libz.so.10", "libz.so.9", 1],
    ["libx.so.1", "libx.so", 1],
    ["lib1", "liba", 1],
    ["libz.soa", "libz.so.10", 1],
    ["libz.so.4294967297", "libz.so.1", 0],
    ["libz.so.01", "libz.so.1", 0],
    ["libz.so.3000000000", "libz.so.0", -1],
    ["", "", 0],
    ["", "a", -1],
    ["", "1", -1],
    ["a\x01", "a", 1],
    ["libx.so.1.1", "libx.so.1.01", 0],
    ["libone_h.so.1", "libone.so.1.2", 1],
    ["libtwo.so.1.10", "libtwo.so.1.2", 1],
    ["sub/libten.so.1", "libten.so.1", 1],
  ])("%j and %j", (p, q, sign) => {
    for (const charSigned of [false, true]) {
      expect(Math.sign(compareNames(p, q, charSigned))).toBe(sign);
      expect(Math.sign(compareNames(q, p, charSigned)) + 0).toBe(0 - sign);
    }
  });

  test("case 60: bytes above 127 are below everything where char is signed", () => {
    expect(compareNames("lib\xc3\xa9.so", "libz.so", false)).toBeGreaterThan(0);
    expect(compareNames("lib\xc3\xa9.so", "libz.so", true)).toBeLessThan(0);
    expect(compareNames("lib\xc3", "lib", false)).toBeGreaterThan(0);
    expect(compareNames("lib\xc3", "lib", true)).toBeLessThan(0);
  });

  test("is what the rule says, for any names", () => {
    fc.assert(
      fc.property(names, names, fc.boolean(), (p, q, charSigned) => {
        expect(compareNames(p, q, charSigned)).toBe(literalCompare(p, q, charSigned));
      }),
      { numRuns: 20_000 },
    );
  });
});

describe("collate", () => {
  const safe = names.filter((name) => !/[1-9][0-9]{9}/.test(name));

  test("keys compare like names", () => {
    fc.assert(
      fc.property(fc.array(safe, { minLength: 2, maxLength: 8 }), fc.boolean(), (list, charSigned) => {
        const { keys, unsafe } = collate(list, charSigned);
        expect(unsafe).toBe(false);
        expect(keys).toHaveLength(list.length);
        for (const [one, p] of list.entries()) {
          for (const [other, q] of list.entries()) {
            const [a, b] = [keys[one] ?? "", keys[other] ?? ""];
            const sign = a < b ? -1 : a > b ? 1 : 0;
            expect(sign, JSON.stringify([p, q])).toBe(Math.sign(literalCompare(p, q, charSigned)));
          }
        }
      }),
      { numRuns: 3_000 },
    );
  });

  test("tells numbers of ten digits", () => {
    expect(collate(["libx.so.999999999"], true).unsafe).toBe(false);
    expect(collate(["libx.so.0000000000001"], true).unsafe).toBe(false);
    expect(collate(["libx.so.1000000000"], true).unsafe).toBe(true);
    expect(collate([], true)).toMatchObject({ keys: [], unsafe: false });
  });
});
