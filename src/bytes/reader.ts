import { FormatError } from "../errors.ts";
import { hostBigEndian, swapWords } from "./byte-order.ts";
import { toText } from "./text.ts";

/** Reads numbers and texts out of bytes that may be anything. Nothing is read beyond their end. */
export class Reader {
  readonly #format: string;
  readonly bytes: Uint8Array;
  bigEndian = false;

  /** `format` names the format in errors. */
  constructor(bytes: Uint8Array, format: string) {
    this.bytes = bytes;
    this.#format = format;
  }

  /** Whether `text`, a byte string, is at byte `offset`. */
  has(text: string, offset: number): boolean {
    return offset + text.length <= this.bytes.length && this.text(offset, text.length, "magic") === text;
  }

  /** The byte string of `length` bytes at `offset`. Throws FormatError when the bytes do not reach that far. */
  text(offset: number, length: number, field: string): string {
    this.need(offset, length, field);
    return toText(this.bytes, offset, offset + length);
  }

  /** The 32-bit number at byte `offset`, unsigned. Throws FormatError when the bytes do not reach that far. */
  word(offset: number, field: string): number {
    return this.words(offset, 1, field)[0] ?? 0;
  }

  /**
   * The `count` 32-bit numbers from byte `offset` on, unsigned, as a copy. Throws FormatError when the bytes do not reach
   * that far, before anything is copied.
   */
  words(offset: number, count: number, field: string): Uint32Array {
    this.need(offset, 4 * count, field);
    const copy = new Uint8Array(4 * count);
    copy.set(this.bytes.subarray(offset, offset + 4 * count));
    const words = new Uint32Array(copy.buffer);
    if (this.bigEndian !== hostBigEndian) swapWords(words, 0, count);
    return words;
  }

  /** Throws FormatError unless there are `length` bytes at `offset`. */
  need(offset: number, length: number, field: string): void {
    if (length > this.bytes.length - offset) {
      this.fail(field, offset, `needs ${length} bytes, there are ${Math.max(this.bytes.length - offset, 0)}`);
    }
  }

  /** Throws FormatError for `field` at byte `offset`. */
  fail(field: string, offset: number, reason: string): never {
    throw new FormatError(this.#format, field, offset, reason);
  }
}
