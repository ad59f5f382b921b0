/** Wild caches: whatever is in one, the commands that read it end in bounded time and memory, and a refusal names the byte. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EntryList } from "../../src/ldcache/entry-list.ts";
import { writeCache, type CacheLayout } from "../../src/ldcache/write.ts";
import type { CacheEntry } from "../../src/ldcache/entry.ts";
import { Jail, whyNoJail, type JailedResult } from "./jail.ts";
import { mutated } from "./mutation.ts";
import { seed, settings, timeout } from "./settings.ts";

const unavailable = whyNoJail();
let jail: Jail;

beforeAll(() => {
  if (unavailable !== undefined) return;
  jail = new Jail();
  mkdirSync(join(jail.root, "etc"));
  writeFileSync(join(jail.root, "etc/debian_version"), "12\n");
  writeFileSync(join(jail.root, "sound"), sample(layout({})));
});
afterAll(() => jail?.remove());

function layout(more: Partial<CacheLayout>): CacheLayout {
  return {
    format: "new",
    bigEndian: false,
    endianByte: true,
    extensions: true,
    generator: "ldconfig (GNU libc) stable release version 2.36",
    align: 8,
    charSigned: true,
    osVersionSorted: true,
    legacySorted: true,
    ...more,
  };
}

/** A cache with entries of every kind that the layout can hold. */
function sample(of: CacheLayout): Uint8Array {
  const plain = { flags: 0x303, osVersion: 0, hwcapLow: 0, hwcapHigh: 0, hwcaps: undefined, isa: 0 };
  const entries: CacheEntry[] = [];
  for (let index = 0; index < 12; index += 1) {
    const key = `lib${index % 5}.so.${index}`;
    entries.push({ ...plain, key, value: `/usr/lib/x86_64-linux-gnu/${key}` });
  }
  if (of.extensions) {
    for (const [isa, hwcaps] of ["x86-64-v2", "x86-64-v3"].entries()) {
      entries.push({ ...plain, key: "lib1.so.1", value: `/usr/lib/glibc-hwcaps/${hwcaps}/lib1.so.1`, hwcaps, isa });
    }
  } else
    entries.push({
      ...plain,
      key: "libtls.so",
      value: "/lib/tls/libtls.so",
      hwcapHigh: 0x8000_0000,
      osVersion: 0x30200,
    });
  return writeCache(EntryList.of(entries), [], of);
}

const samples = [
  sample(layout({})),
  sample(layout({ format: "compat" })),
  sample(layout({ format: "old" })),
  sample(layout({ bigEndian: true })),
  sample(layout({ extensions: false, endianByte: false })),
  sample(layout({ extensions: false, endianByte: false, format: "compat" })),
];

/** Who reads the cache of the root `at`. */
const readersOf = (at: string): readonly (readonly string[])[] => [
  ["ldcache", "print", `${at}/etc/ld.so.cache`],
  ["ldcache", "print", "--root", at, "--json"],
  ["ldcache", "print", "--root", at, "--tree"],
  ["ldcache", "diff", `${at}/etc/ld.so.cache`, "/root/sound"],
  ["ldcache", "diff", "/root/sound", at, "--json"],
  ["ldcache", "verify", "--root", at],
  ["ldcache", "verify", "--root", at, "--json"],
  ["ldcache", "rebuild", "--root", at, "--dry-run"],
  ["ldcache", "explain", "lib1.so.1", "--root", at, "--cpu", "x86-64-v3"],
  ["ldconfig", "-r", at, "-p"],
];

const tellsWhere = / at byte \d+|not a cache file|wrong endianness/i;

/** What a run did that it must not. */
function faultsOf(args: readonly string[], result: JailedResult): string[] {
  // That caches differ, or are not what a rebuild would write, is told on stdout.
  const found = jail.ownFaultsOf(result).filter((fault) => result.stdout === "" || fault !== "failed without a line");
  const isRefusal = result.status === 1 && result.stdout === "";
  // What begins like no cache is an image for `diff`: none that it knows, or one without a cache.
  const isImage = args[1] === "diff" && !/: parse ld\.so\.cache: /.test(result.stderr);
  if (isRefusal && !isImage && !tellsWhere.test(result.stderr)) found.push(`the byte is not told: ${result.stderr}`);
  return found.map((fault) => `${args.join(" ")}: ${fault}`);
}

/** Caches that are tried together, in a root each. */
const BATCH = 200;

