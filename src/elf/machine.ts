import {
  EF_ARM_ABI_FLOAT_HARD,
  EF_ARM_ABI_FLOAT_SOFT,
  EF_ARM_EABIMASK,
  EF_ARM_EABI_VER5,
  EF_LARCH_ABI_DOUBLE_FLOAT,
  EF_LARCH_ABI_MODIFIER_MASK,
  EF_LARCH_ABI_SOFT_FLOAT,
  EF_LARCH_OBJABI_V1,
  EF_MIPS_ABI2,
  EF_MIPS_NAN2008,
  EF_RISCV_FLOAT_ABI,
  EF_RISCV_FLOAT_ABI_DOUBLE,
  EF_RISCV_FLOAT_ABI_SOFT,
  EF_RISCV_RVC,
  EM_386,
  EM_IA_64,
  EM_X86_64,
  FLAG_AARCH64_LIB64,
  FLAG_ARM_LIBHF,
  FLAG_ARM_LIBSF,
  FLAG_ELF_LIBC5,
  FLAG_ELF_LIBC6,
  FLAG_IA64_LIB64,
  FLAG_LARCH_FLOAT_ABI_DOUBLE,
  FLAG_LARCH_FLOAT_ABI_SOFT,
  FLAG_MIPS64_LIBN32,
  FLAG_MIPS64_LIBN32_NAN2008,
  FLAG_MIPS64_LIBN64,
  FLAG_MIPS64_LIBN64_NAN2008,
  FLAG_MIPS_LIB32_NAN2008,
  FLAG_POWERPC_LIB64,
  FLAG_RISCV_FLOAT_ABI_DOUBLE,
  FLAG_RISCV_FLOAT_ABI_SOFT,
  FLAG_S390_LIB64,
  FLAG_SPARC_LIB64,
  FLAG_X8664_LIB64,
  FLAG_X8664_LIBX32,
} from "./constants.ts";
import type { LibraryRules } from "./rules.ts";

/** The machines that glibc's ldconfig is built for; a name stands for one byte order. */
export type Machine =
  | "x86-64"
  | "x32"
  | "i386"
  | "aarch64"
  | "aarch64_be"
  | "arm"
  | "armhf"
  | "armel"
  | "armeb"
  | "ppc32"
  | "ppc64"
  | "ppc64le"
  | "s390"
  | "s390x"
  | "sparc32"
  | "sparc64"
  | "ia64"
  | "mips"
  | "mipsel"
  | "mipsn32"
  | "mipsn32el"
  | "mips64"
  | "mips64el"
  | "riscv32"
  | "riscv64"
  | "loongarch64"
  | "alpha"
  | "hppa"
  | "m68k"
  | "sh"
  | "sh4"
  | "arc"
  | "csky"
  | "or1k"
  | "nios2"
  | "microblaze";

/**
 * The cache flags of a library; or what it is about the file that this ldconfig does not index.
 *
 * @param wide ELFCLASS64 rather than ELFCLASS32
 * @param base the low byte of the flags, that DT_NEEDED and PT_INTERP told
 * @param flags e_flags
 * @param machine e_machine
 */
export type Classify = (
  wide: boolean,
  base: number,
  flags: number,
  machine: number,
  rules: LibraryRules,
) => number | "machine" | "class" | "abi";

/** What one build of ldconfig does. */
export interface MachineFacts {
  /** Size of a word in bits: of the build itself, not of the files that it accepts. */
  readonly bits: 32 | 64;
  readonly bigEndian: boolean;
  readonly classify: Classify;
  /** DT_NEEDED names that tell what a library was linked against: the low byte of the flags that they stand for. */
  readonly libraries: ReadonlyMap<string, number>;
  /** The same for PT_INTERP. */
  readonly interpreters: ReadonlyMap<string, number>;
  /** GNU properties carry ISA levels. */
  readonly x86: boolean;
}

/** The builds for x86-64 and x32 index both, and i386; i386's build until 2.38 also ia64. */
const x86_64: Classify = (wide, base, _flags, machine) => {
  if (machine === EM_X86_64) return FLAG_ELF_LIBC6 | (wide ? FLAG_X8664_LIB64 : FLAG_X8664_LIBX32);
  return machine === EM_386 && !wide ? base : "machine";
};

const i386: Classify = (wide, base, flags, machine, rules) =>
  rules.ia64 && machine === EM_IA_64 && wide
    ? FLAG_ELF_LIBC6 | FLAG_IA64_LIB64
    : x86_64(wide, base, flags, machine, rules);

