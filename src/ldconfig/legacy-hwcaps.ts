/**
 * Legacy hardware capability folders (glibc 2.36 and older): `DIR/haswell`, `DIR/tls/i686`, … are scanned as well, and
 * their entries carry capability bits. Names and bits: glibc's dl-procinfo tables; ldconfig's "is_hwcap_platform" and
 * "path_hwcap".
 */

/** The names that one architecture's ldconfig knows. Bits are positions in the 64-bit hwcap field. */
export interface LegacyHwcaps {
  /** Capability name to bit. Any of them counts in a path; only `important` ones are descended into. */
  readonly capabilities: ReadonlyMap<string, number>;
  readonly important: ReadonlySet<string>;
  /** Platform name to bit. */
  readonly platforms: ReadonlyMap<string, number>;
  /** The bit that `hwcap N NAME` lines of ld.so.conf number from: behind the platforms, else behind the capabilities. */
  readonly firstExtra: number;
}

interface Row {
  /** The first glibc 2.x that has this row. */
  readonly since: number;
  readonly capabilities?: string;
  readonly important?: string;
  readonly platforms?: string;
  readonly firstPlatform?: number;
}

const AARCH64_2_26 = "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm jscvt fcma lrcpc";
const AARCH64_2_27 = `${AARCH64_2_26} dcpop sha3 sm3 sm4 asimddp sha512 sve`;
const AARCH64_2_28 = `${AARCH64_2_27} asimdfhm dit uscat ilrcpc flagm`;
const ARM_2_17 =
  "swp half thumb 26bit fastmult fpa vfp edsp java iwmmxt crunch thumbee neon vfpv3 vfpv3d16 tls vfpv4 idiva idivt";
const S390_2_17 = "esan3 zarch stfle msa ldisp eimm dfp edat etf3eh highgprs";
const S390_2_26 = `${S390_2_17} te vx vxd vxe gs`;
const S390_2_30 = `${S390_2_26} vxe2 vxp sort dflt`;
const S390_IMPORTANT = "zarch ldisp eimm dfp";
const S390_MACHINES = "g5 z900 z990 z9-109 z10";

const X86: readonly Row[] = [
  {
    since: 17,
    capabilities:
      "fpu vme de pse tsc msr pae mce cx8 apic 10 sep mtrr pge mca cmov pat pse36 pn clflush 20 dts acpi mmx fxsr sse sse2 ss ht tm ia64 pbe",
    important: "sse2",
    platforms: "i386 i486 i586 i686",
  },
  { since: 26, capabilities: "sse2 avx512_1", important: "sse2 avx512_1", platforms: "i586 i686 haswell xeon_phi" },
  {
    since: 27,
    capabilities: "sse2 x86_64 avx512_1",
    important: "sse2 x86_64 avx512_1",
    platforms: "i586 i686 haswell xeon_phi",
  },
];

const AARCH64: readonly Row[] = [
  { since: 17 },
  { since: 26, capabilities: AARCH64_2_26, important: "cpuid" },
  { since: 27, capabilities: AARCH64_2_27, important: "cpuid" },
  { since: 28, capabilities: AARCH64_2_28, important: "atomics" },
  { since: 29, capabilities: `${AARCH64_2_28} ssbs`, important: "atomics" },
  { since: 30, capabilities: `${AARCH64_2_28} ssbs sb paca pacg`, important: "atomics" },
];

const ARM: readonly Row[] = [
  { since: 17, capabilities: ARM_2_17, important: "vfp neon" },
  {
    since: 20,
    capabilities: `${ARM_2_17} vfpd32 lpae evtstrm aes pmull sha1 sha2 crc32`,
    important: "vfp neon",
  },
];

