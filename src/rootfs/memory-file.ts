import { EFBIG } from "../kernel/errno.ts";
import type { Identity } from "../kernel/stat.ts";
import type { OpenFile } from "./open-file.ts";

const longestRead = 64 << 10;

/** A regular file whose bytes are in memory. */
export class MemoryFile implements OpenFile {
  readonly identity: Identity;
  readonly links: number;
  readonly size: number;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, facts: { identity: Identity; links: number }) {
    this.#bytes = bytes;
    this.size = bytes.length;
    ({ identity: this.identity, links: this.links } = facts);
  }

  read(offset: number, length: number): Uint8Array {
    return this.#bytes.subarray(offset, offset + Math.min(length, longestRead));
  }

  readInto(bytes: Uint8Array, offset: number): number {
    const part = this.#bytes.subarray(offset, offset + bytes.length);
    bytes.set(part);
    return part.length;
  }

  readAll(limit: number): Uint8Array | number {
    return this.size > limit ? -EFBIG : this.#bytes.slice();
  }

  close(): void {}

  [Symbol.dispose](): void {}
}
