/** What an architecture decides about ldconfig: how its own binary is recognised, and where it looks. */

import { ARCHITECTURE_NAMES, type Architecture } from "./names.ts";

export type { Architecture } from "./names.ts";

export interface ArchitectureFacts {
  /** e_machine and ELF class of its programs (gABI). */
  readonly machine: number;
  readonly bits: 32 | 64;
  readonly bigEndian: boolean;
  /** How the C compiler aligns a 64-bit integer, in bytes. */
  readonly align: 4 | 8;
  /** Whether plain `char` is signed (its psABI): names with bytes above 127 sort differently. */
  readonly charSigned: boolean;
  /** glibc's configured slibdir and libdir. */
  readonly libraryDirectories: readonly [string, string];
  /** What glibc's add_system_dir appends to a folder that ends in `/lib`, in order (dl-cache.h of each port). */
  readonly suffixes: readonly string[];
  /** Debian's multiarch triplet. */
  readonly triplet: string;
  /** Which table of legacy-hwcaps.ts. */
  readonly legacyFamily: string;
}

const LITTLE_64 = {
  bits: 64,
  bigEndian: false,
  align: 8,
  libraryDirectories: ["/lib64", "/usr/lib64"],
  suffixes: [],
  legacyFamily: "none",
} as const;

const LITTLE_32 = { ...LITTLE_64, bits: 32, libraryDirectories: ["/lib", "/usr/lib"] } as const;

export const ARCHITECTURES: Readonly<Record<Architecture, ArchitectureFacts>> = {
  "x86-64": {
    ...LITTLE_64,
    machine: 62,
    charSigned: true,
    suffixes: ["64", "x32"],
    triplet: "x86_64-linux-gnu",
    legacyFamily: "x86",
  },
  x32: {
    ...LITTLE_32,
    machine: 62,
    charSigned: true,
    libraryDirectories: ["/libx32", "/usr/libx32"],
    suffixes: ["64", "x32"],
    triplet: "x86_64-linux-gnux32",
    legacyFamily: "x86",
  },
  i386: { ...LITTLE_32, machine: 3, align: 4, charSigned: true, triplet: "i386-linux-gnu", legacyFamily: "x86" },
  aarch64: {
    ...LITTLE_64,
    machine: 183,
    charSigned: false,
    suffixes: ["64"],
    triplet: "aarch64-linux-gnu",
    legacyFamily: "aarch64",
  },
  armhf: { ...LITTLE_32, machine: 40, charSigned: false, triplet: "arm-linux-gnueabihf", legacyFamily: "arm" },
  armel: { ...LITTLE_32, machine: 40, charSigned: false, triplet: "arm-linux-gnueabi", legacyFamily: "arm" },
  ppc64le: { ...LITTLE_64, machine: 21, charSigned: false, triplet: "powerpc64le-linux-gnu", legacyFamily: "powerpc" },
  ppc64: {
    ...LITTLE_64,
    machine: 21,
    bigEndian: true,
    charSigned: false,
    triplet: "powerpc64-linux-gnu",
    legacyFamily: "powerpc",
  },
  s390x: {
    ...LITTLE_64,
    machine: 22,
    bigEndian: true,
    charSigned: false,
    triplet: "s390x-linux-gnu",
    legacyFamily: "s390",
  },
  riscv64: {
    ...LITTLE_64,
    machine: 243,
    charSigned: false,
    libraryDirectories: ["/lib64/lp64d", "/usr/lib64/lp64d"],
    suffixes: ["64/lp64d", "64/lp64", "32/ilp32d", "32/ilp32"],
    triplet: "riscv64-linux-gnu",
  },
  loongarch64: {
    ...LITTLE_64,
    machine: 258,
    charSigned: true,
    suffixes: ["64", "64/sf"],
    triplet: "loongarch64-linux-gnu",
  },
  mips64el: {
    ...LITTLE_64,
    machine: 8,
    charSigned: true,
    suffixes: ["32", "64"],
    triplet: "mips64el-linux-gnuabi64",
    legacyFamily: "mips",
  },
};

/** Bit of e_flags that marks an ARM program as hard-float (ELF for the Arm Architecture, 5.2). */
const EF_ARM_ABI_FLOAT_HARD = 0x400;

/** The architecture of a program with this ELF header, or undefined when its ldconfig is not known. */
export function architectureOf(
  machine: number,
  bits: 32 | 64,
  bigEndian: boolean,
  flags: number,
): Architecture | undefined {
  if (machine === 40) return (flags & EF_ARM_ABI_FLOAT_HARD) === 0 ? "armel" : "armhf";
  return ARCHITECTURE_NAMES.find((name) => {
    const facts = ARCHITECTURES[name];
    return facts.machine === machine && facts.bits === bits && facts.bigEndian === bigEndian;
  });
}

/**
 * The built-in folders of an upstream ldconfig, in order (ldconfig.c's main, add_system_dir): slibdir, then libdir, each
 * stripped back to `/lib` and expanded by the port's suffixes.
 */
export function upstreamDirectories(directories: readonly string[], suffixes: readonly string[]): string[] {
  const found: string[] = [];
  for (const directory of new Set(directories)) {
    const suffix = suffixes.find((candidate) => directory.endsWith(`/lib${candidate}`));
    const stem = suffix === undefined ? directory : directory.slice(0, -suffix.length);
    found.push(stem);
    if (stem.endsWith("/lib")) for (const each of suffixes) found.push(`${stem}${each}`);
  }
  return found;
}

/** The built-in folders of Debian's and Ubuntu's ldconfig: the dynamic linker's own, and no others. */
export function debianDirectories(triplet: string): string[] {
  return [`/lib/${triplet}`, `/usr/lib/${triplet}`, "/lib", "/usr/lib"];
}
