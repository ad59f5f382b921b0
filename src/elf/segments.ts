/** What the program headers of the file at hand tell. */
import { PT_DYNAMIC, PT_GNU_PROPERTY, PT_INTERP, PT_LOAD, PT_NOTE } from "./constants.ts";
import { bigEndian, head, headEnd, mapped, narrow, placeOf, readName, size, trouble, wordsAt } from "./image.ts";
import { HEADERS_BYTES, NOTE_BYTES } from "./limits.ts";
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
import { exact64, modulo, wide64 } from "./wide.ts";

const OUTSIDE: Skip = { skip: "outside" };
const TRUNCATED: Skip = { skip: "truncated" };
const NO_DYNAMIC: Skip = { skip: "no-dynamic" };
const UNREASONABLE: Skip = { skip: "unreasonable" };

/** No place of a header. */
const UNKNOWN = -2;

let isWide = false;
/** The program headers as those of a 64-bit little-endian file, from word `start` to word `end`. */
let table = head;
let start = 0;
let end = 0;
/** Bytes of notes that are still looked at. */
let notesLeft = 0;

/** File offset of the dynamic section: of the last PT_DYNAMIC, modulo 2^32. */
export let dynamicOffset = 0;
/** What the interpreter tells about the C library; what was known before when it tells nothing. */
export let interpreterBase = 0;
/** `kind << 24 | major << 16 | minor << 8 | patch` */
export let osVersion = 0;
export let isa = 0;

/** Goes through the program headers; `known` is what is known about the C library. A reason when the file is left out. */
export function readSegments(wide: boolean, known: number, rules: LibraryRules, facts: MachineFacts): Skip | undefined {
  const half = head[wide ? 14 : 11] ?? 0;
  const count = bigEndian ? half >>> 16 : half & 0xffff;
  isWide = wide;
  table = head;
  start = (head[8] ?? 0) >> 2;
  end = start + count * PHDR_WORDS;
  // Nearly always they are behind the ELF header, as they are needed.
  const areInHead = wide && !bigEndian && head[9] === 0 && start * 4 === head[8] && end * 4 <= headEnd;
  if (!areInHead) {
    const skip = loadHeaders(count);
    if (skip !== undefined) return skip;
  }
  interpreterBase = known;
  osVersion = 0;
  isa = 0;
  notesLeft = NOTE_BYTES;
  const headers = table;
  let dynamic = rules.osVersion || rules.isa ? UNKNOWN : lastDynamic();
  if (dynamic === UNKNOWN) {
    for (let at = start; at < end; at += PHDR_WORDS) {
      const type = headers[at];
      if (type === PT_LOAD) continue;
      if (type === PT_DYNAMIC) dynamic = at;
      else if (type === PT_NOTE || type === PT_INTERP || type === PT_GNU_PROPERTY) {
        const skip = readSegment(type, at, rules, facts);
        if (skip !== undefined) return skip;
      }
    }
  }
  if (dynamic < 0) return NO_DYNAMIC;
  if (headers[dynamic + FILE_SIZE] === 0 && (narrow || headers[dynamic + FILE_SIZE + 1] === 0)) return NO_DYNAMIC;
  dynamicOffset = headers[dynamic + OFFSET] ?? 0;
  return dynamicOffset > size ? TRUNCATED : undefined;
}

/**
 * The last PT_DYNAMIC, as the engine's own search finds it, -1 without one. UNKNOWN when there may be a PT_INTERP, or when one
 * of the other words is like a type.
 */
function lastDynamic(): number {
  if (start === end || table.lastIndexOf(PT_INTERP, end - 1) >= start) return UNKNOWN;
  const at = table.lastIndexOf(PT_DYNAMIC, end - 1);
  if (at < start) return -1;
  return (at - start) % PHDR_WORDS === 0 ? at : UNKNOWN;
}

/** Reads program headers of any class, byte order and place. */
function loadHeaders(count: number): Skip | undefined {
  const stride = 4 * (isWide ? PHDR_WORDS : PHDR32_WORDS);
  const low = bigEndian ? 9 : 8;
  const offset = isWide ? placeOf(head[low] ?? 0, head[low ^ 1] ?? 0) : (head[7] ?? 0);
  const bytes = count * stride;
  if (offset > size) return TRUNCATED;
  if (count === 0) return NO_DYNAMIC;
  // The last header may begin at the end of the file at most.
  if (offset + bytes - stride > size) return TRUNCATED;
  if (offset + bytes > mapped()) return OUTSIDE;
  if (bytes > HEADERS_BYTES) return UNREASONABLE;
  const words = wordsAt(offset, bytes);
  if (!isWide) table = widened(words, count);
  else table = bigEndian ? lowWordsFirst(words) : words;
  start = 0;
  end = count * PHDR_WORDS;
  return undefined;
}

