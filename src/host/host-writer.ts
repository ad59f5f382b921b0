import type { ByteSource } from "../bytes/source.ts";
import { HookError } from "../errors.ts";
import { describeErrno } from "../kernel/errno.ts";
import { writeAll } from "../kernel/files.ts";

const COPY_BYTES = 1 << 20;

/** A file of the host that is written from its start on. */
export class HostWriter {
  /** Open for writing and reading. */
  readonly descriptor: number;
  /** For messages. */
  readonly path: string;
  #copyBytes: Uint8Array | undefined;

  constructor(descriptor: number, path: string) {
    this.descriptor = descriptor;
    this.path = path;
  }

  /** Throws HookError `kernel` for a call that failed. */
  protected checked(result: number): void {
    if (result < 0) throw new HookError("kernel", "write", this.path, describeErrno(result), { errno: -result });
  }

  /** Appends bytes. Throws HookError `kernel`. */
  write(bytes: Uint8Array): void {
    this.checked(writeAll(this.descriptor, bytes));
  }

  /** Appends the bytes `[start, end)` of a source. Throws HookError `kernel` when it does not have them any more. */
  copy(source: ByteSource, start: number, end: number): void {
    this.#copyBytes ??= new Uint8Array(COPY_BYTES);
    for (let at = start; at < end;) {
      const piece = this.#copyBytes.subarray(0, Math.min(COPY_BYTES, end - at));
      const read = source.readInto(piece, at);
      if (read <= 0) throw new HookError("kernel", "copy to", this.path, "what is copied has become shorter");
      this.write(piece.subarray(0, read));
      at += read;
    }
  }
}
