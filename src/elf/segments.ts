import { PT_DYNAMIC, PT_GNU_PROPERTY, PT_INTERP, PT_LOAD, PT_NOTE } from "./constants.ts";
import type { Image } from "./image.ts";
import { NOTE_BYTES } from "./limits.ts";
import type { MachineFacts } from "./machine.ts";
import { abiNoteVersion, OUT_OF_BYTES } from "./notes.ts";
import {
  ADDRESS,
  ALIGNMENT,
  FILE_SIZE,
  OFFSET,
  PHDR32_WORDS,
  PHDR_WORDS,
  lowWordsFirst,
  widened,
} from "./program-header.ts";
import { isaLevel } from "./properties.ts";
import type { LibraryRules } from "./rules.ts";
import type { Skip } from "./skip.ts";
import { exact64, wide64 } from "./wide.ts";
import type { Window } from "./window.ts";

const OUTSIDE: Skip = { skip: "outside" };
const TRUNCATED: Skip = { skip: "truncated" };
const NO_DYNAMIC: Skip = { skip: "no-dynamic" };

/** What the program headers of a file tell. One object serves one file after another. */
export class Segments {
  readonly #image: Image;
  readonly #head: Window;
  readonly #rules: LibraryRules;
  readonly #facts: MachineFacts;
  /** The types of segments that the rules have us look into; PT_LOAD, which is no such type, where they do not. */
  readonly #noted: number;
  readonly #property: number;
  #wide = false;
  /** The program headers as those of a 64-bit little-endian file, from word `start` to word `end`. */
  #table: Uint32Array;
  #start = 0;
  #end = 0;
  /** File offset of the dynamic section: of the last PT_DYNAMIC, modulo 2^32. */
  dynamic = 0;
  /** What the interpreter tells about the C library; what was known before when it tells nothing. */
  base = 0;
  /** `kind << 24 | major << 16 | minor << 8 | patch` */
  osVersion = 0;
  isa = 0;

  constructor(image: Image, rules: LibraryRules, facts: MachineFacts) {
    this.#image = image;
    this.#head = image.head;
    this.#rules = rules;
    this.#facts = facts;
    this.#noted = rules.osVersion ? PT_NOTE : PT_LOAD;
    this.#property = rules.isa && facts.x86 ? PT_GNU_PROPERTY : PT_LOAD;
    this.#table = image.head.words;
  }

  /** Goes through the program headers; `base` is what is known about the C library. A reason when the file is left out. */
  read(wide: boolean, base: number): Skip | undefined {
    const image = this.#image;
    const { words: head, used } = this.#head;
    const half = head[wide ? 14 : 11] ?? 0;
    const count = image.bigEndian ? half >>> 16 : half & 0xffff;
    let table = head;
    let start = (head[8] ?? 0) >> 2;
    let end = start + count * PHDR_WORDS;
    // Nearly always they are behind the ELF header.
    const areInHead = wide && !image.bigEndian && head[9] === 0 && start * 4 === head[8] && end * 4 <= used;
    if (!areInHead) {
      const skip = this.#load(wide, count);
      if (skip !== undefined) return skip;
      table = this.#table;
      start = 0;
      end = count * PHDR_WORDS;
    }
    const noted = this.#noted;
    const property = this.#property;
    let dynamic = -1;
    this.#wide = wide;
    this.base = base;
    this.osVersion = 0;
    this.isa = 0;
    for (let at = start; at < end; at += PHDR_WORDS) {
      const type = table[at];
      if (type === PT_LOAD) continue;
      if (type === PT_DYNAMIC) dynamic = at;
      else if (type === PT_INTERP || type === noted || type === property) {
        const skip = this.#lookInto(type, table, at);
        if (skip !== undefined) return skip;
      }
    }
    if (dynamic < 0) return NO_DYNAMIC;
    // The size of the last PT_DYNAMIC.
    if (table[dynamic + FILE_SIZE] === 0 && (image.narrow || table[dynamic + FILE_SIZE + 1] === 0)) return NO_DYNAMIC;
    const offset = table[dynamic + OFFSET] ?? 0;
    if (offset > image.size) return TRUNCATED;
    this.#table = table;
    this.#start = start;
    this.#end = end;
    this.dynamic = offset;
    return undefined;
  }

