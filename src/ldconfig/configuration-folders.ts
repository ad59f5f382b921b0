/** The folders in which configuration files lie, each resolved once. */
import { ELOOP } from "../rootfs/constants.ts";
import type { Directory } from "../rootfs/directory.ts";
import type { OpenFile } from "../rootfs/open-file.ts";
import type { Root } from "../rootfs/root.ts";

/** Names of one folder that a pattern can match. */
const NAME_LIMIT = 100_000;
/** Folders kept open at a time. */
const OPEN_LIMIT = 8;

export class ConfigurationFolders {
  readonly root: Root;
  readonly from: string;
  readonly #open = new Map<string, Directory | number>();
  readonly #names = new Map<Directory, readonly string[]>();

  /** Relative paths start at `from`. */
  constructor(root: Root, from = "/") {
    this.root = root;
    this.from = from;
  }

  /** The names in a folder, in any order; none when there is no such folder. */
  names(path: string): readonly string[] {
    const directory = this.#directory(path);
    if (typeof directory === "number") return [];
    let names = this.#names.get(directory);
    if (names === undefined) {
      // A directory can be listed once.
      ({ names } = directory.list(NAME_LIMIT));
      this.#names.set(directory, names);
    }
    return names;
  }

  #directory(path: string): Directory | number {
    let found = this.#open.get(path);
    if (found === undefined) {
      if (this.#open.size >= OPEN_LIMIT) this.close();
      found = this.root.directory(path, this.from);
      this.#open.set(path, found);
    }
    return found;
  }

  /** Opens a configuration file, links followed; -errno when it is no regular file. */
  file(path: string): OpenFile | number {
    const slash = path.lastIndexOf("/");
    const directory = this.#directory(slash > 0 ? path.slice(0, slash) : slash === 0 ? "/" : ".");
    if (typeof directory === "number") return directory;
    const file = directory.open(path.slice(slash + 1));
    return file === -ELOOP ? this.root.open(path, this.from) : file;
  }

  close(): void {
    for (const directory of this.#open.values()) if (typeof directory !== "number") directory.close();
    this.#open.clear();
    this.#names.clear();
  }
}
