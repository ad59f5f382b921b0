/**
 * The file at hand as ldconfig has it in memory, read where it is needed. One file is read at a time, and what is known of
 * it stands in variables of these modules: the engine takes a fifth of the time to get at them that it takes for a field.
 */
import { readBuffer } from "../bytes/buffer.ts";
import { hostBigEndian } from "../bytes/byte-order.ts";
import type { ByteSource } from "../bytes/source.ts";
import { toText } from "../bytes/text.ts";
import { NAME_BYTES } from "./limits.ts";
import type { MachineFacts } from "./machine.ts";
import type { Skip } from "./skip.ts";
import { Window } from "./window.ts";

/** ldconfig maps files; behind the end of one, its last page reads as zero. The page of its machines, in bytes. */
const PAGE = 4096;

/** What the first read takes in: the ELF header, 17 program headers, and mostly the notes behind them. */
const HEAD_BYTES = 1024;
/** As much of a name as one read takes in; sonames are shorter. */
const SHORT_NAME = 256;

const TRUNCATED: Skip = { skip: "truncated" };
const OUTSIDE: Skip = { skip: "outside" };
const UNREASONABLE: Skip = { skip: "unreasonable" };
const NOTHING: ByteSource = { size: 0, read: () => new Uint8Array(0), readInto: () => 0 };

const window = new Window(HEAD_BYTES);
const headBytes = window.bytes;
const shortName = readBuffer(SHORT_NAME);

/** The first bytes of the file, as words. */
export const head: Uint32Array = window.words;
/** How many bytes of it there are; what is behind them is zero. */
export let headEnd = 0;
export let source: ByteSource = NOTHING;
/** In bytes. */
export let size = 0;
/** The byte order of ldconfig's machine, in which everything is read. */
export let bigEndian = false;
/**
 * ldconfig's own pointers have 32 bits: places in a file, and its dynamic section's size, count modulo 2^32, whatever the
 * file's class. Seen of Debian's i386, armhf and armel builds.
 */
export let narrow = false;
/** Why `readName` had none to give. */
export let trouble: Skip = OUTSIDE;

/** Turns to another file, of `bytes` bytes. */
export function openImage(file: ByteSource, bytes: number, facts: MachineFacts): void {
  source = file;
  size = bytes;
  bigEndian = facts.bigEndian;
  narrow = facts.bits === 32;
  headEnd = file.readInto(headBytes, 0);
  if (headEnd < HEAD_BYTES || bigEndian !== hostBigEndian) headEnd = window.complete(file, 0, headEnd, bigEndian);
}

/** The end of the last page: what lies between `size` and this reads as zero, what lies behind cannot be read. */
export function mapped(): number {
  return Math.ceil(size / PAGE) * PAGE;
}

/** A 64-bit value of two words, as a pointer or size of ldconfig takes it. */
export function placeOf(low: number, high: number): number {
  return narrow || high === 0 ? low : high * 2 ** 32 + low;
}

/** The words at byte `offset`, as many as `length` bytes have; they end with the last page. */
export function wordsAt(offset: number, length: number): Uint32Array {
  const bytes = Math.min(length, Math.max(mapped() - offset, 0)) & ~3;
  if (offset % 4 === 0 && offset + bytes <= HEAD_BYTES) return head.subarray(offset >> 2, (offset + bytes) >> 2);
  const words = new Window(bytes);
  if (bytes > 0) words.load(source, offset, bigEndian);
  return words.words;
}

/**
 * The NUL-terminated name at byte `offset`; undefined, with `trouble`, when it cannot be read. The zeros behind the end of
 * the file end a name, too.
 */
export function readName(offset: number): string | undefined {
  if (offset < headEnd && !bigEndian) {
    const end = headBytes.indexOf(0, offset);
    if (end >= 0 && end < headEnd) return toText(headBytes, offset, end);
  }
  if (offset >= size) {
    if (offset > size) return fail(TRUNCATED);
    if (offset >= mapped()) return fail(OUTSIDE);
  }
  const length = source.readInto(shortName, offset);
  const end = shortName.indexOf(0);
  if (end >= 0 && end < length) return toText(shortName, 0, end);
  return longName(offset, length < SHORT_NAME ? shortName.subarray(0, length) : source.read(offset, NAME_BYTES + 1));
}

function longName(offset: number, bytes: Uint8Array): string | undefined {
  const end = bytes.indexOf(0);
  if (end >= 0) return toText(bytes, 0, end);
  if (bytes.length > NAME_BYTES) return fail(UNREASONABLE);
  // The file is shorter now than it was when it was opened.
  if (offset + bytes.length < size) return fail(TRUNCATED);
  return mapped() > size ? toText(bytes) : fail(OUTSIDE);
}

function fail(why: Skip): undefined {
  trouble = why;
  return undefined;
}
