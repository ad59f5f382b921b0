import { describe, expect, test } from "vitest";
import { type ForgedElf, MACHINE } from "../../test/support/elf-forge.ts";
import { i386, library, on, read, rules17, rules36, rules37, rules42 } from "../../test/support/library-rules.ts";
import type { LibraryRules } from "./library.ts";

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
