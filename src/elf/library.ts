import { hostBigEndian } from "../bytes/byte-order.ts";
import type { ByteSource } from "../bytes/source.ts";
import { toText } from "../bytes/text.ts";
import { ELFCLASS32, ELFCLASS64, ELFMAG, ET_DYN, FLAG_ELF, FLAG_ELF_LIBC6, FLAG_LIBC4 } from "./constants.ts";
import { DynamicSection } from "./dynamic.ts";
import { Image } from "./image.ts";
import { type MachineFacts, machineFacts } from "./machine.ts";
import { readNames, sonameOffset } from "./names.ts";
import type { LibraryRules } from "./rules.ts";
import { Segments, offsetOfAddress } from "./segments.ts";
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
  readonly #image: Image;
  readonly #segments = new Segments();
  readonly #dynamic = new DynamicSection();
  #identity = 0;

  constructor(rules: LibraryRules) {
    const facts = machineFacts(rules.machine);
    this.#rules = rules;
    this.#facts = facts;
    this.#smallest = Math.max(SMALLEST_AOUT, facts.bits === 64 ? ELF64_EHDR_BYTES : ELF32_EHDR_BYTES);
    this.#image = new Image(facts.bigEndian, facts.bits === 32);
  }

  /** Reads one file; a library has the `identity` that is given. */
  read(source: ByteSource, identity: number): Library | Skip {
    this.#identity = identity;
    if (source.size < this.#smallest) return tooSmall(source);
    const image = this.#image;
    image.open(source);
    const { bigEndian, head } = image;
    const magic = head[0] ?? 0;
    const oldMagic = magic & 0xffff;
    if (oldMagic === ZMAGIC || oldMagic === QMAGIC) {
      const flags = this.#rules.libraryTypes ? FLAG_LIBC4 : FLAG_ELF_LIBC6;
      return { soname: undefined, flags, isa: 0, osVersion: 0, aout: true, identity };
    }
    if (magic !== (bigEndian ? BIG_MAGIC : LITTLE_MAGIC)) return notElf(source);
    const kind = head[4] ?? 0;
    if ((bigEndian ? kind >>> 16 : kind & 0xffff) !== ET_DYN) return NOT_SHARED;
    const ident = head[1] ?? 0;
    const classByte = bigEndian ? ident >>> 24 : ident & 0xff;
    if (classByte !== ELFCLASS32 && classByte !== ELFCLASS64) return CLASS;
    return this.#readElf(classByte === ELFCLASS64, bigEndian ? kind & 0xffff : kind >>> 16);
  }

  #readElf(wide: boolean, machine: number): Library | Skip {
    const image = this.#image;
    const rules = this.#rules;
    const facts = this.#facts;
    const abi = image.head[wide ? 12 : 9] ?? 0;
    const unknown = rules.libraryTypes ? FLAG_ELF : FLAG_ELF_LIBC6;
    const flags = facts.classify(wide, unknown, abi, machine, rules);
    if (flags === "machine") return { skip: flags, machine };
    if (typeof flags === "string") return { skip: flags };

    const segments = this.#segments;
    const skip = segments.read(image, wide, unknown, rules, facts);
    if (skip !== undefined) return skip;
    const dynamic = this.#dynamic;
    // The flags of a machine's own libraries do not depend on DT_NEEDED. Then its names are not worth reading, unless
    // ldconfig's way through them decides which soname it takes, or whether it gives the file up.
    const isOwn = !rules.libraryTypes || facts.classify(wide, FLAG_ELF_LIBC6, abi, machine, rules) === flags;
    if (
      isOwn &&
      wide &&
      !image.bigEndian &&
      !hostBigEndian &&
      dynamic.readPlain(image, segments.dynamic, rules.firstSonameOnly)
    ) {
      if (!dynamic.hasStrings) return NO_STRINGS;
      const strings = this.#stringsOffset();
      if (strings > image.size) return TRUNCATED;
      const last = strings + dynamic.largestName;
      if (last <= image.size && last < image.mapped) {
        const soname = dynamic.soname < 0 ? undefined : image.name(strings + dynamic.soname);
        return typeof soname === "object" ? soname : this.#library(soname, flags);
      }
    }
    dynamic.read(image, segments.dynamic, wide, rules.firstSonameOnly);
    if (!dynamic.hasStrings) return dynamic.end === "complete" ? NO_STRINGS : { skip: dynamic.end };
    const strings = this.#stringsOffset();
    if (strings > image.size) return TRUNCATED;
    if (isOwn) {
      const offset = sonameOffset(image, dynamic, strings);
      if (offset !== "doubtful") {
        const soname = offset === undefined ? undefined : image.name(offset);
        return typeof soname === "object" ? soname : this.#library(soname, flags);
      }
    }
    const names = readNames(image, dynamic, strings, segments.base, facts.libraries);
    if ("skip" in names) return names;
    const known = facts.classify(wide, names.base, abi, machine, rules);
    return this.#library(names.soname, typeof known === "number" ? known : flags);
  }

  /** File offset of the string table. */
  #stringsOffset(): number {
    const { stringsLow, stringsHigh } = this.#dynamic;
    return offsetOfAddress(this.#segments, this.#image, stringsLow, stringsHigh, this.#rules.stringTableSegment);
  }

  #library(soname: string | undefined, flags: number): Library {
    const { osVersion, isa } = this.#segments;
    return { soname, flags, isa, osVersion, aout: false, identity: this.#identity };
  }
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
