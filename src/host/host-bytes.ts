import type { ByteSource } from "../bytes/source.ts";
import { HookError, type ErrorCode } from "../errors.ts";
import { AT_FDCWD, O_CLOEXEC, O_NOCTTY, O_NONBLOCK, O_RDONLY, S_IFBLK, S_IFREG } from "../kernel/constants.ts";
import { describeErrno } from "../kernel/errno.ts";
import { close, fstat, openat, pread } from "../kernel/files.ts";
import { seek, seekEnd } from "../kernel/seldom.ts";
import { Stat } from "../kernel/stat.ts";

const LONGEST_READ = 64 << 10;

const window = new Uint8Array(LONGEST_READ);

/** A regular file or block device of the host, open for reading here and there. */
export class HostBytes implements ByteSource, Disposable {
  /** For messages. */
  readonly path: string;
  readonly descriptor: number;
  readonly size: number;
  /** Permission bits. */
  readonly mode: number;
  readonly #code: ErrorCode;

  /** Takes over an open descriptor. Throws HookError of the given code when it is of something else. */
  constructor(descriptor: number, path: string, code: ErrorCode) {
    const stat = new Stat();
    const result = fstat(descriptor, stat);
    const isDevice = result >= 0 && stat.type === S_IFBLK;
    const size = isDevice ? seekEnd(descriptor) : result < 0 ? result : stat.size;
    this.path = path;
    this.descriptor = descriptor;
    this.size = size;
    this.mode = stat.mode;
    this.#code = code;
    if (size >= 0 && (isDevice || stat.type === S_IFREG)) return;
    close(descriptor);
    throw new HookError(code, "open", path, size < 0 ? describeErrno(size) : "not a regular file");
  }

  /** Opens the file `path`, links followed. Throws HookError of the given code. */
  static open(path: string, code: ErrorCode): HostBytes {
    const descriptor = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0) throw new HookError(code, "open", path, describeErrno(descriptor), { errno: -descriptor });
    return new HostBytes(descriptor, path, code);
  }

  /** At most 64 KiB. Throws HookError. */
  read(offset: number, length: number): Uint8Array {
    const bytes = window.subarray(0, Math.min(length, LONGEST_READ));
    return bytes.subarray(0, this.readInto(bytes, offset));
  }

  /** Throws HookError. */
  readInto(bytes: Uint8Array, offset: number): number {
    const result = pread(this.descriptor, bytes, offset);
    if (result < 0) throw new HookError(this.#code, "read", this.path, describeErrno(result), { errno: -result });
    return result;
  }

  /** The whole file. Throws HookError `limit` when it has more than `limit` bytes. */
  readAll(limit: number): Uint8Array {
    if (this.size > limit) throw new HookError("limit", "read", this.path, `larger than ${limit} bytes`);
    const bytes = new Uint8Array(this.size);
    let used = 0;
    for (let read = -1; used < bytes.length && read !== 0; used += read)
      read = this.readInto(bytes.subarray(used), used);
    return bytes.subarray(0, used);
  }

  /** A program that reads from the descriptor begins at the start. */
  rewind(): void {
    seek(this.descriptor, 0);
  }

  close(): void {
    close(this.descriptor);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
