import { hostBigEndian, swapWords } from "../bytes/byte-order.ts";
import type { ByteSource } from "../bytes/source.ts";

/**
 * A copy of some bytes of a file as 32-bit words, which the engine reads faster than anything else. The buffer is used
 * again for the next file.
 */
export class Window {
  /** In the byte order of the file that was loaded: a word's value is what the file says. */
  readonly words: Uint32Array;
  /** The same, as 64-bit values of the host's byte order. */
  readonly pairs: BigUint64Array;
  readonly #bytes: Uint8Array;

  /** `capacity` in bytes, a multiple of 4. */
  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
    this.words = new Uint32Array(this.#bytes.buffer);
    this.pairs = new BigUint64Array(this.#bytes.buffer, 0, capacity >> 3);
  }

  /** Fills the window from byte `offset` on. Behind the end of the source it is zero. */
  load(source: ByteSource, offset: number, bigEndian: boolean): void {
    const bytes = this.#bytes;
    let used = source.readInto(bytes, offset);
    while (used < bytes.length) {
      const more = offset + used < source.size ? source.readInto(bytes.subarray(used), offset + used) : 0;
      if (more === 0) {
        bytes.fill(0, used);
        break;
      }
      used += more;
    }
    if (bigEndian !== hostBigEndian) swapWords(this.words, 0, this.words.length);
  }
}
