import { hostBigEndian, swapWords } from "../bytes/byte-order.ts";
import type { ByteSource } from "../bytes/source.ts";

/**
 * A copy of some bytes of a file as 32-bit words, which the engine reads faster than anything else. The buffer is used
 * again for the next file.
 */
export class Window {
  /** In the byte order of the file that was loaded: a word's value is what the file says. */
  readonly words: Uint32Array;
  readonly #bytes: Uint8Array;

  /** `capacity` in bytes, a multiple of 4. */
  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
    this.words = new Uint32Array(this.#bytes.buffer);
  }

  /** Fills the first `length` bytes, a multiple of 4, from `offset` on. Behind the end of the source they are zero. */
  load(source: ByteSource, offset: number, length: number, bigEndian: boolean): void {
    const bytes = this.#bytes;
    let view = source.read(offset, length);
    bytes.set(view, 0);
    let used = view.length;
    while (used < length) {
      view = offset + used < source.size ? source.read(offset + used, length - used) : view.subarray(0, 0);
      if (view.length === 0) {
        bytes.fill(0, used, length);
        break;
      }
      bytes.set(view, used);
      used += view.length;
    }
    if (bigEndian !== hostBigEndian) swapWords(this.words, 0, length >>> 2);
  }
}
