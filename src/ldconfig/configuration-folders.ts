/** The folders in which configuration files lie, each resolved once. */
import type { Log } from "../logger.ts";
import { describeErrno } from "../rootfs/constants.ts";
import type { Directory } from "../rootfs/directory.ts";
import type { OpenFile } from "../rootfs/open-file.ts";
import type { Root } from "../rootfs/root.ts";
import { isTrouble } from "./trouble.ts";

/** Names of one folder that a pattern can match. */
const NAME_LIMIT = 100_000;
/** Folders kept open at a time. */
const OPEN_LIMIT = 8;

export class ConfigurationFolders {
  readonly root: Root;
  readonly from: string;
  readonly #log: Log | undefined;
  readonly #open = new Map<string, Directory | number>();
  readonly #names = new Map<Directory, readonly string[]>();

  /** Relative paths start at `from`. `log` is told what is left out, and why. */
  constructor(root: Root, from = "/", log?: Log) {
    this.root = root;
    this.from = from;
    this.#log = log;
  }

  /** The names in a folder, in any order; none when there is no such folder. */
  names(path: string): readonly string[] {
    const directory = this.#directory(path);
    if (typeof directory === "number") {
      this.#tell(path, directory);
      return [];
    }
    let names = this.#names.get(directory);
    if (names === undefined) {
      // A directory can be listed once.
      const listing = directory.list(NAME_LIMIT);
      this.#tell(path, listing.ended);
      ({ names } = listing);
      this.#names.set(directory, names);
    }
    return names;
  }

  #tell(path: string, result: number): void {
    if (isTrouble(result)) this.#log?.warn(`${path}: files are left out: ${describeErrno(result)}`);
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

  /** Opens a configuration file; -errno when it is no regular file, -ELOOP when it is a link. */
  file(path: string): OpenFile | number {
    const slash = path.lastIndexOf("/");
    const directory = this.#directory(slash > 0 ? path.slice(0, slash) : slash === 0 ? "/" : ".");
    return typeof directory === "number" ? directory : directory.open(path.slice(slash + 1));
  }

  /** As `file`, links followed. */
  linkedFile(path: string): OpenFile | number {
    return this.root.open(path, this.from);
  }

  close(): void {
    for (const directory of this.#open.values()) if (typeof directory !== "number") directory.close();
    this.#open.clear();
    this.#names.clear();
  }
}
