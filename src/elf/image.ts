import type { ByteSource } from "../bytes/source.ts";
import { toText } from "../bytes/text.ts";
import { NAME_BYTES } from "./limits.ts";
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

/** A file as ldconfig has it in memory, read where it is needed. One object serves one file after another. */
export class Image {
  readonly bigEndian: boolean;
  /**
   * ldconfig's own pointers have 32 bits: places in a file, and its dynamic section's size, count modulo 2^32, whatever the
   * file's class. Seen of Debian's i386, armhf and armel builds.
   */
  readonly narrow: boolean;
  /** The first bytes. */
  readonly head: Window = new Window(HEAD_BYTES);
  readonly #name = new Uint8Array(SHORT_NAME);
  /** Why `name` had none to give. */
  trouble: Skip = OUTSIDE;
  source: ByteSource = NOTHING;
  /** In bytes. */
  size = 0;
  /** The end of the last page: what lies between `size` and this reads as zero, what lies behind cannot be read. */
  mapped = 0;

  constructor(bigEndian: boolean, narrow: boolean) {
    this.bigEndian = bigEndian;
    this.narrow = narrow;
  }

  /** Turns to another file. */
  open(source: ByteSource): void {
    const { size } = source;
    const rest = size % PAGE;
    this.source = source;
    this.size = size;
    this.mapped = rest === 0 ? size : size - rest + PAGE;
    this.head.load(source, 0, this.bigEndian);
  }

  /** A 64-bit value of two words, as a pointer or size of ldconfig takes it. */
  place(low: number, high: number): number {
    return this.narrow || high === 0 ? low : high * 2 ** 32 + low;
  }

  /** The words at byte `offset`, as many as `length` bytes have; they end with the last page. */
  words(offset: number, length: number): Uint32Array {
    const bytes = Math.min(length, Math.max(this.mapped - offset, 0)) & ~3;
    if (offset % 4 === 0 && offset + bytes <= HEAD_BYTES) {
      return this.head.words.subarray(offset >> 2, (offset + bytes) >> 2);
    }
    const window = new Window(bytes);
    if (bytes > 0) window.load(this.source, offset, this.bigEndian);
    return window.words;
  }

  /**
   * The NUL-terminated name at byte `offset`; undefined, with `trouble`, when it cannot be read. The zeros behind the end
   * of the file end a name, too.
   */
  name(offset: number): string | undefined {
    const { head } = this;
    if (offset < head.used && !this.bigEndian) {
      const end = head.bytes.indexOf(0, offset);
      if (end >= 0 && end < head.used) return toText(head.bytes, offset, end);
    }
    if (offset > this.size) return this.#fail(TRUNCATED);
    if (offset >= this.mapped) return this.#fail(OUTSIDE);
    const short = this.#name;
    const length = this.source.readInto(short, offset);
    const end = short.indexOf(0);
    if (end >= 0 && end < length) return toText(short, 0, end);
    return this.#longName(
      offset,
      length < SHORT_NAME ? short.subarray(0, length) : this.source.read(offset, NAME_BYTES + 1),
    );
  }

  #longName(offset: number, bytes: Uint8Array): string | undefined {
    const end = bytes.indexOf(0);
    if (end >= 0) return toText(bytes, 0, end);
    if (bytes.length > NAME_BYTES) return this.#fail(UNREASONABLE);
    // The file is shorter now than it was when it was opened.
    if (offset + bytes.length < this.size) return this.#fail(TRUNCATED);
    return this.mapped > this.size ? toText(bytes) : this.#fail(OUTSIDE);
  }

  #fail(trouble: Skip): undefined {
    this.trouble = trouble;
    return undefined;
  }
}
