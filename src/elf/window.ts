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
  /** How many of the bytes were read; what is behind them is zero. */
  used = 0;
  readonly #capacity: number;

  /** `capacity` in bytes, a multiple of 4. */
  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
    this.words = new Uint32Array(this.bytes.buffer);
    this.pairs = new BigUint64Array(this.bytes.buffer, 0, capacity >> 3);
    this.#capacity = capacity;
  }

  /** Fills the window from byte `offset` on. Behind the end of the source it is zero. */
  load(source: ByteSource, offset: number, bigEndian: boolean): void {
    this.used = source.readInto(this.bytes, offset);
    if (this.used < this.#capacity) this.#complete(source, offset);
    if (bigEndian !== hostBigEndian) swapWords(this.words, 0, this.#capacity >> 2);
  }

  #complete(source: ByteSource, offset: number): void {
    const { bytes } = this;
    while (this.used < this.#capacity) {
      const at = offset + this.used;
      const more = at < source.size ? source.readInto(bytes.subarray(this.used), at) : 0;
      if (more === 0) {
        bytes.fill(0, this.used);
        return;
      }
      this.used += more;
    }
  }
}
