/**
 * The processor that a dynamic linker is thought to run on, as far as it chooses libraries by it. Sources: glibc's
 * dl-hwcap_subdirs.c of each port, its cpu_features.c for x86, and the psABI of x86-64 for the levels.
 */
import type { Architecture } from "../ldconfig/architecture.ts";

export interface Cpu {
  /** What `--cpu` names. */
  readonly name: string;
  /** `glibc-hwcaps` subfolders that it can use, best first. */
  readonly hwcaps: readonly string[];
  /** x86 ISA level, 0 (baseline) to 3 (x86-64-v4); 3 for other architectures, which have none. */
  readonly isa: number;
  /** What `$PLATFORM` stands for; undefined where the kernel names none. */
  readonly platform: string | undefined;
  /** Names of the legacy capability folders that it can use, `platform` aside, in the order of their bits. */
  readonly capabilities: readonly string[];
}

const V2 = ["x86-64-v2"];
const V3 = ["x86-64-v3", ...V2];
const V4 = ["x86-64-v4", ...V3];

function x86(name: string, hwcaps: readonly string[], platform = "x86_64", more: readonly string[] = []): Cpu {
  return { name, hwcaps, isa: hwcaps.length, platform, capabilities: ["x86_64", ...more] };
}

/** Intel's processors have a platform of their own in glibc up to 2.36. */
const X86_64: readonly Cpu[] = [
  x86("x86-64", []),
  x86("x86-64-v2", V2),
  x86("x86-64-v3", V3),
  x86("x86-64-v4", V4),
  x86("haswell", V3, "haswell"),
  x86("xeon_phi", V3, "xeon_phi"),
  x86("skylake-avx512", V4, "haswell", ["avx512_1"]),
];

function other(name: string, platform: string | undefined, capabilities: string, hwcaps: string): Cpu {
  return { name, hwcaps: wordsOf(hwcaps), isa: 3, platform, capabilities: wordsOf(capabilities) };
}

const POWER = [
  other("power8", "power8", "altivec dfp", ""),
  other("power9", "power9", "altivec dfp", "power9"),
  other("power10", "power10", "altivec dfp", "power10 power9"),
];

const Z = "zarch ldisp eimm dfp";
const ARM = [other("armv7", "v7l", "vfp neon", ""), other("armv8", "v8l", "vfp neon", "")];

/** By architecture; the first is what every machine of it can do. */
const CPUS: Readonly<Record<Architecture, readonly Cpu[]>> = {
  "x86-64": X86_64,
  x32: X86_64,
  i386: [{ ...other("i686", "i686", "sse2", ""), isa: 0 }],
  aarch64: [other("armv8", "aarch64", "", ""), other("armv8.1", "aarch64", "atomics", "")],
  armhf: ARM,
  armel: ARM,
  ppc64le: POWER,
  ppc64: [other("power4", "power4", "altivec", ""), ...POWER],
  s390x: [
    other("z900", "z900", "zarch", ""),
    other("z13", "z13", `${Z} vx`, "z13"),
    other("z14", "z14", `${Z} vx vxe`, "z14 z13"),
    other("z15", "z15", `${Z} vx vxe vxe2`, "z15 z14 z13"),
    other("z16", "z16", `${Z} vx vxe vxe2`, "z16 z15 z14 z13"),
    other("z17", "z17", `${Z} vx vxe vxe2`, "z17 z16 z15 z14 z13"),
  ],
  riscv64: [other("rv64gc", undefined, "", "")],
  loongarch64: [other("loongarch64", "loongarch64", "", "")],
  mips64el: [other("mips64r2", "mips64r2", "", "")],
};

/** The processors that are known by name, the least able one first. */
export function cpusOf(architecture: Architecture): readonly Cpu[] {
  return CPUS[architecture];
}

const NEEDED_FOR_V2 = "cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3";
const NEEDED_FOR_V3 = "avx avx2 bmi1 bmi2 f16c fma abm movbe";
const NEEDED_FOR_V4 = "avx512f avx512bw avx512cd avx512dq avx512vl";
const NEEDED_FOR_HASWELL = "avx2 bmi1 bmi2 abm movbe popcnt fma";

/**
 * The processor of an x86 machine by its /proc/cpuinfo; undefined when that is of another architecture. A name says the
 * level, and the vendor where that makes a difference.
 */
export function cpuFromCpuinfo(cpuinfo: string, architecture: Architecture): Cpu | undefined {
  if (architecture !== "x86-64" && architecture !== "x32") return undefined;
  const flags = new Set(/^flags[\t ]*:(.*)$/m.exec(cpuinfo)?.[1]?.split(" "));
  if (!flags.has("lm")) return undefined;
  const has = (names: string): boolean => wordsOf(names).every((name) => flags.has(name));
  const levels = [NEEDED_FOR_V2, NEEDED_FOR_V3, NEEDED_FOR_V4].map(has);
  // Subfolders are judged one by one, but levels include each other.
  const level = levels.findIndex((fits) => !fits);
  const hwcaps = V4.slice(level < 0 ? 0 : V4.length - level);
  const name = `x86-64${hwcaps.length === 0 ? "" : `-v${hwcaps.length + 1}`}`;
  if (!/^vendor_id[\t ]*: GenuineIntel$/m.test(cpuinfo)) return x86(name, hwcaps);
  const isPhi = has("avx512cd avx512er avx512pf");
  const avx512 = !flags.has("avx512er") && has("avx512cd avx512bw avx512dq avx512vl") ? ["avx512_1"] : [];
  const platform = isPhi ? "xeon_phi" : has(NEEDED_FOR_HASWELL) ? "haswell" : "x86_64";
  return x86(`${name}, Intel's`, hwcaps, platform, avx512);
}

function wordsOf(text: string): string[] {
  return text === "" ? [] : text.split(" ");
}