/** The same code serves 32 and 64 bits, and no build looks at e_machine. */
const arm: Classify = (wide, base, flags, _machine, rules) => {
  if (wide) return FLAG_ELF_LIBC6 | FLAG_AARCH64_LIB64;
  if ((flags & EF_ARM_EABIMASK) >>> 0 !== EF_ARM_EABI_VER5) return base;
  if ((flags & EF_ARM_ABI_FLOAT_HARD) !== 0) return FLAG_ELF_LIBC6 | FLAG_ARM_LIBHF;
  if ((flags & EF_ARM_ABI_FLOAT_SOFT) !== 0) return FLAG_ELF_LIBC6 | (rules.armFloatFlags ? FLAG_ARM_LIBSF : 0);
  return rules.armFloatFlags ? FLAG_ELF_LIBC6 : base;
};

const mips: Classify = (wide, base, flags, _machine, rules) => {
  const nan2008 = rules.mipsNan2008 && (flags & EF_MIPS_NAN2008) !== 0;
  if (wide) return FLAG_ELF_LIBC6 | (nan2008 ? FLAG_MIPS64_LIBN64_NAN2008 : FLAG_MIPS64_LIBN64);
  if ((flags & EF_MIPS_ABI2) !== 0) return FLAG_ELF_LIBC6 | (nan2008 ? FLAG_MIPS64_LIBN32_NAN2008 : FLAG_MIPS64_LIBN32);
  return nan2008 ? FLAG_ELF_LIBC6 | FLAG_MIPS_LIB32_NAN2008 : base;
};

/** Libraries with an unknown bit in e_flags are left out, and those of the single and quad float ABIs. */
const riscv: Classify = (_wide, base, flags) => {
  if ((flags & ~(EF_RISCV_RVC | EF_RISCV_FLOAT_ABI)) !== 0) return "abi";
  const float = flags & EF_RISCV_FLOAT_ABI;
  if (float === EF_RISCV_FLOAT_ABI_SOFT) return base | FLAG_RISCV_FLOAT_ABI_SOFT;
  return float === EF_RISCV_FLOAT_ABI_DOUBLE ? base | FLAG_RISCV_FLOAT_ABI_DOUBLE : "abi";
};

const loongarch: Classify = (wide, base, flags, _machine, rules) => {
  if (!wide) return "class";
  if (!rules.loongarchFloatFlags) return base;
  const abi = flags & ~EF_LARCH_OBJABI_V1;
  if ((abi & ~EF_LARCH_ABI_MODIFIER_MASK) !== 0) return "abi";
  if (abi === EF_LARCH_ABI_SOFT_FLOAT) return FLAG_ELF_LIBC6 | FLAG_LARCH_FLOAT_ABI_SOFT;
  return abi === EF_LARCH_ABI_DOUBLE_FLOAT ? FLAG_ELF_LIBC6 | FLAG_LARCH_FLOAT_ABI_DOUBLE : "abi";
};

/** Both classes whatever e_machine says; 64-bit libraries carry `flag`. */
function bothClasses(flag: number): Classify {
  return (wide, base) => (wide ? FLAG_ELF_LIBC6 | flag : base);
}

/** One class whatever e_machine says, and no flag. */
function ownClass(bits: 32 | 64): Classify {
  return (wide, base) => (wide === (bits === 64) ? base : "class");
}

const GLIBC = ["libc.so.6", "libm.so.6"];
/** ia64's and alpha's own names, besides the others'. */
const GLIBC_6_1 = [...GLIBC, "libc.so.6.1", "libm.so.6.1"];

const X86_64_LOADERS = ["/lib/ld-linux.so.2", "/libx32/ld-linux-x32.so.2", "/lib64/ld-linux-x86-64.so.2"];
const ARM_LOADERS = ["/lib/ld-linux.so.3", "/lib/ld-linux-armhf.so.3"];
const AARCH64_LOADERS = [
  "/lib/ld-linux-aarch64.so.1",
  "/lib/ld-linux-aarch64_be.so.1",
  "/lib/ld-linux-aarch64_ilp32.so.1",
  "/lib/ld-linux-aarch64_be_ilp32.so.1",
  ...ARM_LOADERS,
];
const POWERPC_LOADERS = ["/lib/ld.so.1", "/lib64/ld64.so.1", "/lib64/ld64.so.2"];
const S390_LOADERS = ["/lib/ld.so.1", "/lib/ld64.so.1"];
const MIPS64_LOADERS = ["/lib32/ld.so.1", "/lib64/ld.so.1"];
const RISCV64_LOADERS = ["/lib/ld-linux-riscv64-lp64.so.1", "/lib/ld-linux-riscv64-lp64d.so.1"];

/** `loader`: the name of the build's own dynamic linker, which counts as `/lib/NAME`. */
function build(
  bits: 32 | 64,
  order: "little" | "big",
  classify: Classify,
  loader: string,
  interpreters: readonly string[] = [],
  libraries: readonly string[] = GLIBC,
): MachineFacts {
  return {
    bits,
    bigEndian: order === "big",
    classify,
    libraries: new Map(libraries.map((name) => [name, FLAG_ELF_LIBC6])),
    interpreters: new Map([`/lib/${loader}`, ...interpreters].map((path) => [path, FLAG_ELF_LIBC6])),
    x86: classify === x86_64 || classify === i386,
  };
}

