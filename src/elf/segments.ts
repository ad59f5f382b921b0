import { PT_DYNAMIC, PT_GNU_PROPERTY, PT_INTERP, PT_LOAD, PT_NOTE } from "./constants.ts";
import type { Image } from "./image.ts";
import { NOTE_BYTES } from "./limits.ts";
import type { MachineFacts } from "./machine.ts";
import { abiNoteVersion, OUT_OF_BYTES } from "./notes.ts";
import { isaLevel } from "./properties.ts";
import type { LibraryRules } from "./rules.ts";
import type { Skip } from "./skip.ts";
import { addWords, wide64 } from "./wide.ts";

/** Where the fields of a program header are, in words from its start. */
interface Fields {
  readonly words: number;
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
  readonly alignment: number;
}
const ELF32_PHDR: Fields = { words: 8, offset: 1, address: 2, fileSize: 4, alignment: 7 };
const ELF64_PHDR: Fields = { words: 14, offset: 2, address: 4, fileSize: 8, alignment: 12 };

const OUTSIDE: Skip = { skip: "outside" };
const TRUNCATED: Skip = { skip: "truncated" };
const NO_DYNAMIC: Skip = { skip: "no-dynamic" };

/** What the program headers of a file tell. One object serves one file after another. */
export class Segments {
  wide = false;
  /** The program headers, from word `start` to word `end`. */
  table: Uint32Array = new Uint32Array(0);
  start = 0;
  end = 0;
  /** File offset of the dynamic section: of the last PT_DYNAMIC, modulo 2^32. */
  dynamic = 0;
  /** What the interpreter tells about the C library; what was known before when it tells nothing. */
  base = 0;
  /** `kind << 24 | major << 16 | minor << 8 | patch` */
  osVersion = 0;
  isa = 0;

  /** Goes through the program headers; `base` is what is known about the C library. A reason when the file is left out. */
  read(image: Image, wide: boolean, base: number, rules: LibraryRules, facts: MachineFacts): Skip | undefined {
    const { head, low } = image;
    const fields = wide ? ELF64_PHDR : ELF32_PHDR;
    const stride = fields.words;
    const offset = wide ? image.place(head, 8) : (head[7] ?? 0);
    const half = head[wide ? 14 : 11] ?? 0;
    const count = image.bigEndian ? half >>> 16 : half & 0xffff;
    const bytes = count * stride * 4;
    if (offset > image.size) return TRUNCATED;
    if (count === 0) return NO_DYNAMIC;
    // The last header may begin at the end of the file at most.
    if (offset + bytes - stride * 4 > image.size) return TRUNCATED;
    if (offset + bytes > image.mapped) return OUTSIDE;
    const inHead = image.headHolds(offset, bytes);
    const table = inHead ? head : image.words(offset, bytes);
    const start = inHead ? offset >> 2 : 0;
    const end = start + count * stride;

    let dynamic = -1;
    let known = base;
    let osVersion = 0;
    let isa = 0;
    const readsProperties = rules.isa && facts.x86;
    const property = readsProperties ? PT_GNU_PROPERTY : PT_LOAD;
    for (let at = start; at < end; at += stride) {
      const type = table[at] ?? PT_LOAD;
      if (type === PT_LOAD || (type > PT_NOTE && type !== property)) continue;
      if (type === PT_DYNAMIC) {
        const empty = (wide ? image.place(table, at + fields.fileSize) : table[at + fields.fileSize]) === 0;
        dynamic = empty ? -1 : (table[at + fields.offset + (wide ? low : 0)] ?? 0);
      } else if (type === PT_NOTE) {
        if (!rules.osVersion || osVersion !== 0) continue;
        const version = readNotes(image, table, at, wide, rules);
        if (version === OUT_OF_BYTES) return OUTSIDE;
        osVersion = version;
      } else if (type === PT_INTERP || type === PT_GNU_PROPERTY) {
        if (type === PT_INTERP) {
          const interpreter = readInterpreter(image, segmentOffset(image, table, at, wide), known, rules, facts);
          if (typeof interpreter !== "number") return interpreter;
          known = interpreter;
          if (!rules.interpreterFallsThrough) continue;
        }
        if (!readsProperties) continue;
        const level = readProperties(image, table, at, wide, isa);
        if (level === OUT_OF_BYTES) return OUTSIDE;
        isa = level;
      }
    }
    if (dynamic < 0) return NO_DYNAMIC;
    if (dynamic > image.size) return TRUNCATED;
    this.wide = wide;
    this.table = table;
    this.start = start;
    this.end = end;
    this.dynamic = dynamic;
    this.base = known;
    this.osVersion = osVersion;
    this.isa = isa;
    return undefined;
  }
}

