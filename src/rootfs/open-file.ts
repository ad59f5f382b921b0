import type { ByteSource } from "../bytes/source.ts";
import type { Identity } from "../kernel/stat.ts";

/** A regular file of a container, open for reading. */
export interface OpenFile extends ByteSource, Disposable {
  readonly identity: Identity;
  /** How many names the file has. */
  readonly links: number;
  /** At most 64 KiB at a time; empty at the end of the file, and when it cannot be read. */
  read(offset: number, length: number): Uint8Array;
  /** The whole file, in bytes of its own; -EFBIG when it has more than `limit` bytes, -errno when it cannot be read. */
  readAll(limit: number): Uint8Array | number;
  close(): void;
}
