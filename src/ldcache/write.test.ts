import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { entries } from "../../test/support/cache-order.ts";
import { forgeElf } from "../../test/support/elf-forge.ts";
import { HookError } from "../errors.ts";
import type { CacheEntry } from "./entry.ts";
import { readCache } from "./read.ts";
import { EntryList } from "./entry-list.ts";
import { sortEntries } from "./sort.ts";
import { type CacheFormat, type CacheLayout, writeCache as writeList } from "./write.ts";

const GENERATOR = "ldconfig (GNU libc) stable release version 2.42";

const modern: CacheLayout = {
  format: "new",
  bigEndian: false,
  endianByte: true,
  extensions: true,
  generator: GENERATOR,
  align: 8,
  charSigned: true,
  osVersionSorted: false,
  legacySorted: false,
};

/** 2.31's shape. */
const old: CacheLayout = {
  ...modern,
  format: "compat",
  endianByte: false,
  extensions: false,
  generator: "",
  osVersionSorted: true,
  legacySorted: true,
};

function entry(key: string, more: Partial<CacheEntry> = {}): CacheEntry {
  const value = `/opt/a/${key}`;
  return { key, value, flags: 0x303, osVersion: 0, hwcapLow: 0, hwcapHigh: 0, hwcaps: undefined, isa: 0, ...more };
}

function writeCache(list: readonly CacheEntry[], interned: readonly string[], layout: CacheLayout): Uint8Array {
  return writeList(EntryList.of(list), interned, layout);
}

/** Puts a file together from numbers of 32 bits and texts. */
function file(bigEndian: boolean, ...rows: (number | string)[][]): Buffer {
  return Buffer.concat(
    rows.flat().map((part) => {
      if (typeof part === "string") return Buffer.from(part, "latin1");
      const bytes = Buffer.alloc(4);
      if (bigEndian) bytes.writeUInt32BE(part);
      else bytes.writeUInt32LE(part);
      return bytes;
    }),
  );
}

const MAGIC_NEW = "glibc-ld.so.cache1.1";
const MAGIC_OLD = "ld.so-1.7.0\0";
const NONE_12 = [0, 0, 0] as const;

