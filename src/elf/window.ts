import { readBuffer } from "../bytes/buffer.ts";
import { hostBigEndian, swapWords } from "../bytes/byte-order.ts";
import type { ByteSource } from "../bytes/source.ts";

/**
 * A copy of some bytes of a file as words, which the engine reads faster than anything else. The buffer is used again for
 * the next file.
 */
export class Window {
  readonly bytes: Uint8Array;
  /** In the byte order of the file that was loaded: a word's value is what the file says. */
  readonly words: Uint32Array;
  /** The same, as 64-bit values of the host's byte order. */
  readonly pairs: BigUint64Array;

  /** `capacity` in bytes, a multiple of 4. */
  constructor(capacity: number) {
    this.bytes = readBuffer(capacity);
    this.words = new Uint32Array(this.bytes.buffer);
    this.pairs = new BigUint64Array(this.bytes.buffer, 0, capacity >> 3);
  }

  /** Fills the window from byte `offset` on. Behind the end of the source it is zero. */
  load(source: ByteSource, offset: number, bigEndian: boolean): void {
    this.complete(source, offset, source.readInto(this.bytes, offset), bigEndian);
  }

  /** What is left to do when `used` bytes have been read from byte `offset` on. Answers how many the source had. */
  complete(source: ByteSource, offset: number, used: number, bigEndian: boolean): number {
    const { bytes, words } = this;
    let filled = used;
    while (filled < bytes.length) {
      const at = offset + filled;
      const more = at < source.size ? source.readInto(bytes.subarray(filled), at) : 0;
      if (more === 0) {
        bytes.fill(0, filled);
        break;
      }
      filled += more;
    }
    if (bigEndian !== hostBigEndian) swapWords(words, 0, words.length);
    return filled;
  }
}
