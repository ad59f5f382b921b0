import { HookError, type ErrorCode } from "../errors.ts";
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } from "../kernel/constants.ts";
import { ELOOP, ENOTDIR, describeErrno } from "../kernel/errno.ts";
import { close, openat } from "../kernel/files.ts";
import { removeLeftovers } from "./host-directory.ts";
import { HostBytes } from "./host-bytes.ts";
import { NewFile } from "./new-file.ts";

/**
 * A folder of the host whose content may be a stranger's. Only single names are taken, and no link is followed: what is
 * read and written is in the folder.
 */
export class ConfinedFolder implements Disposable {
  readonly path: string;
  readonly #descriptor: number;
  readonly #code: ErrorCode;

  private constructor(descriptor: number, path: string, code: ErrorCode) {
    this.#descriptor = descriptor;
    this.path = path;
    this.#code = code;
  }

  /** Opens the folder `path`, which the caller trusts. Throws HookError of the given code. */
  static open(path: string, code: ErrorCode): ConfinedFolder {
    const descriptor = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) throw new HookError(code, "open", path, describeErrno(descriptor), { errno: -descriptor });
    return new ConfinedFolder(descriptor, path, code);
  }

  /** The folder `name` in this one. Throws HookError. */
  folder(name: string): ConfinedFolder {
    return new ConfinedFolder(this.#open(name, O_DIRECTORY), `${this.path}/${name}`, this.#code);
  }

  /** The regular file `name`. Throws HookError. */
  file(name: string): HostBytes {
    return new HostBytes(this.#open(name, O_NONBLOCK | O_NOCTTY), `${this.path}/${name}`, this.#code);
  }

  #open(name: string, flags: number): number {
    const path = `${this.path}/${name}`;
    if (name === "" || name === "." || name === ".." || name.includes("/") || name.includes("\0")) {
      throw new HookError(this.#code, "open", path, "not a single name");
    }
    const result = openat(this.#descriptor, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | flags);
    if (result >= 0) return result;
    const isLink = result === -ELOOP || (result === -ENOTDIR && (flags & O_DIRECTORY) !== 0);
    const reason = isLink ? "a link, or no folder, is not followed here" : describeErrno(result);
    throw new HookError(this.#code, "open", path, reason, { errno: -result });
  }

  /**
   * A file that will have that name; with `likeOld`, it is as the one that has it is, but for its bytes. What killed
   * processes of ours left here is removed. Throws HookError `kernel`.
   */
  create(name: string, likeOld = false): NewFile {
    removeLeftovers(`/proc/self/fd/${this.#descriptor}`); // the folder itself, wherever its path leads by now
    return new NewFile(this.#descriptor, name, `${this.path}/${name}`, likeOld);
  }

  [Symbol.dispose](): void {
    close(this.#descriptor);
  }
}