  /** Reads program headers of any class, byte order and place. */
  #load(wide: boolean, count: number): Skip | undefined {
    const image = this.#image;
    const head = this.#head.words;
    const stride = 4 * (wide ? PHDR_WORDS : PHDR32_WORDS);
    const low = image.bigEndian ? 9 : 8;
    const offset = wide ? image.place(head[low] ?? 0, head[low ^ 1] ?? 0) : (head[7] ?? 0);
    const bytes = count * stride;
    if (offset > image.size) return TRUNCATED;
    if (count === 0) return NO_DYNAMIC;
    // The last header may begin at the end of the file at most.
    if (offset + bytes - stride > image.size) return TRUNCATED;
    if (offset + bytes > image.mapped) return OUTSIDE;
    const words = image.words(offset, bytes);
    if (!wide) this.#table = widened(words, count);
    else this.#table = image.bigEndian ? lowWordsFirst(words) : words;
    return undefined;
  }

  /** Looks into the segment whose header is at word `at`: an interpreter, notes or properties. */
  #lookInto(type: number, table: Uint32Array, at: number): Skip | undefined {
    if (type === PT_NOTE) return this.osVersion === 0 ? this.#readNotes(table, at) : undefined;
    if (type === PT_INTERP) {
      const skip = this.#readInterpreter(placeOf(this.#image, table, at));
      if (skip !== undefined || !this.#rules.interpreterFallsThrough || this.#property === PT_LOAD) return skip;
    }
    return this.#readProperties(table, at);
  }

  #readInterpreter(offset: number): Skip | undefined {
    const image = this.#image;
    if (offset > image.size) return TRUNCATED;
    if (!this.#rules.libraryTypes) return undefined;
    const name = image.name(offset);
    // A path too long to be read is not a known one.
    if (name === undefined) return image.trouble.skip === "unreasonable" ? undefined : image.trouble;
    this.base = this.#facts.interpreters.get(name) ?? this.base;
    return undefined;
  }

  /** The version in a segment's notes; stays what it is when there is none. */
  #readNotes(table: Uint32Array, at: number): Skip | undefined {
    const image = this.#image;
    const { noteAlignment } = this.#rules;
    const size = wide64(table, at + FILE_SIZE);
    const alignment = wide64(table, at + ALIGNMENT);
    if (size < 32 || alignment < 4) return undefined;
    if (noteAlignment && alignment !== 4 && alignment !== 8) return undefined;
    const offset = placeOf(image, table, at);
    const words = image.words(offset, Math.min(size, NOTE_BYTES));
    const version = abiNoteVersion(words, size, noteAlignment ? alignment : 4, !noteAlignment, image.bigEndian);
    if (version !== OUT_OF_BYTES) this.osVersion = version;
    else if (endsEarly(image, offset)) return OUTSIDE;
    return undefined;
  }

  /** The ISA level in a segment's properties; stays what it is when it does not hold properties. */
  #readProperties(table: Uint32Array, at: number): Skip | undefined {
    const image = this.#image;
    const wordSize = this.#wide ? 8 : 4;
    if (wide64(table, at + ALIGNMENT) !== wordSize) return undefined;
    const size = wide64(table, at + FILE_SIZE);
    const offset = placeOf(image, table, at);
    const level = isaLevel(image.words(offset, Math.min(size, NOTE_BYTES)), size, wordSize, image.bigEndian);
    if (level !== OUT_OF_BYTES) this.isa = level;
    else if (endsEarly(image, offset)) return OUTSIDE;
    return undefined;
  }

  /**
   * File offset of what lies at an address, given as two words, modulo the word size and that of ldconfig's pointers: by
   * the PT_LOAD that holds the address, before glibc 2.31 by the first one. Where there is none, the address is taken for
   * an offset.
   */
  offsetOf(low: number, high: number): number {
    const table = this.#table;
    const at = this.#start;
    // Nearly always a segment comes first that begins with the file, at address 0, and holds the string table.
    const isPlain =
      high === 0 &&
      table[at] === PT_LOAD &&
      table[at + ADDRESS] === 0 &&
      table[at + OFFSET] === 0 &&
      low < (table[at + FILE_SIZE] ?? 0) &&
      table[at + ADDRESS + 1] === 0 &&
      table[at + OFFSET + 1] === 0;
    return isPlain ? low : this.#offsetOfAny((BigInt(high) << 32n) | BigInt(low));
  }

  #offsetOfAny(address: bigint): number {
    const table = this.#table;
    const bits = this.#wide && !this.#image.narrow ? 64 : 32;
    for (let at = this.#start; at < this.#end; at += PHDR_WORDS) {
      if (table[at] !== PT_LOAD) continue;
      const inside = address - exact64(table, at + ADDRESS);
      const isHeld = inside >= 0n && inside < exact64(table, at + FILE_SIZE);
      if (isHeld || !this.#rules.stringTableSegment) {
        return Number(BigInt.asUintN(bits, inside + exact64(table, at + OFFSET)));
      }
    }
    return Number(BigInt.asUintN(bits, address));
  }
}

/** Where the segment begins whose header is at word `at`. */
function placeOf(image: Image, table: Uint32Array, at: number): number {
  return image.place(table[at + OFFSET] ?? 0, table[at + OFFSET + 1] ?? 0);
}

/** Notes that go on behind the last page cannot be read; those that are longer than we look hold nothing. */
function endsEarly(image: Image, offset: number): boolean {
  return offset + NOTE_BYTES > image.mapped;
}
