import { O_CLOEXEC, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } from "../kernel/constants.ts";
import { close, fchmod, fsync, openat, renameWithin, unlinkat } from "../kernel/files.ts";
import { temporaryHostName } from "./host-directory.ts";
import { HostWriter } from "./host-writer.ts";

/**
 * A file of the host that is written piece by piece under a temporary name, and gets its own name when it is complete
 * and on the disk. Nothing of it stays when it is closed before that.
 */
export class NewFile extends HostWriter implements Disposable {
  readonly #directory: number;
  readonly #name: string;
  readonly #temporary: string;

  /** `directory` is open and stays so as long; `path` is for messages. Throws HookError `kernel`. */
  constructor(directory: number, name: string, path: string) {
    const temporary = temporaryHostName();
    super(openat(directory, temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600), path);
    this.checked(this.descriptor);
    this.#directory = directory;
    this.#name = name;
    this.#temporary = temporary;
  }

  /** Gives the file its mode, brings it to the disk, and gives it its name, in the place of whatever file has it. */
  commit(mode: number): void {
    this.checked(fchmod(this.descriptor, mode));
    this.checked(fsync(this.descriptor));
    this.checked(renameWithin(this.#directory, this.#temporary, this.#name));
    this.checked(fsync(this.#directory));
  }

  /** Does nothing to a file that has its name. */
  [Symbol.dispose](): void {
    unlinkat(this.#directory, this.#temporary);
    close(this.descriptor);
  }
}
