import type { Machine } from "./machine.ts";

/** What the ldconfig that is imitated looks at, and how. Field names are those of the profile in `ldconfig/`. */
export interface LibraryRules {
  /** The machine that the imitated ldconfig was built for. */
  readonly machine: Machine;
  /** glibc 2.36 and older: DT_NEEDED and PT_INTERP tell libc5 from libc6. Later every library counts as libc6. */
  readonly libraryTypes: boolean;
  /** glibc 2.35 and older: the ABI note's kernel version is recorded. */
  readonly osVersion: boolean;
  /** glibc 2.27 and later: a note segment's own alignment, 4 or 8, is its padding. Earlier the padding is 4. */
  readonly noteAlignment: boolean;
  /** glibc 2.33 and later, on x86: the ISA level is recorded. */
  readonly isa: boolean;
  /** glibc 2.31 and later: DT_STRTAB is translated by the segment that holds it, earlier by the first PT_LOAD. */
  readonly stringTableSegment: boolean;
  /** glibc 2.37 and later: the first DT_SONAME counts and DT_NEEDED is not looked at. Earlier the last one does. */
  readonly firstSonameOnly: boolean;
  /** glibc 2.37 and 2.38: PT_INTERP is read as if it held properties, too. */
  readonly interpreterFallsThrough: boolean;
  /** glibc 2.18 and later, on ARM: soft-float libraries have a flag of their own, unmarked ones are libc6. */
  readonly armFloatFlags: boolean;
  /** glibc 2.19 and later, on MIPS: NaN 2008 libraries have flags of their own. */
  readonly mipsNan2008: boolean;
  /** glibc 2.38 and later, on LoongArch: the float ABI is checked and has flags. */
  readonly loongarchFloatFlags: boolean;
  /** glibc 2.38 and older, on i386: ia64 libraries are accepted. */
  readonly ia64: boolean;
}
