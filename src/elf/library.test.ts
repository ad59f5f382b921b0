import { build } from "elf-tools";
import { describe, expect, test } from "vitest";
import { ET_EXEC, ET_REL, forgeElf, type ForgedElf, MACHINE } from "../../test/support/elf-forge.ts";
import {
  library,
  on,
  read,
  rules17,
  rules35,
  rules36,
  rules37,
  rules42,
  soname,
} from "../../test/support/library-rules.ts";
import { MemorySource } from "../../test/support/memory-source.ts";
import { type Library, readLibrary } from "./library.ts";

describe("a library", () => {
  test.each([rules17, rules35, rules36, rules37, rules42])("is read by every release", (rules) => {
    const expected: Library = { soname, flags: 0x303, isa: 0, osVersion: 0, aout: false, identity: 0 };
    expect(read(library, rules)).toEqual(expected);
    expect(read({ ...library, loadBias: 0x40_0000 }, rules)).toEqual(expected);
    expect(read({ ...library, needed: ["libc.so.6", "libm.so.6", "libz.so.1"] }, rules)).toEqual(expected);
    expect(read({ ...library, needed: ["libc.so.6"], neededLast: true }, rules)).toEqual(expected);
  });

  test("takes three small reads, however large the file is", () => {
    const source = new MemorySource(forgeElf({ ...library, needed: ["x".repeat(1500)], padding: 10_000_000 }));
    expect(readLibrary(source, rules42)).toMatchObject({ soname });
    expect(source.reads).toBe(3);
    expect(source.bytesRead).toBeLessThan(3000);
  });

  test("takes two where the soname is in the first of them", () => {
    const source = new MemorySource(forgeElf({ ...library, padding: 10_000_000 }));
    expect(readLibrary(source, rules42)).toMatchObject({ soname });
    expect(source.reads).toBe(2);
    expect(source.bytesRead).toBeLessThan(3000);
  });

  test("case 15: without a soname, and with an empty one", () => {
    expect(read({})).toMatchObject({ soname: undefined, flags: 0x303 });
    expect(read({ sonames: [""] })).toMatchObject({ soname: "", flags: 0x303 });
  });

  test("an ldconfig with 32-bit pointers takes places in a 64-bit file modulo 2^32, and the dynamic section's size", () => {
    const high = 1n << 63n;
    const strings = { ...library, wild: { stringTable: high } };
    const interpreter = { ...library, interpreter: "/lib/ld-linux.so.2", wild: { interpreterOffset: high } };
    for (const machine of ["i386", "armhf", "armel"] as const) {
      expect(read({ ...library, wild: { dynamicSize: high } }, on(machine))).toEqual({ skip: "no-dynamic" });
      for (const elf of [strings, interpreter]) expect(read(elf, on(machine))).toHaveProperty("soname");
    }
    for (const machine of ["x86-64", "aarch64"] as const) {
      expect(read({ ...library, wild: { dynamicSize: high } }, on(machine))).toMatchObject({ soname });
      for (const elf of [strings, interpreter]) expect(read(elf, on(machine))).toEqual({ skip: "truncated" });
    }
  });

  test("of several sonames the last counts, as long as nothing tells libc6; the first since 2.37", () => {
    const several = { sonames: ["first.so", "second.so"] };
    expect(read(several)).toMatchObject({ soname: "second.so" });
    expect(read(several, rules42)).toMatchObject({ soname: "first.so" });
    // What is known of the C library ends the search: DT_NEEDED before, or the interpreter.
    expect(read({ ...several, needed: ["libc.so.6"] })).toMatchObject({ soname: "first.so" });
    expect(read({ ...several, interpreter: "/lib64/ld-linux-x86-64.so.2" })).toMatchObject({ soname: "first.so" });
    expect(read({ ...several, needed: ["libc.so.6"], neededLast: true })).toMatchObject({ soname: "second.so" });
  });

  test("a soname of bytes that are no text", () => {
    expect(read({ sonames: ["lib\xff\xfe.so"] })).toMatchObject({ soname: "lib\xff\xfe.so" });
  });

  test("long sonames: up to 4,096 bytes", () => {
    for (const length of [255, 256, 257, 4096]) {
      expect(read({ sonames: ["x".repeat(length)] })).toMatchObject({ soname: "x".repeat(length) });
    }
    const source = new MemorySource(forgeElf({ sonames: ["x".repeat(100_000)] }));
    expect(readLibrary(source, rules36)).toEqual({ skip: "unreasonable" });
    expect(source.bytesRead).toBeLessThan(10_000);
  });
});

