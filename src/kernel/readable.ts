import { EINTR } from "./errno.ts";
import { pread } from "./files.ts";
import * as NR from "./syscalls.ts";

/** What has a descriptor that is open for reading. */
export class Readable {
  /** Negative when it is closed. */
  protected descriptor = -1;

  /** Fills `bytes` from byte `offset` of the file; answers how many bytes were read, 0 when they cannot be. */
  readInto(bytes: Uint8Array, offset: number): number {
    // `pread` itself would add a fifth to what a read takes, and there are three for each library.
    let count = syscall(NR.pread64, this.descriptor, bytes, bytes.length, offset);
    if (count === -EINTR) count = pread(this.descriptor, bytes, offset);
    return count < 0 ? 0 : count;
  }
}
