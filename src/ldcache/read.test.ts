import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FormatError } from "../errors.ts";
import type { CacheEntry } from "./entry.ts";
import { readCache } from "./read.ts";
import { EntryList } from "./entry-list.ts";
import { type CacheLayout, writeCache } from "./write.ts";

const layout: CacheLayout = {
  format: "new",
  bigEndian: false,
  endianByte: true,
  extensions: true,
  generator: "ldconfig (GNU libc) stable release version 2.36",
  align: 8,
  charSigned: true,
  osVersionSorted: false,
  legacySorted: false,
};

function entry(key: string, more: Partial<CacheEntry> = {}): CacheEntry {
  const value = `/usr/lib/${key}`;
  return { key, value, flags: 0x303, osVersion: 0, hwcapLow: 0, hwcapHigh: 0, hwcaps: undefined, isa: 0, ...more };
}

const samples = [
  entry("libb.so.2", { hwcaps: "x86-64-v3", isa: 2, value: "/usr/lib/glibc-hwcaps/x86-64-v3/libb.so.2" }),
  entry("libb.so.2"),
  entry("liba.so.1"),
];

const files: Record<string, Uint8Array> = {
  new: writeCache(EntryList.of(samples), ["x86-64-v3"], layout),
  compat: writeCache(EntryList.of(samples), ["x86-64-v3"], { ...layout, format: "compat" }),
  "compat before 2.33": writeCache(EntryList.of(samples.slice(1)), [], {
    ...layout,
    format: "compat",
    endianByte: false,
    extensions: false,
  }),
  old: writeCache(EntryList.of(samples), [], { ...layout, format: "old" }),
  "big endian": writeCache(EntryList.of(samples), ["x86-64-v3"], { ...layout, bigEndian: true }),
};

/** The file `new` with other numbers in it. */
function corrupt(...changes: [offset: number, value: number][]): Uint8Array {
  const bytes = Uint8Array.from(files["new"] ?? []);
  const view = new DataView(bytes.buffer);
  for (const [offset, value] of changes) view.setUint32(offset, value, true);
  return bytes;
}

/** What readCache throws; undefined when it does not. */
function failure(bytes: Uint8Array): unknown {
  try {
    readCache(bytes);
    return undefined;
  } catch (error) {
    return error;
  }
}

function failsWell(bytes: Uint8Array): boolean {
  const error = failure(bytes);
  return error === undefined || error instanceof FormatError;
}

