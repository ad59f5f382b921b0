import { build } from "elf-tools";
import { describe, expect, test } from "vitest";
import { abiNote, ET_EXEC, ET_REL, forgeElf, type ForgedElf, MACHINE } from "../../test/support/elf-forge.ts";
import { MemorySource } from "../../test/support/memory-source.ts";
import { type Library, type LibraryRules, type Machine, readLibrary, type Skip } from "./library.ts";

/** glibc 2.36 on x86-64. */
const rules36: LibraryRules = {
  machine: "x86-64",
  libraryTypes: true,
  osVersion: false,
  noteAlignment: true,
  isa: true,
  stringTableSegment: true,
  firstSonameOnly: false,
  interpreterFallsThrough: false,
  armFloatFlags: true,
  mipsNan2008: true,
  loongarchFloatFlags: false,
  ia64: true,
};
/** 2.35 and 2.17 before it. */
const rules35: LibraryRules = { ...rules36, osVersion: true };
const rules17: LibraryRules = {
  ...rules35,
  noteAlignment: false,
  isa: false,
  stringTableSegment: false,
  armFloatFlags: false,
  mipsNan2008: false,
};
/** 2.37, and 2.42 after it. */
const rules37: LibraryRules = { ...rules36, libraryTypes: false, firstSonameOnly: true, interpreterFallsThrough: true };
const rules42: LibraryRules = { ...rules37, interpreterFallsThrough: false, loongarchFloatFlags: true, ia64: false };

function read(elf: ForgedElf | Uint8Array, rules: LibraryRules = rules36): Library | Skip {
  return readLibrary(new MemorySource(elf instanceof Uint8Array ? elf : forgeElf(elf)), rules);
}

function on(machine: Machine, rules: LibraryRules = rules36): LibraryRules {
  return { ...rules, machine };
}

const soname = "libx.so.1";
const library: ForgedElf = { sonames: [soname] };
const i386: ForgedElf = { ...library, bits: 32, machine: MACHINE.EM_386 };