describe("what is no library", () => {
  test("case 17: programs, objects and the other endianness, without a word", () => {
    expect(read({ ...library, type: ET_EXEC })).toEqual({ skip: "not-shared" });
    expect(read({ ...library, type: ET_REL })).toEqual({ skip: "not-shared" });
    expect(read({ ...library, bigEndian: true })).toEqual({ skip: "not-shared" });
    expect(read(library, on("s390x"))).toEqual({ skip: "not-shared" });
  });

  test("case 18: another machine, with its number", () => {
    expect(read({ ...library, machine: MACHINE.EM_AARCH64 })).toEqual({ skip: "machine", machine: 183 });
    expect(read({ ...library, machine: MACHINE.EM_386 })).toEqual({ skip: "machine", machine: 3 });
  });

  test.each([
    ["", "empty"],
    ["\x7fE", "too-small"],
    ["\x7fELF and no more", "too-small"],
    ["INPUT(-lx)\n", "small"],
    ["x".repeat(63), "small"],
    ["x".repeat(70), "not-elf"],
    [`/* ${"x".repeat(60)} */ GROUP ( /lib/libc.so.6 )`, "linker-script"],
    [`/* GNU ld script */ ${"x".repeat(60)}`, "linker-script"],
    [`${"x".repeat(508)}GROUP`, "not-elf"],
    [`${"x".repeat(507)}GROUP`, "linker-script"],
  ])("case 19: %j is %s", (text, skip) => {
    expect(read(new Uint8Array(Buffer.from(text, "latin1")))).toEqual({ skip });
  });

  test("a.out, which has no soname", () => {
    const aout = new Uint8Array(64);
    aout.set([0x0b, 0x01]);
    expect(read(aout)).toEqual({ soname: undefined, flags: 0, isa: 0, osVersion: 0, aout: true, identity: 0 });
    expect(read(aout, rules42)).toMatchObject({ flags: 3, aout: true });
    aout.set([0xcc, 0x00, 0x12, 0x34]);
    expect(read(aout)).toMatchObject({ aout: true });
    // Smaller than an ELF header, and larger than an a.out one.
    expect(read(aout.subarray(0, 52))).toEqual({ skip: "small" });
    expect(read(aout.subarray(0, 52), on("i386"))).toMatchObject({ aout: true });
    expect(read(new Uint8Array([...new Uint8Array(2), 0x01, 0x0b, ...new Uint8Array(60)]), on("s390x"))).toMatchObject({
      aout: true,
    });
  });

  test("a class that is none", () => {
    for (const classByte of [0, 3, 255]) expect(read({ ...library, classByte })).toEqual({ skip: "class" });
  });

  test("the byte order that the file claims does not matter", () => {
    expect(read({ ...library, dataByte: 2 })).toMatchObject({ soname });
  });

  test("what elf-tools builds has no dynamic section", () => {
    const image = build({ code: Buffer.alloc(200), elf_header: { type: "dyn", machine: "amd64", class: "64" } });
    expect(read(new Uint8Array(image))).toEqual({ skip: "no-dynamic" });
    const program = build({ code: Buffer.alloc(200), elf_header: { machine: "amd64", class: "64" } });
    expect(read(new Uint8Array(program))).toEqual({ skip: "not-shared" });
  });
});

describe("the string table", () => {
  test("is where the segment that holds it says, before 2.31 where the first one does", () => {
    const elf: ForgedElf = { ...library, loadBias: 0x20_0000, decoyBias: 0x1000 };
    expect(read(elf)).toMatchObject({ soname });
    expect(read(elf, rules17)).toEqual({ skip: "truncated" });
    expect(read({ ...library, loadBias: 0x20_0000, decoyBias: 0x20_0000 }, rules17)).toMatchObject({ soname });
  });

  test("case 56: outside of every segment its address is its offset", () => {
    const bare: ForgedElf = { ...library, noLoad: true };
    const end = forgeElf(bare).length;
    const bytes = Buffer.concat([
      forgeElf({ ...bare, wild: { stringTable: BigInt(end - 56), sonameOffset: 56n } }),
      Buffer.from(`${soname}\0`),
    ]);
    expect(read(new Uint8Array(bytes))).toMatchObject({ soname });
  });

  test("addresses of 64 bits count modulo 2^64", () => {
    // Segment at -4096 + offset: the addresses are those of a kernel, or of nothing at all.
    const bytes = forgeElf(library);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(64 + 16, 2n ** 64n - 0x10_0000n, true);
    const dynamic = Number(view.getBigUint64(64 + 56 + 8, true));
    const entry = dynamic + 16;
    const table = view.getBigUint64(entry + 8, true);
    view.setBigUint64(entry + 8, 2n ** 64n - 0x10_0000n + table, true);
    expect(read(bytes)).toMatchObject({ soname });
    expect(read(bytes, rules17)).toMatchObject({ soname });
    view.setBigUint64(entry - 16 + 8, 2n ** 64n - 1n, true);
    expect(read(bytes)).toMatchObject({ soname: "" });
  });
});