describe("writeCache", () => {
  test("case 1: nothing", () => {
    const header = [MAGIC_NEW, 0, 0, "\x02\0\0\0", 48, ...NONE_12];
    const expected = file(false, header, [0xeaa42174, 1, 0, 0, 72, 47, GENERATOR]);
    expect(Buffer.from(writeCache([], [], modern))).toEqual(expected);
    expect(expected).toHaveLength(48 + 24 + GENERATOR.length);
  });

  test("case 42: strings share their tails", () => {
    const list = [entry("libx.so.1"), entry("libx.so.1", { value: "/opt/b/libx.so.1" })];
    const table = "/opt/b/libx.so.1\0/opt/a/libx.so.1\0";
    const strings = 48 + 48;
    const directory = strings + 34 + 2;
    const expected = file(
      false,
      [MAGIC_NEW, 2, 34, "\x02\0\0\0", directory, ...NONE_12],
      [0x303, strings + 24, strings + 17, 0, 0, 0],
      [0x303, strings + 24, strings, 0, 0, 0],
      [table, "\0\0", 0xeaa42174, 1, 0, 0, directory + 24, 47, GENERATOR],
    );
    expect(Buffer.from(writeCache(list, [], modern))).toEqual(expected);
  });

  test("cases 34 and 35: unused folders leave their names, used ones a section; the ISA level is beside the index", () => {
    const value = "/opt/a/glibc-hwcaps/x86-64-v3/libh.so.1.2.4";
    const list = [entry("libh.so.1", { value, hwcaps: "x86-64-v3", isa: 1 })];
    const cache = readCache(writeCache(list, ["x86-64-v2", "x86-64-v3", "none", "x86-64-v4"], modern));
    expect(cache.entries).toEqual(list);
    expect(cache.folders).toEqual(["x86-64-v3"]);
    expect(cache.strings).toBe(`none\0x86-64-v4\0${value}\0x86-64-v3\0x86-64-v2\0libh.so.1\0`);
    const bytes = Buffer.from(writeCache(list, [], modern));
    expect(bytes.readBigUInt64LE(48 + 16)).toBe(0x4000_0001_0000_0000n);
  });

  test("case 59: big endian", () => {
    const table = "/opt/a/libx.so.1\0";
    const directory = 48 + 24 + 17 + 3;
    const expected = file(
      true,
      [MAGIC_NEW, 1, 17, "\x03\0\0\0", directory, ...NONE_12],
      [0x403, 72 + 7, 72, 0, 0x4000_0000, 0, table, "\0\0\0"],
      [0xeaa42174, 2, 0, 0, directory + 44, 47, 1, 0, directory + 40, 4, 72 + 13, GENERATOR],
    );
    // The folder's name is the tail of a path here, to keep the table short.
    const list = [entry("libx.so.1", { flags: 0x403, hwcaps: "o.1" })];
    expect(Buffer.from(writeCache(list, ["o.1"], { ...modern, bigEndian: true }))).toEqual(expected);
  });

  test("case 43: compat repeats the last old entry when their number is odd", () => {
    const expected = file(
      false,
      [MAGIC_OLD, 2],
      [0x303, 72, 72 + 10, 0x303, 72, 72 + 10],
      [MAGIC_NEW, 1, 27, 0, 0, ...NONE_12],
      [0x303, 72, 72 + 10, 0x30200, 0, 0],
      ["libx.so.1\0/opt/a/libx.so.1\0"],
    );
    expect(Buffer.from(writeCache([entry("libx.so.1", { osVersion: 0x30200 })], [], old))).toEqual(expected);
  });

  test("case 44: format old before 2.33, of an odd number of entries, has offsets 4 too large where 8 is aligned to", () => {
    const write = (layout: Partial<CacheLayout>): Buffer =>
      Buffer.from(writeCache([entry("libx.so.1")], [], { ...old, format: "old", ...layout }));
    const expected = (key: number): Buffer =>
      file(false, [MAGIC_OLD, 1, 0x303, key, key + 10, "libx.so.1\0/opt/a/libx.so.1\0"]);
    expect(write({ align: 8 })).toEqual(expected(4));
    expect(write({ align: 4 })).toEqual(expected(0));
    const shared = file(false, [MAGIC_OLD, 1, 0x303, 7, 0, "/opt/a/libx.so.1\0"]);
    expect(write({ align: 8, extensions: true, legacySorted: false })).toEqual(shared);
  });

  test("case 45: in compat files the names of folders count from the new part", () => {
    const list = [entry("libx.so.1", { hwcaps: "v3" })];
    const bytes = Buffer.from(writeCache(list, ["v3"], { ...modern, format: "compat" }));
    const base = 16 + 24;
    const directory = bytes.readUInt32LE(base + 32);
    const name = base + bytes.readUInt32LE(directory + 40);
    expect(bytes.toString("latin1", name, name + 3)).toBe("v3\0");
    // Its old part has the entry, too, as if it were a plain one.
    expect(bytes.readUInt32LE(12)).toBe(2);
    expect(readCache(bytes).entries).toEqual(list);
  });

  test("case 50: legacy entries are left out of the old part", () => {
    const list = [entry("libx.so.1", { hwcapHigh: 0x0004_0000 }), entry("liby.so.1"), entry("libz.so.1")];
    const bytes = Buffer.from(writeCache(list, [], old));
    expect(bytes.readUInt32LE(12)).toBe(2);
    expect(readCache(bytes).entries).toEqual(list.toReversed());
    expect(bytes.readBigUInt64LE(16 + 24 + 48 + 48 + 16)).toBe(0x0004_0000_0000_0000n);
  });

  test.each(["old", "compat"] as const)(
    "refuses %s with legacy entries and extensions, and no other format",
    (format) => {
      const list = [entry("libx.so.1", { hwcapLow: 4 })];
      const layout = { ...modern, legacySorted: true };
      expect(() => writeCache(list, [], { ...layout, format })).toThrow(HookError);
      expect(() => writeCache(list, [], { ...layout, format })).toThrow(`no right place in format ${format}`);
      expect(readCache(writeCache(list, [], layout)).entries).toEqual(list);
    },
  );

  test("cases 63 and 64: RHEL 8 has kernels and extensions, Debian 11 a byte order and none", () => {
    const list = [entry("libx.so.1", { osVersion: 0x30200 })];
    const rhel = readCache(writeCache(list, [], { ...modern, osVersionSorted: true, legacySorted: true }));
    expect(rhel.entries).toEqual(list);
    expect(rhel.generator).toBe(GENERATOR);
    const debian = Buffer.from(writeCache(list, [], { ...old, format: "new", endianByte: true }));
    expect(debian.readUInt32LE(28)).toBe(2);
    expect(debian.readUInt32LE(32)).toBe(0);
    expect(readCache(debian)).toMatchObject({ entries: list, generator: undefined, endianByte: 2 });
  });

  test("whatever is written can be read", () => {
    const layouts = fc.record({
      format: fc.constantFrom<CacheFormat>("compat", "new"),
      bigEndian: fc.boolean(),
      endianByte: fc.boolean(),
      extensions: fc.boolean(),
      charSigned: fc.boolean(),
      osVersionSorted: fc.boolean(),
    });
    fc.assert(
      fc.property(entries, layouts, (list, some) => {
        const layout: CacheLayout = { ...modern, ...some, legacySorted: !some.extensions };
        // Without extensions there are no folders' names; with them, legacy entries are refused in compat.
        const usable = list.filter(
          ({ hwcaps, hwcapLow, hwcapHigh }) =>
            (layout.extensions || hwcaps === undefined) &&
            (!layout.extensions || layout.format === "new" || (hwcapLow === 0 && hwcapHigh === 0)),
        );
        const cache = readCache(writeCache(usable, ["x86-64-v4"], layout));
        expect(cache.entries).toEqual(Array.from(sortEntries(EntryList.of(usable), layout), (index) => usable[index]));
        expect(cache.format).toBe(layout.format);
        // A header that neither names the byte order nor announces anything does not tell it.
        const told = layout.endianByte || layout.extensions || usable.length > 0;
        expect(cache.bigEndian).toBe(told && layout.bigEndian);
        expect(cache.generator).toBe(layout.extensions ? GENERATOR : undefined);
      }),
      { numRuns: 1_000 },
    );
  });
});