/** i386 is the one build that still knows libc5. */
function buildForI386(): MachineFacts {
  const facts = build(32, "little", i386, "ld-linux.so.2");
  return {
    ...facts,
    libraries: new Map([...facts.libraries, ["libc.so.5", FLAG_ELF_LIBC5], ["libm.so.5", FLAG_ELF_LIBC5]]),
    interpreters: new Map([...facts.interpreters, ["/lib/ld-linux.so.1", FLAG_ELF_LIBC5]]),
  };
}

/**
 * The builds, as readelflib.c and readlib.c of glibc's ports have them; made when they are asked for, as a hook needs
 * one of them at most.
 */
const BUILDS: Readonly<Record<Machine, () => MachineFacts>> = {
  "x86-64": () => build(64, "little", x86_64, "ld-linux-x86-64.so.2", X86_64_LOADERS),
  x32: () => build(32, "little", x86_64, "ld-linux-x32.so.2", X86_64_LOADERS),
  i386: buildForI386,
  aarch64: () => build(64, "little", arm, "ld-linux-aarch64.so.1", AARCH64_LOADERS),
  aarch64_be: () => build(64, "big", arm, "ld-linux-aarch64_be.so.1", AARCH64_LOADERS),
  arm: () => build(32, "little", arm, "ld-linux.so.3", ARM_LOADERS),
  armhf: () => build(32, "little", arm, "ld-linux-armhf.so.3", ARM_LOADERS),
  armel: () => build(32, "little", arm, "ld-linux.so.3", ARM_LOADERS),
  armeb: () => build(32, "big", arm, "ld-linux.so.3", ARM_LOADERS),
  ppc32: () => build(32, "big", bothClasses(FLAG_POWERPC_LIB64), "ld.so.1", POWERPC_LOADERS),
  ppc64: () => build(64, "big", bothClasses(FLAG_POWERPC_LIB64), "ld64.so.1", POWERPC_LOADERS),
  ppc64le: () => build(64, "little", bothClasses(FLAG_POWERPC_LIB64), "ld64.so.2", POWERPC_LOADERS),
  s390: () => build(32, "big", bothClasses(FLAG_S390_LIB64), "ld.so.1", S390_LOADERS),
  s390x: () => build(64, "big", bothClasses(FLAG_S390_LIB64), "ld64.so.1", S390_LOADERS),
  sparc32: () => build(32, "big", bothClasses(FLAG_SPARC_LIB64), "ld-linux.so.2"),
  sparc64: () => build(64, "big", bothClasses(FLAG_SPARC_LIB64), "ld-linux.so.2"),
  ia64: () =>
    build(64, "little", bothClasses(FLAG_IA64_LIB64), "ld-linux-ia64.so.2", ["/lib/ld-linux.so.2"], GLIBC_6_1),
  mips: () => build(32, "big", mips, "ld.so.1"),
  mipsel: () => build(32, "little", mips, "ld.so.1"),
  mipsn32: () => build(32, "big", mips, "ld.so.1", MIPS64_LOADERS),
  mipsn32el: () => build(32, "little", mips, "ld.so.1", MIPS64_LOADERS),
  mips64: () => build(64, "big", mips, "ld.so.1", MIPS64_LOADERS),
  mips64el: () => build(64, "little", mips, "ld.so.1", MIPS64_LOADERS),
  riscv32: () => build(32, "little", riscv, "ld-linux-riscv32-ilp32d.so.1"),
  riscv64: () => build(64, "little", riscv, "ld-linux-riscv64-lp64d.so.1", RISCV64_LOADERS),
  loongarch64: () => build(64, "little", loongarch, "ld-linux-loongarch-lp64d.so.1"),
  alpha: () => build(64, "little", ownClass(64), "ld-linux.so.2", [], GLIBC_6_1),
  hppa: () => build(32, "big", ownClass(32), "ld.so.1"),
  m68k: () => build(32, "big", ownClass(32), "ld.so.1"),
  sh: () => build(32, "big", ownClass(32), "ld-linux.so.2"),
  sh4: () => build(32, "little", ownClass(32), "ld-linux.so.2"),
  arc: () => build(32, "little", ownClass(32), "ld-linux-arc.so.2"),
  csky: () => build(32, "little", ownClass(32), "ld-linux-cskyv2.so.1"),
  or1k: () => build(32, "big", ownClass(32), "ld-linux-or1k.so.1"),
  nios2: () => build(32, "little", ownClass(32), "ld-linux-nios2.so.1"),
  microblaze: () => build(32, "big", ownClass(32), "ld.so.1"),
};

const built = new Map<Machine, MachineFacts>();

export function machineFacts(machine: Machine): MachineFacts {
  let facts = built.get(machine);
  if (facts === undefined) {
    facts = BUILDS[machine]();
    built.set(machine, facts);
  }
  return facts;
}