describe("a library", () => {
  test.each([rules17, rules35, rules36, rules37, rules42])("is read by every release", (rules) => {
    const expected: Library = { soname, flags: 0x303, isa: 0, osVersion: 0, aout: false };
    expect(read(library, rules)).toEqual(expected);
    expect(read({ ...library, loadBias: 0x40_0000 }, rules)).toEqual(expected);
    expect(read({ ...library, needed: ["libc.so.6", "libm.so.6", "libz.so.1"] }, rules)).toEqual(expected);
    expect(read({ ...library, needed: ["libc.so.6"], neededLast: true }, rules)).toEqual(expected);
  });

  test("takes three small reads, however large the file is", () => {
    const source = new MemorySource(forgeElf({ ...library, padding: 10_000_000 }));
    expect(readLibrary(source, rules42)).toMatchObject({ soname });
    expect(source.reads).toBe(3);
    expect(source.bytesRead).toBeLessThan(3000);
  });

  test("case 15: without a soname, and with an empty one", () => {
    expect(read({})).toMatchObject({ soname: undefined, flags: 0x303 });
    expect(read({ sonames: [""] })).toMatchObject({ soname: "", flags: 0x303 });
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
    expect(read(aout)).toEqual({ soname: undefined, flags: 0, isa: 0, osVersion: 0, aout: true });
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

describe("flags", () => {
  const arm = (flags: number): ForgedElf => ({ ...library, bits: 32, machine: MACHINE.EM_ARM, flags });

  test.each<[string, ForgedElf, LibraryRules, number | string]>([
    ["x86-64", library, rules36, 0x303],
    ["x32", { ...library, bits: 32 }, rules36, 0x803],
    ["case 51: i386, needing no libc", i386, rules36, 0x001],
    ["i386, needing no libc, since 2.37", i386, rules37, 0x003],
    ["i386, needing libc.so.6", { ...i386, needed: ["libz.so.1", "libc.so.6"] }, rules36, 0x003],
    ["i386, needing libm.so.6 behind its soname", { ...i386, needed: ["libm.so.6"], neededLast: true }, rules36, 0x003],
    ["i386, needing libc.so.5, on x86-64", { ...i386, needed: ["libc.so.5"] }, rules36, 0x001],
    ["i386, needing libc.so.5, on i386", { ...i386, needed: ["libc.so.5"] }, on("i386"), 0x002],
    ["i386, needing both", { ...i386, needed: ["libc.so.5", "libc.so.6"] }, on("i386"), 0x002],
    ["i386 with a loader", { ...i386, interpreter: "/lib/ld-linux.so.2" }, rules36, 0x003],
    ["i386 with the loader of libc5", { ...i386, interpreter: "/lib/ld-linux.so.1" }, on("i386"), 0x002],
    ["i386 with an unknown loader", { ...i386, interpreter: "/lib/ld.so" }, rules36, 0x001],
    ["ia64 on i386", { ...library, machine: MACHINE.EM_IA_64 }, on("i386"), 0x203],
    ["ia64 on i386, since 2.39", { ...library, machine: MACHINE.EM_IA_64 }, on("i386", rules42), "machine"],
    ["ia64 on x86-64", { ...library, machine: MACHINE.EM_IA_64 }, rules36, "machine"],
    ["case 57: arm, hard float", arm(0x500_0400), on("armhf"), 0x903],
    ["arm, soft float", arm(0x500_0200), on("armhf"), 0xb03],
    ["arm, unmarked", arm(0x500_0000), on("armhf"), 0x003],
    ["arm, an older ABI", arm(0x400_0400), on("armhf"), 0x001],
    ["arm, soft float, 2.17", arm(0x500_0200), on("armhf", rules17), 0x003],
    ["arm, unmarked, 2.17", arm(0x500_0000), on("armhf", rules17), 0x001],
    ["arm on aarch64", arm(0x500_0400), on("aarch64"), 0x903],
    ["x86-64 on aarch64", library, on("aarch64"), 0xa03],
    ["i386 on aarch64", i386, on("aarch64"), 0x001],
    ["ppc64le", { ...library, machine: MACHINE.EM_PPC64 }, on("ppc64le"), 0x503],
    ["32 bits on ppc64le", i386, on("ppc64le", rules42), 0x003],
    ["case 59: s390x", { ...library, machine: MACHINE.EM_S390, bigEndian: true }, on("s390x"), 0x403],
    ["s390", { ...i386, machine: MACHINE.EM_S390, bigEndian: true }, on("s390x"), 0x001],
    ["sparc64", { ...library, bigEndian: true }, on("sparc64"), 0x103],
    ["mips64", library, on("mips64el"), 0x703],
    ["mips64, NaN 2008", { ...library, flags: 0x400 }, on("mips64el"), 0xe03],
    ["mips64, NaN 2008, 2.17", { ...library, flags: 0x400 }, on("mips64el", rules17), 0x703],
    ["mips n32", { ...i386, flags: 0x20 }, on("mips64el"), 0x603],
    ["mips n32, NaN 2008", { ...i386, flags: 0x420 }, on("mips64el"), 0xd03],
    ["mips o32, NaN 2008", { ...i386, flags: 0x400 }, on("mipsel"), 0xc03],
    ["mips o32", i386, on("mipsel"), 0x001],
    ["case 58: riscv, double float, no libc", { ...library, flags: 0x5 }, on("riscv64"), 0x1001],
    ["riscv, double float, libc", { ...library, flags: 0x5, needed: ["libc.so.6"] }, on("riscv64"), 0x1003],
    ["riscv, double float, since 2.37", { ...library, flags: 0x4 }, on("riscv64", rules37), 0x1003],
    ["riscv, soft float", { ...library, flags: 0x1 }, on("riscv64", rules37), 0xf03],
    ["riscv, single float", { ...library, flags: 0x2 }, on("riscv64"), "abi"],
    ["riscv, an unknown flag", { ...library, flags: 0x8 }, on("riscv64"), "abi"],
    ["loongarch, double float", { ...library, flags: 0x43 }, on("loongarch64", rules42), 0x1203],
    ["loongarch, soft float", { ...library, flags: 0x1 }, on("loongarch64", rules42), 0x1103],
    ["loongarch, single float", { ...library, flags: 0x2 }, on("loongarch64", rules42), "abi"],
    ["loongarch, an unknown flag", { ...library, flags: 0x7 }, on("loongarch64", rules42), "abi"],
    ["loongarch, 32 bits", i386, on("loongarch64", rules42), "class"],
    ["loongarch before 2.38", { ...library, flags: 0x7 }, on("loongarch64", rules37), 0x003],
    ["alpha, needing libc.so.6.1", { ...library, needed: ["libc.so.6.1"] }, on("alpha"), 0x003],
    ["hppa", { ...i386, bigEndian: true }, on("hppa"), 0x001],
    ["64 bits on hppa", { ...library, bigEndian: true }, on("hppa"), "class"],
  ])("%s", (_, elf, rules, expected) => {
    const found = read(elf, rules);
    expect("skip" in found ? found.skip : found.flags).toBe(expected);
  });
});

describe("case 52: the ABI note", () => {
  const noted = (more: ForgedElf = {}): ForgedElf => ({ ...library, notes: [abiNote(0, 3, 2, 0)], ...more });
  const buildId = { name: "GNU", type: 3, description: new Uint8Array(20) };

  test("counts until 2.35", () => {
    expect(read(noted(), rules35)).toMatchObject({ osVersion: 0x30200 });
    expect(read(noted(), rules17)).toMatchObject({ osVersion: 0x30200 });
    expect(read(noted(), rules36)).toMatchObject({ osVersion: 0 });
  });

  test("behind other notes", () => {
    const notes = [buildId, { name: "Xen\0and more", type: 1, description: new Uint8Array(16) }, abiNote(3, 12, 1, 7)];
    expect(read(noted({ notes }), rules35)).toMatchObject({ osVersion: 0x030c_0107 });
    expect(read(noted({ notes }), rules17)).toMatchObject({ osVersion: 0x030c_0107 });
  });

  test("numbers above a byte are cut", () => {
    expect(read(noted({ notes: [abiNote(0x1ff, 0x103, 0x102, 0x1ff)] }), rules35)).toMatchObject({
      osVersion: 0xff0302ff,
    });
  });

  test("notes that are aligned to 8 are understood since 2.27, other alignments no longer", () => {
    const notes = [{ ...buildId, description: new Uint8Array(17) }, abiNote(0, 3, 2, 0)];
    expect(read(noted({ notes, noteAlignment: 8 }), rules35)).toMatchObject({ osVersion: 0x30200 });
    expect(read(noted({ notes, noteAlignment: 8 }), rules17)).toMatchObject({ osVersion: 0 });
    expect(read(noted({ noteAlignment: 16 }), rules35)).toMatchObject({ osVersion: 0 });
    expect(read(noted({ noteAlignment: 16 }), rules17)).toMatchObject({ osVersion: 0x30200 });
    expect(read(noted({ noteAlignment: 2 }), rules17)).toMatchObject({ osVersion: 0 });
  });

  test("big endian", () => {
    const notes = [buildId, abiNote(0, 3, 2, 0, false)];
    expect(read(noted({ notes, bigEndian: true }), on("s390x", rules35))).toMatchObject({ osVersion: 0x30200 });
  });

  test("a note that is longer than its segment ends the search", () => {
    const bytes = forgeElf(noted({ notes: [buildId, abiNote(0, 3, 2, 0)] }));
    const view = new DataView(bytes.buffer);
    const note = Buffer.from(bytes).indexOf("\x04\0\0\0\x14\0\0\0", "latin1");
    view.setUint32(note, 0xffff_fff0, true);
    expect(read(bytes, rules35)).toMatchObject({ soname, osVersion: 0 });
  });
});

describe("case 35: the ISA level", () => {
  test.each([
    [0x0, 0],
    [0x1, 0],
    [0x2, 1],
    [0x5, 2],
    [0x8, 3],
    [0x8000_0000, 31],
  ])("%i needs level %i", (isaNeeded, isa) => {
    expect(read({ ...library, isaNeeded })).toMatchObject({ isa });
    expect(read({ ...i386, isaNeeded })).toMatchObject({ isa });
  });

  test("is for x86, since 2.33, and for segments of the right alignment", () => {
    const elf: ForgedElf = { ...library, isaNeeded: 0x5 };
    expect(read(elf, { ...rules36, isa: false })).toMatchObject({ isa: 0 });
    expect(read(elf, on("aarch64"))).toMatchObject({ isa: 0 });
    expect(read({ ...elf, propertyAlignment: 4 })).toMatchObject({ isa: 0 });
    expect(read({ ...i386, isaNeeded: 0x5, propertyAlignment: 8 })).toMatchObject({ isa: 0 });
  });

  test("properties before it must ascend", () => {
    const bytes = forgeElf({ ...library, isaNeeded: 0x5 });
    const note = Buffer.from(bytes).indexOf("\x02\x80\0\xc0", "latin1");
    const view = new DataView(bytes.buffer);
    view.setUint32(note, 0xc000_0002, true);
    expect(read(bytes)).toMatchObject({ isa: 0 });
    view.setUint32(note, 0xc000_8003, true);
    expect(read(bytes)).toMatchObject({ isa: 0 });
    view.setUint32(note, 0xc000_8002, true);
    view.setUint32(note + 4, 400, true);
    expect(read(bytes)).toMatchObject({ soname, isa: 0 });
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

describe("case 56: broken files", () => {
  const far = [1n << 20n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];

  test.each(["phoff", "stringTable", "sonameOffset", "neededOffset", "interpreterOffset"] as const)(
    "%s behind the end",
    (field) => {
      for (const value of far) {
        const elf: ForgedElf = { ...library, needed: ["a"], interpreter: "/lib/ld.so", wild: { [field]: value } };
        for (const rules of [rules17, rules36]) {
          const found = read(elf, rules);
          // The last of these lies within the file where it is added to another one.
          const wraps = value === 2n ** 64n - 1n && (field === "sonameOffset" || field === "neededOffset");
          expect("skip" in found ? found.skip : "read").toBe(wraps ? "read" : "truncated");
        }
      }
    },
  );

  test("the offset of the dynamic section counts modulo 2^32", () => {
    for (const dynamicOffset of [1n << 20n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 63n + 2n ** 31n]) {
      expect(read({ ...library, wild: { dynamicOffset } })).toEqual({ skip: "truncated" });
    }
    const bytes = forgeElf(library);
    const view = new DataView(bytes.buffer);
    view.setUint32(64 + 56 + 8 + 4, 0x1234, true);
    expect(read(bytes)).toMatchObject({ soname });
  });

  test("a bad DT_NEEDED is fatal until 2.36, unless everything is known before it", () => {
    const elf: ForgedElf = { ...library, needed: ["libz.so.1"], wild: { neededOffset: 1n << 40n } };
    expect(read(elf)).toEqual({ skip: "truncated" });
    expect(read({ ...elf, neededLast: true })).toEqual({ skip: "truncated" });
    expect(read({ ...elf, neededLast: true, interpreter: "/lib64/ld-linux-x86-64.so.2" })).toMatchObject({ soname });
    expect(read(elf, rules37)).toMatchObject({ soname });
  });

  test("nothing in it", () => {
    expect(read({ ...library, noDynamic: true })).toEqual({ skip: "no-dynamic" });
    expect(read({ ...library, wild: { dynamicSize: 0n } })).toEqual({ skip: "no-dynamic" });
    expect(read({ ...library, wild: { phnum: 0 } })).toEqual({ skip: "no-dynamic" });
    expect(read({ ...library, noStringTable: true })).toEqual({ skip: "no-strings" });
    expect(read(forgeElf(library).subarray(0, 64))).toEqual({ skip: "truncated" });
  });

  test("more program headers than bytes", () => {
    expect(read({ ...library, wild: { phnum: 65_535 } })).toEqual({ skip: "truncated" });
  });

  test("as many program headers as there can be", () => {
    const bytes = new Uint8Array(64 + 65_535 * 56);
    bytes.set(forgeElf({ ...library, wild: { phnum: 65_535 } }).subarray(0, 64));
    expect(read(bytes)).toEqual({ skip: "no-dynamic" });
  });

  test("a dynamic section without an end", () => {
    const bytes = forgeElf({ ...library, padding: 1 << 20 });
    const end = bytes.length - (1 << 20);
    // Tag and value 0x07070707…: nothing that is known.
    bytes.fill(7, end - 16);
    const source = new MemorySource(bytes);
    expect(readLibrary(source, rules36)).toEqual({ skip: "unreasonable" });
    expect(source.bytesRead).toBeLessThan(200_000);
    expect(read(bytes.subarray(0, Math.ceil(end / 4096) * 4096 + 4096), rules36)).toEqual({ skip: "outside" });
    // Since 2.37 nobody looks behind soname and string table.
    expect(read(bytes, rules42)).toMatchObject({ soname });
  });

  test("the last page reads as zero behind the end of the file, and ends names and dynamic sections", () => {
    const bytes = forgeElf(library);
    // Without DT_NULL.
    expect(read(bytes.subarray(0, bytes.length - 16))).toMatchObject({ soname });
    const name = forgeElf({ ...library, noLoad: true, wild: { stringTable: 0n, sonameOffset: 8190n } });
    const whole = new Uint8Array(8192).fill(0x61);
    whole.set(name);
    expect(read(whole.subarray(0, 8191))).toMatchObject({ soname: "a" });
    expect(read(whole.subarray(0, 8190))).toMatchObject({ soname: "" });
    expect(read(whole.subarray(0, 8189))).toEqual({ skip: "truncated" });
    // The file ends with its page: ldconfig would crash.
    expect(read(whole)).toEqual({ skip: "outside" });
  });

  test("a file that shrinks while it is read", () => {
    const bytes = forgeElf({ ...library, needed: ["libc.so.6"] });
    for (let length = 0; length < bytes.length; length += 1) {
      const found = readLibrary(new MemorySource(bytes.subarray(0, length), bytes.length + 5000), rules36);
      expect("skip" in found || found.soname === soname || found.soname === undefined || length > 200).toBe(true);
    }
  });
});
