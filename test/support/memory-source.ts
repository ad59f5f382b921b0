import type { ByteSource } from "../../src/bytes/source.ts";

/**
 * Bytes in memory as a source. As with a real one, a view is good until the next read: every read overwrites it.
 */
export class MemorySource implements ByteSource {
  readonly size: number;
  readonly #bytes: Uint8Array;
  readonly #scratch: Uint8Array;
  /** Reads so far, and the bytes that they gave. */
  reads = 0;
  bytesRead = 0;

  /** `size`: what the file claims to have; more than `bytes` when it shrank after it was opened. */
  constructor(bytes: Uint8Array, size: number = bytes.length) {
    this.#bytes = bytes;
    this.size = size;
    this.#scratch = new Uint8Array(64 << 10);
  }

  read(offset: number, length: number): Uint8Array {
    if (!Number.isSafeInteger(offset) || offset < 0) throw new RangeError(`read at ${offset}`);
    if (!Number.isSafeInteger(length) || length < 0) throw new RangeError(`read of ${length} bytes`);
    const end = Math.min(offset + length, offset + this.#scratch.length, this.#bytes.length);
    this.#scratch.fill(0xa5);
    this.reads += 1;
    if (end <= offset) return this.#scratch.subarray(0, 0);
    this.#scratch.set(this.#bytes.subarray(offset, end));
    this.bytesRead += end - offset;
    return this.#scratch.subarray(0, end - offset);
  }

  readInto(bytes: Uint8Array, offset: number): number {
    const view = this.read(offset, bytes.length);
    bytes.set(view);
    return view.length;
  }
}
