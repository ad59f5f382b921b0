/** Wild files in the place of libraries: whatever they are, the cache is written, in bounded time and memory. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readCache } from "../../src/ldcache/read.ts";
import { abiNote, forgeElf, MACHINE, type ForgedElf } from "../support/elf-forge.ts";
import { Jail, whyNoJail } from "./jail.ts";
import { mutated } from "./mutation.ts";
import { seed, settings, timeout } from "./settings.ts";

const unavailable = whyNoJail();
const folder = "/usr/lib/x86_64-linux-gnu";
let jail: Jail;

beforeAll(() => {
  if (unavailable === undefined) jail = new Jail();
});
afterAll(() => jail?.remove());

const byteString = (constraints: { minLength?: number; maxLength: number }): fc.Arbitrary<string> =>
  fc.array(fc.integer({ min: 1, max: 255 }), constraints).map((codes) => String.fromCharCode(...codes));

const soname = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("libx.so.1", "liby.so.2", "libcuda.so.1", "ld-linux-x86-64.so.2") },
  {
    weight: 2,
    arbitrary: fc.constantFrom("", ".", "..", "../../etc/passwd", "/etc/shadow", "a/b", "x\ny", "\u001b[31mred"),
  },
  { weight: 1, arbitrary: byteString({ maxLength: 40 }) },
  { weight: 1, arbitrary: fc.integer({ min: 200, max: 100_000 }).map((length) => `lib${"n".repeat(length)}.so.1`) },
);

const wildOffset = fc.oneof(
  fc.bigInt({ min: 0n, max: 2000n }),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.constantFrom(2n ** 63n, 2n ** 32n - 1n, 2n ** 64n - 8n),
);

/** What a sound file may have. */
const sound: fc.Arbitrary<ForgedElf> = fc.record(
  {
    sonames: fc.array(soname, { minLength: 1, maxLength: 2 }),
    needed: fc.array(fc.constantFrom("libc.so.6", "libc.so.5", "libm.so.6", ""), { maxLength: 50 }),
    neededLast: fc.boolean(),
    interpreter: fc.constantFrom("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux.so.2", "", "/lib/ld.so"),
    notes: fc.array(
      fc
        .tuple(fc.nat(5), fc.nat(9), fc.nat(99), fc.nat(9999))
        .map(([os, major, minor, patch]) => abiNote(os, major, minor, patch)),
      { maxLength: 3 },
    ),
    noteAlignment: fc.constantFrom(4, 8),
    isaNeeded: fc.nat(0xffffffff),
    loadBias: fc.constantFrom(0, 0x1000, 0x40_0000),
    decoyBias: fc.constantFrom(0x1000, 0x7fff_0000),
    padding: fc.nat(5000),
  },
  { requiredKeys: ["sonames"] },
);

/** One thing that is unusual, or wrong. */
const oddity: fc.Arbitrary<ForgedElf> = fc.oneof(
  fc.record({
    bits: fc.constantFrom(32, 64),
    machine: fc.constantFrom(...Object.values(MACHINE)),
    bigEndian: fc.boolean(),
  }),
  fc.record({ machine: fc.nat(65_535) }),
  fc.record({ type: fc.nat(65_535) }),
  fc.record({ flags: fc.nat(0xffffffff) }),
  fc.record({ propertyAlignment: fc.constantFrom(0, 1, 4, 8, 2 ** 30), isaNeeded: fc.nat(255) }),
  fc.record({ sonames: fc.constantFrom([], ["a", "b", "c"]) }),
  fc.constantFrom({ noLoad: true }, { noDynamic: true }, { noStringTable: true }),
  fc.record({ classByte: fc.nat(255) }),
  fc.record({ dataByte: fc.nat(255) }),
  fc.record({ truncate: fc.nat(700) }),
  fc.record({
    wild: fc.oneof(
      fc.record({ phoff: wildOffset }),
      fc.record({ phnum: fc.nat(65_535) }),
      fc.record({ dynamicOffset: wildOffset }),
      fc.record({ dynamicSize: wildOffset }),
      fc.record({ stringTable: wildOffset }),
      fc.record({ sonameOffset: wildOffset }),
      fc.record({ neededOffset: wildOffset }),
      fc.record({ interpreterOffset: wildOffset }),
    ),
  }),
);

const description: fc.Arbitrary<ForgedElf> = fc
  .tuple(sound, fc.array(oddity, { maxLength: 2 }))
  .map(([base, oddities]) => Object.assign({}, base, ...oddities) as ForgedElf);

const elf = description.map((one) => forgeElf(one));
const content = fc.oneof(
  { weight: 3, arbitrary: elf },
  { weight: 5, arbitrary: mutated(elf, 3) },
  {
    weight: 1,
    arbitrary: fc.uint8Array({ maxLength: 600 }).map((bytes) => new Uint8Array([0x7f, 0x45, 0x4c, 0x46, ...bytes])),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 600 }) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom("/* GNU ld script */\nGROUP ( libc.so.6 )\n", "", "\u007fELF", "x")
      .map((text) => Buffer.from(text, "latin1")),
  },
);

/** Names that are scanned, some of them hard to compare. */
const name = fc.oneof(
  fc.nat(99).map((number) => `lib${number}.so.1`),
  fc
    .tuple(fc.constantFrom("libx.so", "ld-y.so"), byteString({ maxLength: 30 }))
    .map(([start, end]) => start + end.replaceAll("/", "_")),
  fc
    .tuple(fc.nat(2 ** 31 - 1), fc.nat(999))
    .map(([first, second]) => `libx.so.${first}.${"0".repeat(second % 60)}${second}`),
);

test(
  "random and mutated ELF files",
  (ctx) => {
    if (unavailable !== undefined) return ctx.skip(unavailable);
    console.log(`fuzz: seed ${seed}`);
    let entries = 0;
    const property = fc.property(fc.array(fc.tuple(name, content), { minLength: 1, maxLength: 40 }), (files) => {
      jail.clear();
      mkdirSync(join(jail.root, folder), { recursive: true });
      mkdirSync(join(jail.root, "etc"));
      writeFileSync(join(jail.root, "etc/debian_version"), "12\n");
      for (const [file, bytes] of files) writeFileSync(Buffer.from(`${jail.root}${folder}/${file}`, "latin1"), bytes);
      const result = jail.run(["update-ldcache", "--folder", folder]);
      expect(jail.faultsOf(result)).toEqual([]);
      expect(result.status, result.stderr).toBe(0);
      const cache = readCache(readFileSync(join(jail.root, "etc/ld.so.cache")));
      entries += cache.entries.length;
      for (const { value } of cache.entries) expect(value.startsWith("/")).toBe(true);
    });
    fc.assert(property, settings(100));
    expect(entries, "some of the files are libraries").toBeGreaterThan(20);
  },
  timeout,
);
