import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { layOutStrings } from "./string-table.ts";
import { toText } from "./text.ts";

/** The same rule on single strings, word for word. */
function literalLayout(strings: readonly string[]): { text: string; offsets: number[] } {
  const backwards = (one: string, other: string): number => {
    for (let at = 1; at <= Math.min(one.length, other.length); at += 1) {
      const difference = other.charCodeAt(other.length - at) - one.charCodeAt(one.length - at);
      if (difference !== 0) return difference;
    }
    return other.length - one.length;
  };
  const offsets = new Map<string, number>();
  let text = "";
  let previous: string | undefined;
  for (const string of [...new Set(strings)].sort(backwards)) {
    if (previous !== undefined && previous.endsWith(string)) {
      offsets.set(string, (offsets.get(previous) ?? 0) + previous.length - string.length);
    } else {
      offsets.set(string, text.length);
      text += `${string}\0`;
    }
    previous = string;
  }
  return { text, offsets: strings.map((string) => offsets.get(string) ?? -1) };
}

function layOut(strings: readonly string[]): { text: string; offsets: number[] } {
  const { bytes, offsets } = layOutStrings([], [], strings);
  return { text: toText(bytes), offsets: [...offsets] };
}

/** All three kinds of strings, in one list. */
function layOutWithTails(
  strings: readonly string[],
  tails: readonly string[],
  others: readonly string[],
): { text: string; offsets: number[] } {
  const { bytes, offsets, tailOffsets } = layOutStrings(strings, tails, others);
  const given = [...offsets.subarray(0, strings.length + others.length), ...tailOffsets.subarray(0, tails.length)];
  return { text: toText(bytes), offsets: given };
}

describe("layOutStrings", () => {
  test("case 42: a string lies at the end of the one before it", () => {
    expect(layOut(["libx.so.1", "/opt/a/libx.so.1", "libx.so.1", "/opt/b/libx.so.1"])).toEqual({
      text: "/opt/b/libx.so.1\0/opt/a/libx.so.1\0",
      offsets: [17 + 7, 17, 17 + 7, 0],
    });
  });

  test("through a chain of tails", () => {
    expect(layOut(["c", "abc", "bc", ""])).toEqual({ text: "abc\0", offsets: [2, 0, 1, 3] });
  });

  test("nothing, and the empty string", () => {
    expect(layOut([])).toEqual({ text: "", offsets: [] });
    expect(layOut([""])).toEqual({ text: "\0", offsets: [0] });
    expect(layOut(["", ""])).toEqual({ text: "\0", offsets: [0, 0] });
  });

  test("bytes above 127 are larger than others", () => {
    expect(layOut(["a", "\xff", "z"])).toEqual({ text: "\xff\0z\0a\0", offsets: [4, 0, 2] });
  });

  test("a tail lies inside the last string that ends with it", () => {
    const strings = ["/a/lib-x.so", "/b/x.so", "/a/x.so", "/a/libx.so"];
    const tails = ["lib-x.so", "x.so", "x.so", "libx.so"];
    expect(layOutWithTails(strings, tails, [])).toEqual({
      text: "/a/libx.so\0/b/x.so\0/a/x.so\0/a/lib-x.so\0",
      offsets: [27, 11, 19, 0, 30, 34, 34, 3],
    });
  });

  const string = fc.oneof(
    fc.array(fc.constantFrom("a", "b", "/", "\xe9", "ab"), { maxLength: 5 }).map((pieces) => pieces.join("")),
    fc.array(fc.integer({ min: 1, max: 255 }), { maxLength: 4 }).map((codes) => String.fromCharCode(...codes)),
  );

  test("is what the rule says, for any strings", () => {
    fc.assert(
      fc.property(fc.array(string, { maxLength: 30 }), (strings) => {
        expect(layOut(strings)).toEqual(literalLayout(strings));
      }),
      { numRuns: 3_000 },
    );
  });

  test("is what the rule says, for any strings with tails", () => {
    const withTail = fc.tuple(string, fc.nat(5)).map(([one, cut]) => [one, one.slice(one.length - cut)] as const);
    fc.assert(
      fc.property(fc.array(withTail, { maxLength: 30 }), fc.array(string, { maxLength: 5 }), (pairs, more) => {
        const strings = pairs.map(([one]) => one);
        const tails = pairs.map(([, tail]) => tail);
        expect(layOutWithTails(strings, tails, more)).toEqual(literalLayout([...strings, ...more, ...tails]));
      }),
      { numRuns: 3_000 },
    );
  });
});
