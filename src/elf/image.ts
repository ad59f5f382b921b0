import type { ByteSource } from "../bytes/source.ts";
import { toText } from "../bytes/text.ts";
import { NAME_BYTES } from "./limits.ts";
import type { Skip } from "./skip.ts";
import { wide64 } from "./wide.ts";
import { Window } from "./window.ts";

/** ldconfig maps files; behind the end of one, its last page reads as zero. The page of its machines, in bytes. */
const PAGE = 4096;

/** What the first read takes in: the ELF header, 17 program headers, and mostly the notes behind them. */
const HEAD_BYTES = 1024;
/** As much of a name as one read takes in; sonames are shorter. */
const SHORT_NAME = 256;

const TRUNCATED: Skip = { skip: "truncated" };
const OUTSIDE: Skip = { skip: "outside" };
const NOTHING: ByteSource = { size: 0, read: () => new Uint8Array(0), readInto: () => 0 };

/** A file as ldconfig has it in memory, read where it is needed. One object serves one file after another. */
export class Image {
  readonly bigEndian: boolean;
  /**
   * ldconfig's own pointers have 32 bits: places in a file, and its dynamic section's size, count modulo 2^32, whatever the
   * file's class. Seen of Debian's i386, armhf and armel builds.
   */
  readonly narrow: boolean;
  /** Where the low word of a 64-bit value is: first, or second. */
  readonly low: 0 | 1;
  /** The first HEAD_BYTES bytes. */
  readonly head: Uint32Array;
  readonly #headWindow = new Window(HEAD_BYTES);
  readonly #name = new Uint8Array(SHORT_NAME);
  source: ByteSource = NOTHING;
  /** In bytes. */
  size = 0;
  /** The end of the last page: what lies between `size` and this reads as zero, what lies behind cannot be read. */
  mapped = 0;

  constructor(bigEndian: boolean, narrow: boolean) {
    this.bigEndian = bigEndian;
    this.narrow = narrow;
    this.low = bigEndian ? 1 : 0;
    this.head = this.#headWindow.words;
  }

  /** Turns to another file. */
  open(source: ByteSource): void {
    const { size } = source;
    const rest = size % PAGE;
    this.source = source;
    this.size = size;
    this.mapped = rest === 0 ? size : size - rest + PAGE;
    this.#headWindow.load(source, 0, this.bigEndian);
  }

  /** The 64-bit value at index `at` of some words, as a pointer or size of ldconfig takes it. */
  place(words: Uint32Array, at: number): number {
    const { low } = this;
    return this.narrow || words[at + 1 - low] === 0 ? (words[at + low] ?? 0) : wide64(words, at, low);
  }

  /** Whether the head holds the `length` bytes at byte `offset`, as words. */
  headHolds(offset: number, length: number): boolean {
    return offset % 4 === 0 && offset + length <= HEAD_BYTES;
  }

  /** The words at byte `offset`, as many as `length` bytes have; they end with the last page. */
  words(offset: number, length: number): Uint32Array {
    const bytes = Math.min(length, Math.max(this.mapped - offset, 0)) & ~3;
    if (this.headHolds(offset, bytes)) return this.head.subarray(offset >> 2, (offset + bytes) >> 2);
    const window = new Window(bytes);
    if (bytes > 0) window.load(this.source, offset, this.bigEndian);
    return window.words;
  }

  /** The NUL-terminated name at byte `offset`. The zeros behind the end of the file end a name, too. */
  name(offset: number): string | Skip {
    if (offset > this.size) return TRUNCATED;
    if (offset >= this.mapped) return OUTSIDE;
    const short = this.#name;
    let length = this.source.readInto(short, offset);
    let end = short.indexOf(0);
    if (end >= 0 && end < length) return toText(short, 0, end);
    let bytes: Uint8Array = short;
    if (length >= SHORT_NAME) {
      bytes = this.source.read(offset, NAME_BYTES + 1);
      length = bytes.length;
      end = bytes.indexOf(0);
      if (end >= 0) return toText(bytes, 0, end);
      if (length > NAME_BYTES) return { skip: "unreasonable" };
    }
    // The file is shorter now than it was when it was opened.
    if (offset + length < this.size) return TRUNCATED;
    return this.mapped > this.size ? toText(bytes, 0, length) : OUTSIDE;
  }
}
