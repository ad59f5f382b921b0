import type { ByteSource } from "../bytes/source.ts";
import { FormatError } from "../errors.ts";

const WINDOW = 32 << 10;

/**
 * An archive's bytes, read through a window that moves forward: no byte of the source is read twice, and what is skipped
 * beyond the window is not read at all.
 */
export class Blocks {
  readonly #source: ByteSource;
  #window = new Uint8Array(WINDOW);
  #start = 0;
  #used = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  get size(): number {
    return this.#source.size;
  }

  /**
   * `length` bytes at `offset`, which is not before that of an earlier call; valid until the next one. Throws FormatError
   * when the archive ends before.
   */
  read(offset: number, length: number, field: string): Uint8Array {
    const skipped = offset - this.#start;
    if (skipped + length > this.#used) this.#fill(offset, length, field);
    const at = offset - this.#start;
    return this.#window.subarray(at, at + length);
  }

  #fill(offset: number, length: number, field: string): void {
    if (length > this.size - offset) throw endsEarly(field, offset, length, this.size - offset);
    const kept = Math.max(this.#used - (offset - this.#start), 0);
    const window = length > this.#window.length ? new Uint8Array(length) : this.#window;
    window.set(this.#window.subarray(this.#used - kept, this.#used));
    this.#window = window;
    this.#start = offset;
    this.#used = kept;
    while (this.#used < length) {
      const read = this.#source.readInto(window.subarray(this.#used), offset + this.#used);
      if (read <= 0) throw endsEarly(field, offset, length, this.#used);
      this.#used += read;
    }
  }
}

export function endsEarly(field: string, offset: number, length: number, there: number): FormatError {
  return new FormatError("tar", field, offset, `needs ${length} bytes, there are ${Math.max(there, 0)}`);
}
