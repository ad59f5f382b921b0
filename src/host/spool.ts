import { AT_FDCWD, O_CLOEXEC, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } from "../kernel/constants.ts";
import { close, openat, unlinkat } from "../kernel/files.ts";
import { HostBytes } from "./host-bytes.ts";
import { temporaryHostName } from "./host-directory.ts";
import { HostWriter } from "./host-writer.ts";

/**
 * A new file without a name: its bytes are gone when it is closed, however the process ends. (It has one for a moment, as
 * not every file system knows O_TMPFILE.)
 */
export class Spool extends HostWriter implements Disposable {
  #taken = false;

  /** On the file system of `folder`. Throws HookError `kernel`. */
  constructor(folder: string) {
    const path = `${folder}/${temporaryHostName()}`;
    super(openat(AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600), `a file in ${folder}`);
    this.checked(this.descriptor);
    unlinkat(AT_FDCWD, path);
  }

  /** What was written, for reading; `path` is for messages. */
  take(path: string): HostBytes {
    this.#taken = true;
    return new HostBytes(this.descriptor, path, "root");
  }

  [Symbol.dispose](): void {
    if (!this.#taken) close(this.descriptor);
  }
}
