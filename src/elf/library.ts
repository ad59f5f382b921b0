import { hostBigEndian } from "../bytes/byte-order.ts";
import type { ByteSource } from "../bytes/source.ts";
import { toText } from "../bytes/text.ts";
import { ELFCLASS32, ELFCLASS64, ELFMAG, ET_DYN, FLAG_ELF, FLAG_ELF_LIBC6, FLAG_LIBC4 } from "./constants.ts";
import {
  UNUSUAL,
  ending,
  firstSoname,
  hasStrings,
  onlySoname,
  readDynamic,
  readPlainDynamic,
  stringsHigh,
  stringsLow,
} from "./dynamic.ts";
import { head, openImage, readName, size, trouble } from "./image.ts";
import { type MachineFacts, machineFacts } from "./machine.ts";
import { searchNames, sonameOffset } from "./names.ts";
import type { LibraryRules } from "./rules.ts";
import { dynamicOffset, interpreterBase, isa, offsetOfAddress, osVersion, readSegments } from "./segments.ts";
import type { Skip } from "./skip.ts";

export type { Machine } from "./machine.ts";
export type { LibraryRules } from "./rules.ts";
export type { Skip } from "./skip.ts";

/** What ldconfig wants to know about a library. */
export interface Library {
  readonly skip?: undefined;
  /** DT_SONAME, a byte string; empty when the library says so, undefined when it has none. */
  readonly soname: string | undefined;
  /** The flags of its cache entry: ABI and C library (`FLAG_*` in constants.ts). */
  readonly flags: number;
  /** x86 ISA level, 0 for the baseline. */
  readonly isa: number;
  /** The kernel that its ABI note asks for, `kind << 24 | major << 16 | minor << 8 | patch`; 0 without one. */
  readonly osVersion: number;
  /** A file of the a.out format, which has no soname: its name is cut after the first number instead. */
  readonly aout: boolean;
  /** The number by which the reader's caller knows the file. */
  readonly identity: number;
}

/** `\x7fELF` as a word of either byte order. */
const LITTLE_MAGIC = 0x464c457f;
const BIG_MAGIC = 0x7f454c46;
/** a.out's magic numbers: ZMAGIC, and QMAGIC. */
const ZMAGIC = 0x010b;
const QMAGIC = 0x00cc;

const NOT_SHARED: Skip = { skip: "not-shared" };
const NO_STRINGS: Skip = { skip: "no-strings" };
const TRUNCATED: Skip = { skip: "truncated" };
const CLASS: Skip = { skip: "class" };

/** What the words of an ELF header tell of the kind of a file. */
interface Kind {
  /** The header's words 0, 1, 4 (e_type and e_machine), and e_flags with its place. */
  readonly magic: number;
  readonly ident: number;
  readonly type: number;
  readonly abiAt: number;
  readonly abi: number;
  /** ELFCLASS64 */
  readonly wide: boolean;
  readonly machine: number;
  /** The flags of its cache entry, as far as the header tells. */
  readonly flags: number;
  /**
   * These flags do not depend on DT_NEEDED, which is so of a machine's own libraries. Then its names are not worth reading,
   * unless ldconfig's way through them decides which soname it takes, or whether it gives the file up.
   */
  readonly isOwn: boolean;
  /** `readPlainDynamic` is for it. */
  readonly isPlain: boolean;
}
/** No file has this magic number. */
const NO_KIND: Kind = {
  magic: -1,
  ident: 0,
  type: 0,
  abiAt: 0,
  abi: 0,
  wide: false,
  machine: 0,
  flags: 0,
  isOwn: false,
  isPlain: false,
};

const SMALLEST_AOUT = 32;
const ELF32_EHDR_BYTES = 52;
const ELF64_EHDR_BYTES = 64;
/** How far a linker script is looked for in a file that is not ELF. */
const SCRIPT_BYTES = 512;

/**
 * Reads what ldconfig reads of a library (glibc's `elf/readlib.c`, `elf/readelflib.c` and its ports' `readelflib.c`):
 * the ELF header, program headers, notes, the dynamic section and one name. Section headers, EI_DATA, EI_VERSION,
 * EI_OSABI and e_phentsize are not looked at; the byte order is that of the machine in `rules`.
 *
 * A handful of small reads, never the whole file; what is not a library or is broken is a `Skip`, not an exception.
 * Deviations from ldconfig, none of which a linker's output shows: see `limits.ts`.
 */
export class LibraryReader {
  readonly #rules: LibraryRules;
  readonly #facts: MachineFacts;
  readonly #smallest: number;
  /** What is known about the C library before a file is read. */
  readonly #base: number;
  #kind = NO_KIND;

  constructor(rules: LibraryRules) {
    const facts = machineFacts(rules.machine);
    this.#rules = rules;
    this.#facts = facts;
    this.#smallest = Math.max(SMALLEST_AOUT, facts.bits === 64 ? ELF64_EHDR_BYTES : ELF32_EHDR_BYTES);
    this.#base = rules.libraryTypes ? FLAG_ELF : FLAG_ELF_LIBC6;
  }