const S390: readonly Row[] = [
  { since: 17, capabilities: S390_2_17, important: S390_IMPORTANT, platforms: S390_MACHINES, firstPlatform: 32 },
  {
    since: 23,
    capabilities: `${S390_2_17} te vx`,
    important: S390_IMPORTANT,
    platforms: `${S390_MACHINES} z196 zEC12 z13`,
    firstPlatform: 32,
  },
  {
    since: 26,
    capabilities: S390_2_26,
    important: S390_IMPORTANT,
    platforms: `${S390_MACHINES} z196 zEC12 z13`,
    firstPlatform: 32,
  },
  {
    since: 27,
    capabilities: S390_2_26,
    important: S390_IMPORTANT,
    platforms: `${S390_MACHINES} z196 zEC12 z13 z14`,
    firstPlatform: 32,
  },
  {
    since: 30,
    capabilities: S390_2_30,
    important: `${S390_IMPORTANT} vx vxe vxe2`,
    platforms: `${S390_MACHINES} z196 zEC12 z13 z14`,
    firstPlatform: 32,
  },
  {
    since: 31,
    capabilities: S390_2_30,
    important: `${S390_IMPORTANT} vx vxe vxe2`,
    platforms: `${S390_MACHINES} z196 zEC12 z13 z14 z15`,
    firstPlatform: 32,
  },
  {
    since: 34,
    capabilities: `${S390_2_30} vxp2 nnpa`,
    important: `${S390_IMPORTANT} vx vxe vxe2`,
    platforms: `${S390_MACHINES} z196 zEC12 z13 z14 z15`,
    firstPlatform: 32,
  },
  {
    since: 35,
    capabilities: `${S390_2_30} vxp2 nnpa pcimio sie`,
    important: `${S390_IMPORTANT} vx vxe vxe2`,
    platforms: `${S390_MACHINES} z196 zEC12 z13 z14 z15`,
    firstPlatform: 32,
  },
  {
    since: 36,
    capabilities: `${S390_2_30} vxp2 nnpa pcimio sie`,
    important: `${S390_IMPORTANT} vx vxe vxe2`,
    platforms: `${S390_MACHINES} z196 zEC12 z13 z14 z15 z16`,
    firstPlatform: 32,
  },
];

const MIPS: readonly Row[] = [{ since: 17, platforms: "loongson2e loongson2f octeon octeon2", firstPlatform: 0 }];

/** Bits 2 to 5 have no names; those that are given no folder can have. */
const POWERPC: readonly Row[] = [
  {
    since: 17,
    capabilities:
      "ppcle true_le / / / / archpmu vsx arch_2_06 power6x dfp pa6t arch_2_05 ic_snoop smt booke cellbe power5+ power5 " +
      "power4 notb efpdouble efpsingle spe ucache 4xxmac mmu fpu altivec ppc601 ppc64 ppc32",
    important: "altivec dfp",
    platforms:
      "power4 ppc970 power5 power5+ power6 ppc-cell-be power6x power7 ppca2 ppc405 ppc440 ppc464 ppc476 power8 power9 " +
      "power10",
    firstPlatform: 32,
  },
];

const TABLES: Readonly<Record<string, readonly Row[]>> = {
  x86: X86,
  aarch64: AARCH64,
  arm: ARM,
  s390: S390,
  mips: MIPS,
  powerpc: POWERPC,
};

/** The bit that `tls` always has, where the architecture's own list does not name it. */
const TLS: readonly [string, number] = ["tls", 63];

/**
 * The table of a family ("x86", "aarch64", "arm", "s390", "mips", "powerpc"; others know `tls` only) as glibc 2.`minor` had it.
 */
export function legacyHwcaps(family: string, minor: number): LegacyHwcaps {
  const row = (TABLES[family] ?? []).findLast((candidate) => candidate.since <= minor) ?? { since: 17 };
  const capabilities = new Map(numbered(row.capabilities, 0));
  const firstPlatform = row.firstPlatform ?? 48;
  const platforms = new Map(numbered(row.platforms, firstPlatform));
  return {
    capabilities,
    important: new Set(words(row.important)),
    platforms,
    firstExtra: platforms.size === 0 ? capabilities.size : firstPlatform + platforms.size,
  };
}

/** A root's own table: the architecture's, `tls`, and the names that `hwcap N NAME` lines give numbers (glibc <= 2.31). */
export class HwcapFolders {
  readonly #table: LegacyHwcaps;
  readonly #extra: ReadonlyMap<string, number>;

  constructor(table: LegacyHwcaps, configured: ReadonlyMap<string, number>) {
    this.#table = table;
    this.#extra = new Map([TLS, ...[...configured].map(([name, n]): [string, number] => [name, table.firstExtra + n])]);
  }

  /** Whether a subfolder of this name is scanned too. */
  descends(name: string): boolean {
    return this.#table.important.has(name) || this.#table.platforms.has(name) || this.#extra.has(name);
  }

  /** The hwcap field of a folder's entries: the bits of its last path components that are capability names. */
  bits(path: string): bigint {
    let bits = 0n;
    const components = path.split("/");
    for (let at = components.length - 1; at > 0; at -= 1) {
      const name = components[at] ?? "";
      const bit = this.#table.capabilities.get(name) ?? this.#table.platforms.get(name) ?? this.#extra.get(name);
      if (bit === undefined) break;
      bits += 1n << BigInt(bit);
    }
    // Not by BigInt.asUintN, whose answer is negative in QuickJS where bit 63 is set.
    return bits & 0xffff_ffff_ffff_ffffn;
  }
}

function words(text: string | undefined): string[] {
  return text === undefined ? [] : text.split(" ");
}

function numbered(text: string | undefined, first: number): [string, number][] {
  return words(text).map((name, index): [string, number] => [name, first + index]);
}