function readInterpreter(
  image: Image,
  offset: number,
  known: number,
  rules: LibraryRules,
  facts: MachineFacts,
): number | Skip {
  if (offset > image.size) return TRUNCATED;
  if (!rules.libraryTypes) return known;
  const name = image.name(offset);
  if (typeof name === "string") return facts.interpreters.get(name) ?? known;
  // A path too long to be read is not a known one.
  return name.skip === "unreasonable" ? known : name;
}

/** The version in the notes of the segment whose header is at word `at`, 0 when there is none. */
function readNotes(image: Image, table: Uint32Array, at: number, wide: boolean, rules: LibraryRules): number {
  const size = segmentSize(table, at, wide, image.low);
  const alignment = segmentAlignment(table, at, wide, image.low);
  if (size < 32 || alignment < 4) return 0;
  if (rules.noteAlignment && alignment !== 4 && alignment !== 8) return 0;
  const offset = segmentOffset(image, table, at, wide);
  const words = image.words(offset, Math.min(size, NOTE_BYTES));
  const padding = rules.noteAlignment ? alignment : 4;
  const version = abiNoteVersion(words, size, padding, !rules.noteAlignment, image.bigEndian);
  return version === OUT_OF_BYTES && !endsEarly(image, offset) ? 0 : version;
}

/** The ISA level in the properties of the segment whose header is at word `at`; `known` when it is not one of them. */
function readProperties(image: Image, table: Uint32Array, at: number, wide: boolean, known: number): number {
  const wordSize = wide ? 8 : 4;
  if (segmentAlignment(table, at, wide, image.low) !== wordSize) return known;
  const size = segmentSize(table, at, wide, image.low);
  const offset = segmentOffset(image, table, at, wide);
  const words = image.words(offset, Math.min(size, NOTE_BYTES));
  const level = isaLevel(words, size, wordSize, image.bigEndian);
  return level === OUT_OF_BYTES && !endsEarly(image, offset) ? known : level;
}

/** Notes that go on behind the last page cannot be read; those that are longer than we look hold nothing. */
function endsEarly(image: Image, offset: number): boolean {
  return offset + NOTE_BYTES > image.mapped;
}

function segmentOffset(image: Image, table: Uint32Array, at: number, wide: boolean): number {
  return wide ? image.place(table, at + ELF64_PHDR.offset) : (table[at + ELF32_PHDR.offset] ?? 0);
}

function segmentSize(table: Uint32Array, at: number, wide: boolean, low: 0 | 1): number {
  return wide ? wide64(table, at + ELF64_PHDR.fileSize, low) : (table[at + ELF32_PHDR.fileSize] ?? 0);
}

function segmentAlignment(table: Uint32Array, at: number, wide: boolean, low: 0 | 1): number {
  return wide ? wide64(table, at + ELF64_PHDR.alignment, low) : (table[at + ELF32_PHDR.alignment] ?? 0);
}

/**
 * File offset of what lies at an address, given as two words, modulo the word size and that of ldconfig's pointers. `holding`: by the PT_LOAD that holds
 * the address; otherwise by the first one. Where there is none, the address is taken for an offset.
 */
export function offsetOfAddress(
  segments: Segments,
  image: Image,
  lowWord: number,
  highWord: number,
  holding: boolean,
): number {
  const { table, wide, start, end } = segments;
  const { words, offset, address, fileSize } = wide ? ELF64_PHDR : ELF32_PHDR;
  const low = wide ? image.low : 0;
  const high = 1 - low;
  for (let at = start; at < end; at += words) {
    if (table[at] !== PT_LOAD) continue;
    const addressLow = table[at + address + low] ?? 0;
    const addressHigh = wide ? (table[at + address + high] ?? 0) : 0;
    const insideLow = (lowWord - addressLow) >>> 0;
    const insideHigh = (highWord - addressHigh - (lowWord < addressLow ? 1 : 0)) >>> 0;
    if (holding) {
      const below = highWord < addressHigh || (highWord === addressHigh && lowWord < addressLow);
      const sizeLow = table[at + fileSize + low] ?? 0;
      const sizeHigh = wide ? (table[at + fileSize + high] ?? 0) : 0;
      if (below || insideHigh > sizeHigh || (insideHigh === sizeHigh && insideLow >= sizeLow)) continue;
    }
    const offsetHigh = wide ? (table[at + offset + high] ?? 0) : 0;
    return addWords(insideLow, insideHigh, table[at + offset + low] ?? 0, offsetHigh, wide && !image.narrow);
  }
  return image.narrow ? lowWord : highWord * 2 ** 32 + lowWord;
}