  /** Reads one file; a library has the `identity` that is given. */
  read(source: ByteSource, identity: number): Library | Skip {
    const bytes = source.size;
    if (bytes < this.#smallest) return tooSmall(source);
    const rules = this.#rules;
    const facts = this.#facts;
    let kind = this.#kind;
    openImage(source, bytes, facts);
    if (head[0] !== kind.magic || head[1] !== kind.ident || head[4] !== kind.type || head[kind.abiAt] !== kind.abi) {
      const found = kindOf(source, this.#base, rules, facts);
      if (found === "a.out") return aout(rules, identity);
      if ("skip" in found) return found;
      this.#kind = kind = found;
    }
    return (
      readSegments(kind.wide, this.#base, rules, facts) ??
      (kind.isPlain ? readPlain(kind, rules, identity) : undefined) ??
      readAny(kind, rules, facts, identity)
    );
  }
}

function aout(rules: LibraryRules, identity: number): Library {
  const flags = rules.libraryTypes ? FLAG_LIBC4 : FLAG_ELF_LIBC6;
  return { soname: undefined, flags, isa: 0, osVersion: 0, aout: true, identity };
}

/** What the head tells about the kind of the file. */
function kindOf(source: ByteSource, base: number, rules: LibraryRules, facts: MachineFacts): Kind | "a.out" | Skip {
  const { bigEndian, classify } = facts;
  const magic = head[0] ?? 0;
  const oldMagic = magic & 0xffff;
  if (oldMagic === ZMAGIC || oldMagic === QMAGIC) return "a.out";
  if (magic !== (bigEndian ? BIG_MAGIC : LITTLE_MAGIC)) return notElf(source);
  const type = head[4] ?? 0;
  if ((bigEndian ? type >>> 16 : type & 0xffff) !== ET_DYN) return NOT_SHARED;
  const ident = head[1] ?? 0;
  const classByte = bigEndian ? ident >>> 24 : ident & 0xff;
  if (classByte !== ELFCLASS32 && classByte !== ELFCLASS64) return CLASS;

  const wide = classByte === ELFCLASS64;
  const machine = bigEndian ? type & 0xffff : type >>> 16;
  const abiAt = wide ? 12 : 9;
  const abi = head[abiAt] ?? 0;
  const flags = classify(wide, base, abi, machine, rules);
  if (flags === "machine") return { skip: flags, machine };
  if (typeof flags === "string") return { skip: flags };
  const isOwn = !rules.libraryTypes || classify(wide, FLAG_ELF_LIBC6, abi, machine, rules) === flags;
  const isPlain = isOwn && wide && !bigEndian && !hostBigEndian;
  return { magic, ident, type, abiAt, abi, wide, machine, flags, isOwn, isPlain };
}

/** The usual library; undefined for one that only `readAny` can make something of. */
function readPlain(kind: Kind, rules: LibraryRules, identity: number): Library | Skip | undefined {
  const last = readPlainDynamic(dynamicOffset);
  if (last === UNUSUAL) return undefined;
  if (!hasStrings) return NO_STRINGS;
  const strings = offsetOfAddress(stringsLow, stringsHigh, rules.stringTableSegment);
  if (strings > size) return TRUNCATED;
  const limit = size - strings;
  const soname = rules.firstSonameOnly ? firstSoname(last, limit) : onlySoname(last, limit);
  if (soname === UNUSUAL) return undefined;
  return library(soname < 0 ? undefined : strings + soname, kind.flags, identity);
}

function readAny(kind: Kind, rules: LibraryRules, facts: MachineFacts, identity: number): Library | Skip {
  const { wide, machine, flags, abi } = kind;
  readDynamic(dynamicOffset, wide, rules.firstSonameOnly);
  if (!hasStrings) return ending === "complete" ? NO_STRINGS : { skip: ending };
  const strings = offsetOfAddress(stringsLow, stringsHigh, rules.stringTableSegment);
  if (strings > size) return TRUNCATED;
  if (kind.isOwn) {
    const offset = sonameOffset(strings);
    if (offset !== "doubtful") return library(offset, flags, identity);
  }
  const found = searchNames(strings, interpreterBase, facts.libraries);
  if ("skip" in found) return found;
  const known = facts.classify(wide, found.base, abi, machine, rules);
  return library(found.soname, typeof known === "number" ? known : flags, identity);
}

/** A library with the soname at that file offset; undefined: without one. */
function library(sonameAt: number | undefined, flags: number, identity: number): Library | Skip {
  const name = sonameAt === undefined ? undefined : readName(sonameAt);
  if (name === undefined && sonameAt !== undefined) return trouble;
  return { soname: name, flags, isa, osVersion, aout: false, identity };
}

/** Reads one file by rules that are not used for others. */
export function readLibrary(source: ByteSource, rules: LibraryRules): Library | Skip {
  return new LibraryReader(rules).read(source, 0);
}

function tooSmall(source: ByteSource): Skip {
  if (source.size === 0) return { skip: "empty" };
  return { skip: ELFMAG.startsWith(toText(source.read(0, ELFMAG.length))) ? "too-small" : "small" };
}

function notElf(source: ByteSource): Skip {
  const beginning = toText(source.read(0, SCRIPT_BYTES));
  return {
    skip: beginning.includes("GROUP") || beginning.includes("GNU ld script") ? "linker-script" : "not-elf",
  };
}
