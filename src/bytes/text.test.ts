import { describe, expect, test } from "vitest";
import { fromText, sameBytes, stringFromUtf8, toText, utf8FromString, writeText } from "./text.ts";

/** Every byte once. */
const everyByte = Uint8Array.from({ length: 256 }, (_, value) => value);
const everyCharacter = String.fromCharCode(...everyByte);

describe("bytes to text", () => {
  test("every byte is the character of its number", () => {
    expect(toText(everyByte)).toBe(everyCharacter);
    expect(toText(everyByte).length).toBe(256);
  });

  test("a range, a view at an odd offset, and nothing", () => {
    const odd = everyByte.subarray(3, 100);
    expect(toText(odd, 1, 3)).toBe("\u0004\u0005");
    expect(toText(odd, 97)).toBe("");
    expect(toText(new Uint8Array(0))).toBe("");
    expect(toText(everyByte.subarray(256))).toBe("");
  });

  test.each([
    [-1, 3],
    [3, 2],
    [0, 98],
    [98, 98],
    [0, 2 ** 31],
    [2 ** 31, 2 ** 32],
    [0, 2 ** 53],
    [-(2 ** 53), 0],
  ] as const)("a range outside the bytes is refused: from %s", (start, end) => {
    const view = everyByte.subarray(3, 100);
    expect(() => toText(view, start, end)).toThrow(RangeError);
  });

  test("a long one", () => {
    const bytes = new Uint8Array(300_000);
    for (let at = 0; at < bytes.length; at += 1) bytes[at] = at * 7;
    const text = toText(bytes);
    expect(text.length).toBe(bytes.length);
    for (let at = 0; at < bytes.length; at += 997) expect(text.charCodeAt(at)).toBe(bytes[at]);
  });
});

describe("text to bytes", () => {
  test("every character up to U+00FF is its number's byte", () => {
    expect(fromText(everyCharacter)).toEqual(everyByte);
    expect(fromText("")).toEqual(new Uint8Array(0));
  });

  test("is written where it was asked for, and nowhere else", () => {
    const bytes = new Uint8Array(10).fill(9);
    expect(writeText("a\u0000\u00ff", bytes.subarray(3, 7), 1)).toBe(4);
    expect([...bytes]).toEqual([9, 9, 9, 9, 97, 0, 255, 9, 9, 9]);
    expect(writeText("", bytes, 10)).toBe(10);
    expect(writeText("0123456789", bytes, 0)).toBe(10);
  });

  test.each([
    ["behind the end", "ab", 3],
    ["one too long", "abcde", 0],
    ["far behind", "a", 2 ** 31],
    ["very far behind", "a", 2 ** 53],
    ["before the start", "a", -1],
    ["nothing, behind the end", "", 5],
    ["a wide character", "a\u0100", 0],
    ["a surrogate", "\ud800", 0],
    ["a pair", "\u{1f600}", 0],
    ["wide, last", "\u00ff\u00fe\u20ac", 0],
  ] as const)("what does not fit is refused, and nothing is written: %s", (_, text, at) => {
    const bytes = new Uint8Array(8).fill(7);
    expect(() => writeText(text, bytes.subarray(2, 6), at)).toThrow(RangeError);
    expect([...bytes]).toEqual([7, 7, 7, 7, 7, 7, 7, 7]);
  });

  test("a string that was cut out of a wide one, and one that was put together", () => {
    const wide = "\u00e9\u00ff\u0100";
    expect([...fromText(wide.slice(0, 2))]).toEqual([0xe9, 0xff]);
    let long = "";
    for (let index = 0; index < 5000; index += 1) long += `${index % 10}\u00e9`;
    const bytes = fromText(`${long}${long}`);
    expect(bytes.length).toBe(20_000);
    expect(bytes[19_999]).toBe(0xe9);
    expect(bytes[19_998]).toBe(0x39);
    expect(toText(bytes)).toBe(long + long);
  });
});

describe("UTF-8", () => {
  const samples: [text: string, bytes: string][] = [
    ["/usr/lib", "/usr/lib"],
    ["\u0000\u007f", "\u0000\u007f"],
    ["\u0080\u07ff", "\u00c2\u0080\u00df\u00bf"],
    ["\u0800\uffff", "\u00e0\u00a0\u0080\u00ef\u00bf\u00bf"],
    ["\u{10000}\u{10ffff}", "\u00f0\u0090\u0080\u0080\u00f4\u008f\u00bf\u00bf"],
  ];

  test("there and back", () => {
    for (const [text, bytes] of samples) {
      expect(utf8FromString(text)).toBe(bytes);
      expect(stringFromUtf8(bytes)).toBe(text);
    }
  });

  test("lone surrogates become U+FFFD", () => {
    expect(utf8FromString("a\ud800b\udc00")).toBe("a\u00ef\u00bf\u00bdb\u00ef\u00bf\u00bd");
  });

  test.each([
    ["a continuation alone", "\u0080a", "\ufffda"],
    ["cut short", "a\u00e2\u0082", "a\ufffd"],
    ["overlong slash", "\u00c0\u00af", "\ufffd"],
    ["a surrogate in UTF-8", "\u00ed\u00a0\u0080", "\ufffd"],
    ["beyond U+10FFFF", "\u00f4\u0090\u0080\u0080", "\ufffd"],
    ["five bytes", "\u00f8a", "\ufffda"],
    ["all ones", "\u00ff\u00fe", "\ufffd\ufffd"],
    ["interrupted", "\u00e2\u0082a", "\ufffda"],
  ] as const)("what is malformed becomes U+FFFD: %s", (_, bytes, text) => {
    expect(stringFromUtf8(bytes)).toBe(text);
  });
});

test("the same bytes, however many", () => {
  const bytes = Uint8Array.from({ length: 200_000 }, (_, at) => at % 251);
  expect(sameBytes(bytes, bytes.slice())).toBe(true);
  expect(sameBytes(bytes, bytes.subarray(1))).toBe(false);
  for (const at of [0, 65_535, 65_536, 199_999]) {
    const other = bytes.slice();
    other[at] = 255;
    expect(sameBytes(bytes, other)).toBe(false);
  }
  expect(sameBytes(new Uint8Array(0), new Uint8Array(0))).toBe(true);
});