/** Looks into the segment whose header is at word `at`, if it is one of those that ldconfig looks into. */
function readSegment(type: number, at: number, rules: LibraryRules, facts: MachineFacts): Skip | undefined {
  const readsProperties = rules.isa && facts.x86;
  if (type === PT_NOTE) return rules.osVersion && osVersion === 0 ? readNotes(at, rules) : undefined;
  if (type === PT_INTERP) {
    const skip = readInterpreter(segmentPlace(at), rules, facts);
    return skip === undefined && rules.interpreterFallsThrough && readsProperties ? readProperties(at) : skip;
  }
  return type === PT_GNU_PROPERTY && readsProperties ? readProperties(at) : undefined;
}

function readInterpreter(offset: number, rules: LibraryRules, facts: MachineFacts): Skip | undefined {
  if (offset > size) return TRUNCATED;
  if (!rules.libraryTypes) return undefined;
  const name = readName(offset);
  // A path too long to be read is not a known one.
  if (name === undefined) return trouble.skip === "unreasonable" ? undefined : trouble;
  interpreterBase = facts.interpreters.get(name) ?? interpreterBase;
  return undefined;
}

/** The version in a segment's notes; stays what it is when there is none. */
function readNotes(at: number, { noteAlignment }: LibraryRules): Skip | undefined {
  const bytes = wide64(table, at + FILE_SIZE);
  const alignment = wide64(table, at + ALIGNMENT);
  if (bytes < 32 || alignment < 4) return undefined;
  if (noteAlignment && alignment !== 4 && alignment !== 8) return undefined;
  const offset = segmentPlace(at);
  const words = notesAt(offset, bytes);
  const version = abiNoteVersion(words, bytes, noteAlignment ? alignment : 4, !noteAlignment, bigEndian);
  if (version !== OUT_OF_BYTES) osVersion = version;
  else if (endsEarly(offset)) return OUTSIDE;
  return undefined;
}

/** The ISA level in a segment's properties; stays what it is when it does not hold properties. */
function readProperties(at: number): Skip | undefined {
  const wordSize = isWide ? 8 : 4;
  if (wide64(table, at + ALIGNMENT) !== wordSize) return undefined;
  const bytes = wide64(table, at + FILE_SIZE);
  const offset = segmentPlace(at);
  let level = isaLevel(notesAt(offset, bytes), bytes, wordSize, bigEndian);
  // A note may go on behind its segment.
  if (level === OUT_OF_BYTES) level = isaLevel(notesAt(offset, NOTE_BYTES), bytes, wordSize, bigEndian);
  if (level !== OUT_OF_BYTES) isa = level;
  else if (endsEarly(offset)) return OUTSIDE;
  return undefined;
}

/** The beginning of the `bytes` of notes at an offset. */
function notesAt(offset: number, bytes: number): Uint32Array {
  const words = wordsAt(offset, Math.min(bytes, notesLeft));
  notesLeft -= words.byteLength;
  return words;
}

/** Where the segment begins whose header is at word `at`. */
function segmentPlace(at: number): number {
  return placeOf(table[at + OFFSET] ?? 0, table[at + OFFSET + 1] ?? 0);
}

/** Notes that go on behind the last page cannot be read; those that are longer than we look hold nothing. */
function endsEarly(offset: number): boolean {
  return offset + NOTE_BYTES > mapped();
}

/**
 * File offset of what lies at an address, given as two words, modulo the size of ldconfig's pointers: one that is far behind
 * the end for a 32-bit file whose segment has a larger offset than address, where ldconfig's pointers have 64 bits.
 * `holding`: by the PT_LOAD that holds the address; otherwise by the first one. Where there is none, the address is taken
 * for an offset.
 */
export function offsetOfAddress(low: number, high: number, holding: boolean): number {
  const headers = table;
  const at = start;
  // Nearly always a segment comes first that begins with the file, at address 0, and holds the string table.
  const isPlain =
    high === 0 &&
    headers[at] === PT_LOAD &&
    headers[at + ADDRESS] === 0 &&
    headers[at + OFFSET] === 0 &&
    low < (headers[at + FILE_SIZE] ?? 0) &&
    headers[at + ADDRESS + 1] === 0 &&
    headers[at + OFFSET + 1] === 0;
  return isPlain ? low : offsetOfAny((BigInt(high) << 32n) | BigInt(low), holding);
}

function offsetOfAny(address: bigint, holding: boolean): number {
  // What is between address and offset is a number of the file's class; the difference is a pointer of ldconfig's.
  const mask = isWide ? 0xffff_ffff_ffff_ffffn : 0xffff_ffffn;
  const bits = narrow ? 32 : 64;
  for (let at = start; at < end; at += PHDR_WORDS) {
    if (table[at] !== PT_LOAD) continue;
    const begin = exact64(table, at + ADDRESS);
    const isHeld = address >= begin && address - begin < exact64(table, at + FILE_SIZE);
    if (isHeld || !holding) return modulo(address - ((begin - exact64(table, at + OFFSET)) & mask), bits);
  }
  return modulo(address, bits);
}
