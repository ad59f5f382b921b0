import { describe, expect, test } from "vitest";
import { FormatError } from "../errors.ts";
import { Reader } from "./reader.ts";

const bytes = Uint8Array.of(0x78, 0x56, 0x34, 0x12, 0xff, 0xff, 0xff, 0xff, 0x41, 0x42);

describe("Reader", () => {
  test("numbers of both byte orders, at any offset", () => {
    const reader = new Reader(bytes, "test");
    expect(reader.word(0, "a")).toBe(0x12345678);
    expect(reader.word(4, "b")).toBe(0xffffffff);
    expect(reader.word(6, "c")).toBe(0x4241ffff);
    reader.bigEndian = true;
    expect([...reader.words(0, 2, "d")]).toEqual([0x78563412, 0xffffffff]);
    expect(bytes[0]).toBe(0x78);
  });

  test("texts", () => {
    const reader = new Reader(bytes, "test");
    expect(reader.text(8, 2, "a")).toBe("AB");
    expect(reader.has("AB", 8)).toBe(true);
    expect(reader.has("ABC", 8)).toBe(false);
    expect(reader.has("", 11)).toBe(false);
  });

  test("nothing beyond the end, with the field and the offset", () => {
    const reader = new Reader(bytes, "test");
    const read = (): unknown => reader.words(8, 1, "count");
    expect(read).toThrow(FormatError);
    expect(read).toThrow("parse test: count at byte 8: needs 4 bytes, there are 2");
    expect(() => reader.words(0, 2 ** 31, "many")).toThrow(FormatError);
    expect(() => reader.text(2 ** 40, 0, "far")).toThrow("there are 0");
    expect([...reader.words(10, 0, "none")]).toEqual([]);
  });
});