describe("readCache", () => {
  test("every format and byte order", () => {
    expect(readCache(files["new"] ?? new Uint8Array())).toMatchObject({
      format: "new",
      bigEndian: false,
      endianByte: 2,
      entries: samples,
      generator: layout.generator,
      folders: ["x86-64-v3"],
    });
    expect(readCache(files["big endian"] ?? new Uint8Array())).toMatchObject({ bigEndian: true, entries: samples });
    expect(readCache(files["compat"] ?? new Uint8Array())).toMatchObject({ format: "compat", entries: samples });
    const old = readCache(files["old"] ?? new Uint8Array());
    expect(old).toMatchObject({ format: "old", generator: undefined, endianByte: 0, folders: [] });
    expect(old.entries.map(({ value }) => value)).toEqual(samples.map(({ value }) => value));
    const before = readCache(files["compat before 2.33"] ?? new Uint8Array());
    expect(before).toMatchObject({ format: "compat", endianByte: 0, entries: samples.slice(1) });
  });

  test("an entry of a folder without a name keeps its bits", () => {
    const [first] = readCache(corrupt([32, 0])).entries;
    expect(first).toMatchObject({ hwcaps: undefined, hwcapHigh: 0x4000_0002, hwcapLow: 0, isa: 0 });
  });

  test.each([
    ["an empty file", new Uint8Array(), "magic"],
    ["a text", Buffer.from("not a cache, but longer than a header of one"), "magic"],
    ["a header alone", Buffer.from("glibc-ld.so.cache1.1"), "header"],
    ["an old header alone", Buffer.from("ld.so-1.7.0\0"), "entry count"],
    ["more entries than there is room for", corrupt([20, 0x1000_0000]), "entries"],
    ["more strings than there is room for", corrupt([24, 0x1000_0000]), "string table"],
    ["an impossible byte order", corrupt([28, 1]), "byte order"],
    ["a key behind the end", corrupt([52, 0xffff_fff0]), "key of entry 0"],
    ["a value behind the end", corrupt([48 + 24 + 8, 0x00ff_ffff]), "value of entry 1"],
    ["extensions behind the end", corrupt([32, 0x7fff_fff0]), "extension magic"],
    ["extensions somewhere else", corrupt([32, 48]), "extension magic"],
  ])("%s is refused", (_, bytes, field) => {
    const error = failure(bytes);
    expect(error).toBeInstanceOf(FormatError);
    expect(error).toMatchObject({ field, message: expect.stringContaining("parse ld.so.cache") as unknown });
  });

  test("a million entries that share one long string do not become a million copies", () => {
    const count = 40_000;
    const length = 1 << 20;
    const bytes = new Uint8Array(48 + 24 * count + length).fill(0x61);
    bytes.set(Buffer.from("glibc-ld.so.cache1.1"));
    const view = new DataView(bytes.buffer);
    view.setUint32(20, count, true);
    view.setUint32(24, length, true);
    bytes.fill(0, 28, 48);
    bytes[28] = 2;
    bytes[bytes.length - 1] = 0;
    for (let index = 0; index < count; index += 1) {
      view.setUint32(48 + 24 * index + 4, 48 + 24 * count + index, true);
      view.setUint32(48 + 24 * index + 8, 48 + 24 * count + index, true);
    }
    expect(() => readCache(bytes)).toThrow("too much text");
    for (let index = 0; index < count; index += 1) {
      view.setUint32(48 + 24 * index + 4, 48 + 24 * count, true);
      view.setUint32(48 + 24 * index + 8, 48 + 24 * count, true);
    }
    expect(readCache(bytes).entries).toHaveLength(count);
  });

  test("a million sections that name one long list do not become a million lists", () => {
    const bytes = new Uint8Array(72 + 16 * 10_000 + 40_000);
    bytes.set(Buffer.from("glibc-ld.so.cache1.1"));
    bytes[28] = 2;
    const view = new DataView(bytes.buffer);
    view.setUint32(32, 48, true);
    view.setUint32(48, 0xeaa42174, true);
    view.setUint32(52, 10_000, true);
    for (let at = 56; at < 56 + 160_000; at += 16) {
      view.setUint32(at, 1, true);
      view.setUint32(at + 8, 56 + 160_000, true);
      view.setUint32(at + 12, 40_000, true);
    }
    expect(readCache(bytes).folders).toHaveLength(10_000);
  });

  test.each(Object.keys(files))("%s, cut or changed anywhere: a cache or a FormatError, nothing else", (name) => {
    const whole = files[name] ?? new Uint8Array();
    for (let length = 0; length < whole.length; length += 1) expect(failsWell(whole.slice(0, length))).toBe(true);
    const change = fc.tuple(fc.nat({ max: whole.length - 1 }), fc.constantFrom(0, 1, 2, 3, 0x7f, 0x80, 0xff));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        const bytes = Uint8Array.from(whole);
        for (const [at, value] of changes) bytes[at] = value;
        expect(failsWell(bytes)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  test("any bytes at all", () => {
    fc.assert(
      fc.property(fc.constantFrom("glibc-ld.so.cache1.1", "ld.so-1.7.0\0", ""), fc.uint8Array(), (magic, rest) => {
        expect(failsWell(Buffer.concat([Buffer.from(magic), rest]))).toBe(true);
      }),
    );
  });

  test("this machine's own cache", ({ skip }) => {
    let bytes: Buffer;
    try {
      bytes = readFileSync("/etc/ld.so.cache");
    } catch {
      return skip("needs /etc/ld.so.cache");
    }
    const cache = readCache(bytes);
    expect(cache.entries.length).toBeGreaterThan(0);
    expect(cache.entries.map(({ key }) => key)).toContain("libc.so.6");
  });
});
