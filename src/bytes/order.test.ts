import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { descendingOrder } from "./order.ts";

function sorted(texts: readonly string[]): number[] {
  return [...descendingOrder([...texts])];
}

describe("descendingOrder", () => {
  test("the larger text first, a longer one before its beginning, equal ones as they stand", () => {
    expect(sorted(["a", "b", "ab", "b", "", "\xff", "a\x01"])).toEqual([5, 1, 3, 2, 6, 0, 4]);
    expect(sorted([])).toEqual([]);
  });

  test.each([255, 256, 257, 65_536, 65_537])("%i texts", (count) => {
    const texts = Array.from({ length: count }, (_, index) => String(index % 7));
    const expected = texts.map((_, index) => index).sort((a, b) => (b % 7) - (a % 7) || a - b);
    expect(sorted(texts)).toEqual(expected);
  });

  test("is a stable sort, for any texts without NUL", () => {
    const text = fc
      .array(fc.integer({ min: 1, max: 0x210 }), { maxLength: 4 })
      .map((codes) => String.fromCharCode(...codes));
    fc.assert(
      fc.property(fc.array(text, { maxLength: 300 }), (texts) => {
        const order = (a: number, b: number): number =>
          (texts[a] ?? "") < (texts[b] ?? "") ? 1 : (texts[a] ?? "") > (texts[b] ?? "") ? -1 : a - b;
        expect(sorted(texts)).toEqual(texts.map((_, index) => index).sort(order));
      }),
    );
  });
});
