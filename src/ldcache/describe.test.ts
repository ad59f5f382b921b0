import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { describeCache, describeEntry } from "./describe.ts";
import type { CacheEntry } from "./entry.ts";
import { readCache } from "./read.ts";

const modern = { libraryTypes: false, osVersion: false };
const old = { libraryTypes: true, osVersion: true };

function entry(more: Partial<CacheEntry>): CacheEntry {
  const plain = { flags: 0x303, osVersion: 0, hwcapLow: 0, hwcapHigh: 0, hwcaps: undefined, isa: 0 };
  return { key: "libx.so.1", value: "/lib/libx.so.1", ...plain, ...more };
}

function words(more: Partial<CacheEntry>, rules = old): string {
  return describeEntry(entry(more), rules).slice("\tlibx.so.1 (".length, -") => /lib/libx.so.1".length);
}

describe("describeEntry", () => {
  test("the whole line", () => {
    expect(describeEntry(entry({}), modern)).toBe("\tlibx.so.1 (libc6,x86-64) => /lib/libx.so.1");
  });

  test.each([
    [0x000, "libc4"],
    [0x001, "ELF"],
    [0x002, "libc5"],
    [0x003, "libc6"],
    [0x004, "unknown"],
    [0x103, "libc6,64bit"],
    [0x803, "libc6,x32"],
    [0x903, "libc6,hard-float"],
    [0xa03, "libc6,AArch64"],
    [0xd03, "libc6,N32,nan2008"],
    [0x1203, "libc6,double-float"],
    [0x1303, "libc6,4864"],
  ])("flags %i: %s", (flags, text) => {
    expect(words({ flags })).toBe(text);
  });

  test("since 2.37 there is libc6 only", () => {
    expect(words({ flags: 0x003 }, modern)).toBe("libc6");
    expect(words({ flags: 0x001 }, modern)).toBe("unknown or unsupported flag");
  });

  test("capabilities and kernels", () => {
    expect(words({ hwcaps: "x86-64-v3", isa: 2 })).toBe('libc6,x86-64, hwcap: "x86-64-v3"');
    expect(words({ hwcapHigh: 0x0004_0000 })).toBe("libc6,x86-64, hwcap: 0x0004000000000000");
    expect(words({ hwcapHigh: 0x8000_0000, hwcapLow: 1 })).toBe("libc6,x86-64, hwcap: 0x8000000000000001");
    expect(words({ osVersion: 0x30200 })).toBe("libc6,x86-64, OS ABI: Linux 3.2.0");
    expect(words({ osVersion: 0x0302_0a00 })).toBe("libc6,x86-64, OS ABI: FreeBSD 2.10.0");
    expect(words({ osVersion: 0x30200 }, modern)).toBe("libc6,x86-64");
  });
});

describe("describeCache", () => {
  test("this machine's cache, as its own ldconfig prints it", ({ skip }) => {
    const path = "/etc/ld.so.cache";
    if (!existsSync(path) || !existsSync("/sbin/ldconfig")) return skip("needs ldconfig and its cache");
    const cache = readCache(readFileSync(path));
    const minor = Number(/ 2\.([0-9]+)$/.exec(cache.generator ?? "")?.[1] ?? 17);
    const rules = { libraryTypes: minor <= 36, osVersion: minor <= 35 };
    const printed = execFileSync("/sbin/ldconfig", ["-p"], { encoding: "latin1", env: { LC_ALL: "C" } });
    expect(describeCache(cache, path, rules)).toEqual(printed.trimEnd().split("\n"));
  });
});
