import {
  AT_FDCWD,
  O_CLOEXEC,
  O_NOCTTY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  S_IFDIR,
  S_IFREG,
} from "../kernel/constants.ts";
import { EFBIG, EINVAL, EISDIR } from "../kernel/errno.ts";
import { close, fstat, openat, pread, preadOrNothing } from "../kernel/files.ts";
import { Stat, type Identity } from "../kernel/stat.ts";
import type { OpenFile } from "./open-file.ts";

/** O_NONBLOCK: a FIFO that took the place of a file must not hold us; O_NOCTTY: nor a terminal become ours. */
const READ = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
const SCRATCH_BYTES = 64 << 10;

const scratch = new Uint8Array(SCRATCH_BYTES);
const views = new Map<number, Uint8Array>();
const stat = new Stat();

function view(length: number): Uint8Array {
  let found = views.get(length);
  if (found === undefined) {
    found = scratch.subarray(0, length);
    views.set(length, found);
  }
  return found;
}

/** A regular file that the kernel has open for us. */
export class KernelFile implements OpenFile {
  declare identity: Identity;
  declare size: number;
  declare links: number;
  #descriptor: number;

  /** Takes over a descriptor that is open for reading; the rest is what `stat` holds. */
  private constructor(descriptor: number) {
    this.#descriptor = descriptor;
    stat.copyTo(this);
  }

  /**
   * Opens the regular file `name` in `directory`, links not followed. -errno when it cannot; -EISDIR for a directory,
   * -EINVAL for whatever else is not a regular file. The type is checked on the descriptor.
   */
  static open(directory: number, name: string, flags?: number): KernelFile | number {
    const descriptor = openat(directory, name, flags ?? READ);
    if (descriptor < 0) return descriptor;
    const result = fstat(descriptor, stat);
    const type = result < 0 ? 0 : stat.type;
    if (type === S_IFREG) return new KernelFile(descriptor);
    close(descriptor);
    return result < 0 ? result : type === S_IFDIR ? -EISDIR : -EINVAL;
  }

  /** Opens a regular file by a path of the host, links followed by the kernel; otherwise as `open`. */
  static ofHost(path: string): KernelFile | number {
    return KernelFile.open(AT_FDCWD, path, READ & ~O_NOFOLLOW);
  }

  readInto(bytes: Uint8Array, offset: number): number {
    return preadOrNothing(this.#descriptor, bytes, offset);
  }

  read(offset: number, length: number): Uint8Array {
    const wanted = view(length > SCRATCH_BYTES ? SCRATCH_BYTES : length);
    const count = pread(this.#descriptor, wanted, offset);
    return count === wanted.length ? wanted : scratch.subarray(0, Math.max(count, 0));
  }

  readAll(limit: number): Uint8Array | number {
    if (this.size > limit) return -EFBIG;
    const bytes = new Uint8Array(this.size);
    let used = 0;
    while (used < bytes.length) {
      const count = pread(this.#descriptor, used === 0 ? bytes : bytes.subarray(used), used);
      if (count < 0) return count;
      if (count === 0) return bytes.slice(0, used);
      used += count;
    }
    return bytes;
  }

  close(): void {
    const descriptor = this.#descriptor;
    if (descriptor < 0) return;
    this.#descriptor = -1;
    close(descriptor);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
