import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { abiNote, forgeElf, type ForgedElf, MACHINE } from "../../test/support/elf-forge.ts";
import { MemorySource } from "../../test/support/memory-source.ts";
import { type LibraryRules, type Machine, readLibrary } from "./library.ts";

const machines: readonly Machine[] = ["x86-64", "i386", "aarch64", "armhf", "s390x", "riscv64", "mips64", "ppc64le"];

const rules: fc.Arbitrary<LibraryRules> = fc.record({
  machine: fc.constantFrom(...machines),
  libraryTypes: fc.boolean(),
  osVersion: fc.boolean(),
  noteAlignment: fc.boolean(),
  isa: fc.boolean(),
  stringTableSegment: fc.boolean(),
  firstSonameOnly: fc.boolean(),
  interpreterFallsThrough: fc.boolean(),
  armFloatFlags: fc.boolean(),
  mipsNan2008: fc.boolean(),
  loongarchFloatFlags: fc.boolean(),
  ia64: fc.boolean(),
});

const wild = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.bigInt({ min: 0n, max: 5000n }),
  fc.constantFrom(2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n),
);

const elf: fc.Arbitrary<ForgedElf> = fc.record(
  {
    bits: fc.constantFrom(32 as const, 64 as const),
    bigEndian: fc.boolean(),
    machine: fc.constantFrom(MACHINE.EM_X86_64, MACHINE.EM_386, MACHINE.EM_ARM, 0xffff),
    flags: fc.nat({ max: 0x7fff_ffff }),
    sonames: fc.array(fc.constantFrom("", "libx.so.1", "\xff"), { maxLength: 2 }),
    needed: fc.array(fc.constantFrom("libc.so.6", "libz.so.1"), { maxLength: 3 }),
    neededLast: fc.boolean(),
    interpreter: fc.constantFrom("/lib/ld-linux.so.2", "/lib64/ld-linux-x86-64.so.2"),
    notes: fc.constant([abiNote(0, 3, 2, 0)]),
    noteAlignment: fc.constantFrom(4, 8, 16),
    isaNeeded: fc.nat(),
    loadBias: fc.nat(),
    decoyBias: fc.nat(),
    wild: fc.record(
      {
        phoff: wild,
        phnum: fc.nat({ max: 0xffff }),
        dynamicOffset: wild,
        dynamicSize: wild,
        stringTable: wild,
        sonameOffset: wild,
        neededOffset: wild,
        interpreterOffset: wild,
      },
      { requiredKeys: [] },
    ),
    classByte: fc.constantFrom(0, 1, 2, 3),
    padding: fc.nat({ max: 5000 }),
  },
  { requiredKeys: [] },
);

/** Reads bytes, with a check on how much of them was read. */
function survives(bytes: Uint8Array, how: LibraryRules): void {
  const source = new MemorySource(bytes);
  const found = readLibrary(source, how);
  expect(typeof ("skip" in found ? found.skip : found.flags)).toMatch(/^(?:string|number)$/);
  expect(source.bytesRead).toBeLessThan(400_000);
}

describe("hostile files", () => {
  test("wild values, files cut anywhere, bytes changed anywhere: a library or a reason", () => {
    const change = fc.tuple(fc.nat({ max: 2000 }), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(elf, rules, fc.array(change, { maxLength: 4 }), fc.nat(), (forged, how, changes, cut) => {
        const bytes = forgeElf(forged);
        survives(bytes, how);
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        survives(bytes, how);
        survives(bytes.subarray(0, cut % (bytes.length + 1)), how);
      }),
      { numRuns: 4_000 },
    );
  });

  test("any bytes behind a sound header", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 6000 }), rules, fc.boolean(), (tail, how, wide) => {
        const head = forgeElf({ sonames: ["libx.so.1"], bits: wide ? 64 : 32, bigEndian: how.machine === "s390x" });
        const bytes = new Uint8Array(64 + tail.length);
        bytes.set(head.subarray(0, 64));
        bytes.set(tail, 64);
        survives(bytes, how);
      }),
      { numRuns: 1_000 },
    );
  });
});
