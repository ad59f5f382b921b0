import { readLibrary, type Library, type LibraryRules, type Machine, type Skip } from "../../src/elf/library.ts";
import { forgeElf, type ForgedElf, MACHINE } from "./elf-forge.ts";
import { MemorySource } from "./memory-source.ts";

/** glibc 2.36 on x86-64. */
export const rules36: LibraryRules = {
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
export const rules35: LibraryRules = { ...rules36, osVersion: true };
export const rules17: LibraryRules = {
  ...rules35,
  noteAlignment: false,
  isa: false,
  stringTableSegment: false,
  armFloatFlags: false,
  mipsNan2008: false,
};
/** 2.37, and 2.42 after it. */
export const rules37: LibraryRules = {
  ...rules36,
  libraryTypes: false,
  firstSonameOnly: true,
  interpreterFallsThrough: true,
};
export const rules42: LibraryRules = {
  ...rules37,
  interpreterFallsThrough: false,
  loongarchFloatFlags: true,
  ia64: false,
};

/** What the reader finds in a forged file, or in bytes. */
export function read(elf: ForgedElf | Uint8Array, rules: LibraryRules = rules36): Library | Skip {
  return readLibrary(new MemorySource(elf instanceof Uint8Array ? elf : forgeElf(elf)), rules);
}

/** The rules of another machine. */
export function on(machine: Machine, rules: LibraryRules = rules36): LibraryRules {
  return { ...rules, machine };
}

export const soname = "libx.so.1";
export const library: ForgedElf = { sonames: [soname] };
export const i386: ForgedElf = { ...library, bits: 32, machine: MACHINE.EM_386 };