test(
  "random and mutated caches",
  (context) => {
    if (unavailable !== undefined) return context.skip(unavailable);
    console.log(`fuzz: seed ${seed}`);
    const { numRuns = 1 } = settings<Uint8Array>(1000);
    const counts = new Map<string, number>();
    const cache = fc.tuple(mutated(fc.constantFrom(...samples), 4), fc.nat(readersOf("").length - 1));
    for (let done = 0; done < numRuns; done += BATCH) {
      const cases = fc.sample(cache, { seed: seed + done, numRuns: Math.min(BATCH, numRuns - done) });
      const commands = cases.map(([bytes, reader], index) => {
        const folder = join(jail.root, String(index), "etc");
        mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, "debian_version"), "12\n");
        writeFileSync(join(folder, "ld.so.cache"), bytes);
        return readersOf(`/root/${index}`)[reader] ?? [];
      });
      const results = jail.runMany(commands);
      expect(results).toHaveLength(cases.length);
      for (const [index, result] of results.entries()) {
        const args = commands[index] ?? [];
        const faults = faultsOf(args, result);
        expect(faults, `seed ${seed + done}, case ${index}: ${JSON.stringify([...(cases[index]?.[0] ?? [])])}`).toEqual(
          [],
        );
        const key = `${args[1]} ${result.status}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
      expect(jail.faultsOutside()).toEqual([]);
    }
    for (const key of ["print 0", "print 1", "diff 1", "verify 1", "rebuild 0", "explain 1", "-r 0", "-r 1"]) {
      expect(counts.get(key) ?? 0, `${key} of ${JSON.stringify([...counts])}`).toBeGreaterThan(0);
    }
  },
  timeout,
);

/** A cache of the new format with these numbers in its header, made by hand. */
function forged(
  count: number,
  tableBytes: number,
  entry: (index: number) => readonly number[],
  written = count,
): Buffer {
  const bytes = Buffer.alloc(48 + 24 * written + tableBytes, "x");
  bytes.fill(0, 0, 48);
  bytes.write("glibc-ld.so.cache1.1", "latin1");
  bytes.writeUInt32LE(count, 20);
  bytes.writeUInt32LE(tableBytes, 24);
  bytes[28] = 2;
  for (let index = 0; index < written; index += 1) {
    const [flags = 0x303, key = 0, value = 0] = entry(index);
    bytes.writeUInt32LE(flags, 48 + 24 * index);
    bytes.writeUInt32LE(key, 52 + 24 * index);
    bytes.writeUInt32LE(value, 56 + 24 * index);
    bytes.fill(0, 60 + 24 * index, 72 + 24 * index);
  }
  bytes[bytes.length - 1] = 0;
  return bytes;
}

describe("caches made to cost much", () => {
  const start = (count: number): number => 48 + 24 * count;
  const made: Readonly<Record<string, () => Uint8Array>> = {
    "ten thousand entries, each a tail of one long string": () =>
      forged(10_000, 20_000, (index) => [0x303, start(10_000) + index, start(10_000) + index + 1]),
    "a count of four thousand million": () => forged(0xffff_ffff, 100, () => [], 1),
    "a count that wraps to a small size": () => forged(0x0aaa_aaab, 100, () => [], 1),
    "a name of a million bytes": () => forged(2, 1_000_000, (index) => [0x303, start(2), start(2) + index]),
    "twenty thousand entries that are all the same": () =>
      forged(20_000, 100, () => [0x303, start(20_000), start(20_000)]),
    "an extension directory of a million sections": () => {
      const bytes = Buffer.from(forged(1, 100, () => [0x303, start(1), start(1)]));
      bytes.writeUInt32LE(48, 32);
      bytes.writeUInt32LE(0xeaa42174, 48);
      bytes.writeUInt32LE(1_000_000, 52);
      return bytes;
    },
    "control bytes, bytes that are no UTF-8, and a line of its own as a name": () => {
      const bytes = Buffer.from(forged(1, 40, () => [0x303, start(1), start(1)]));
      bytes.write("\x1b[2J\nlibx.so \xff\xc0\u0007", start(1), "latin1");
      return bytes;
    },
  };
  test.for(Object.keys(made))("%s", (name, context) => {
    if (unavailable !== undefined) return context.skip(unavailable);
    writeFileSync(join(jail.root, "etc/ld.so.cache"), made[name]?.() ?? "");
    const commands = readersOf("/root");
    const results = jail.runMany(commands);
    expect(results.flatMap((result, index) => faultsOf(commands[index] ?? [], result))).toEqual([]);
  });
});
