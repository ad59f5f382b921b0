import { S_IFMT } from "./constants.ts";

/** Size of `struct statx` (linux/stat.h). */
const SIZE = 256;

/**
 * What statx(2) says of a file. One object may be filled again and again; its getters read the last answer. The hosts
 * that this program runs on are little-endian.
 */
export class Stat {
  readonly buffer: Uint8Array = new Uint8Array(SIZE);
  readonly #words: Uint32Array = new Uint32Array(this.buffer.buffer);

  #word(offset: number): number {
    return this.#words[offset >> 2] ?? 0;
  }

  /** File type: one of the S_IF values. */
  get type(): number {
    return this.#word(28) & S_IFMT;
  }

  /** Permission bits, with set-user-ID, set-group-ID and sticky: 0..0o7777. */
  get mode(): number {
    return this.#word(28) & 0o7777;
  }

  get links(): number {
    return this.#word(16);
  }

  get uid(): number {
    return this.#word(20);
  }

  get gid(): number {
    return this.#word(24);
  }

  /** Size in bytes; exact below 2^53. */
  get size(): number {
    return this.#word(44) * 0x1_0000_0000 + this.#word(40);
  }

  /** Device and inode number as one key: two names with the same key are one file. */
  get identity(): string {
    const high = this.#word(36);
    const low = this.#word(32);
    const inode = high < 0x20_0000 ? high * 0x1_0000_0000 + low : `${high}.${low}`;
    return `${this.#word(136) * 0x10_0000 + this.#word(140)}:${inode}`;
  }
}
