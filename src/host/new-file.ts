import { HookError } from "../errors.ts";
import { O_CLOEXEC, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } from "../kernel/constants.ts";
import { ELOOP } from "../kernel/errno.ts";
import { close, fsync, openat, renameWithin, unlinkat } from "../kernel/files.ts";
import { temporaryHostName } from "./host-directory.ts";
import { HostWriter } from "./host-writer.ts";
import { likeModel, modelOf, type FileModel } from "./replace-file.ts";

/**
 * A file of the host that is written piece by piece under a temporary name, and gets its own name when it is complete
 * and on the disk. Nothing of it stays when it is closed before that.
 */
export class NewFile extends HostWriter implements Disposable {
  readonly #directory: number;
  readonly #name: string;
  readonly #temporary: string;
  readonly #old: FileModel | undefined;

  /**
   * `directory` is open and stays so as long; `path` is for messages. With `likeOld`, owner, mode and attributes will be
   * those of the file that has the name; a link in its place is no file. Throws HookError `kernel`, or `refused` when that is
   * neither.
   */
  constructor(directory: number, name: string, path: string, likeOld: boolean) {
    const old = likeOld ? oldModel(directory, name, path) : undefined;
    const temporary = temporaryHostName();
    super(openat(directory, temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600), path);
    this.checked(this.descriptor);
    this.#directory = directory;
    this.#name = name;
    this.#temporary = temporary;
    this.#old = old;
  }

  /**
   * Gives the file its mode, or what the old one has, brings it to the disk, and gives it its name, in the place of
   * whatever file has it.
   */
  commit(mode: number): void {
    likeModel(this.descriptor, this.#old ?? { mode, attributes: [] }, this.path);
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

/** What the file of that name is; undefined when there is none, or a link, which is replaced itself and not followed. */
function oldModel(directory: number, name: string, path: string): FileModel | undefined {
  try {
    return modelOf(directory, name, path);
  } catch (error) {
    if (error instanceof HookError && error.errno === ELOOP) return undefined;
    throw error;
  }
}