/** This machine's own ldconfig, where it is Debian's of glibc 2.33 or later. */
function systemGenerator(): string | undefined {
  const cache = "/etc/ld.so.cache";
  if (process.getuid?.() !== 0 || !existsSync("/sbin/ldconfig") || !existsSync(cache)) return undefined;
  return readCache(readFileSync(cache)).generator;
}

describe("this machine's ldconfig", () => {
  const generator = systemGenerator();

  test.for(["old", "compat", "new"] as const)("writes the same bytes in format %s", (format, { skip }) => {
    if (generator === undefined) return skip("needs root, and an ldconfig of glibc 2.33 or later");
    const root = mkdtempSync(join(tmpdir(), "ldcache-"));
    try {
      mkdirSync(join(root, "opt/a"), { recursive: true });
      mkdirSync(join(root, "etc"));
      for (const name of ["libone.so.1", "libtwo.so.2", "libten.so.10"]) {
        writeFileSync(join(root, "opt/a", name), forgeElf({ sonames: [name], machine: 62 }));
      }
      execFileSync("/sbin/ldconfig", ["-r", root, "-c", format, "-C", "/cache", "/opt/a"], { stdio: "pipe" });
      const bytes = readFileSync(join(root, "cache"));
      const written = writeCache(readCache(bytes).entries, [], { ...modern, format, generator });
      expect(Buffer.from(written)).toEqual(bytes);
      expect(readCache(bytes).entries.map(({ key }) => key)).toEqual(["libtwo.so.2", "libten.so.10", "libone.so.1"]);
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
