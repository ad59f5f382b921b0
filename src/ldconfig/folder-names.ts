/** A directory as it was listed once, kept up with what is changed in it: links within it are followed without the kernel. */
import { DT_LNK, DT_UNKNOWN } from "../rootfs/constants.ts";
import type { Directory, DirectoryEntry } from "../rootfs/directory.ts";
import type { LibraryFile } from "./libraries.ts";

/** One name, and what has been found out about it. */
export interface NameFacts extends DirectoryEntry {
  /** Of a link: its text. */
  target?: string | number;
  /** Of a regular file: what is in it. */
  library?: LibraryFile | number;
}

/** As many links as Linux follows. */
const LINK_LIMIT = 40;

export class FolderNames {
  /** In the order of the listing. */
  readonly list: readonly NameFacts[];
  readonly #directory: Directory;
  readonly #links: number;
  readonly #byName = new Map<string, NameFacts>();

  /** `links` is how many links the folder's path leads through: the kernel counts them as well. */
  constructor(directory: Directory, entries: readonly DirectoryEntry[], links: number) {
    this.#directory = directory;
    this.#links = links;
    this.list = entries;
    for (let at = 0; at < entries.length; at += 1) {
      const entry = entries[at];
      if (entry !== undefined) this.#byName.set(entry.name, entry);
    }
  }

  /** The directory as it is listed now; what is known of names that are the same files still is taken over. */
  renewed(entries: readonly DirectoryEntry[]): FolderNames {
    const renewed = new FolderNames(this.#directory, entries, this.#links);
    for (const facts of renewed.list) {
      const before = this.#byName.get(facts.name);
      if (before !== undefined && before.inode === facts.inode && before.type === facts.type)
        Object.assign(facts, before);
    }
    return renewed;
  }

  get(name: string): NameFacts | undefined {
    return this.#byName.get(name);
  }

  /** One of the DT values; asks the kernel where the file system did not tell. */
  typeOf(facts: NameFacts): number {
    if (facts.type === DT_UNKNOWN) {
      const found = this.#directory.stat(facts.name);
      // S_IFLNK, S_IFREG, … are DT_LNK, DT_REG, … shifted (dirent.h, IFTODT).
      if (typeof found !== "number") facts.type = found.type >> 12;
    }
    return facts.type;
  }

  /** Notes that `name` is a link to `target` now. */
  linked(name: string, target: string): void {
    this.#byName.set(name, { name, type: DT_LNK, inode: 0, target });
  }

  /** Notes that `name` is gone. */
  removed(name: string): void {
    this.#byName.delete(name);
  }

  /**
   * Where the name leads, links followed as long as they stay in the directory: to a name that is no link, or to the link
   * whose target leads elsewhere (a text) or cannot be read (-errno). Undefined: nowhere.
   */
  destination(start: NameFacts): NameFacts | undefined {
    let facts = start;
    for (let links = this.#links; links <= LINK_LIMIT; links += 1) {
      if (facts.type !== DT_LNK && (facts.type !== DT_UNKNOWN || this.typeOf(facts) !== DT_LNK)) return facts;
      const target = (facts.target ??= this.#directory.readlink(facts.name));
      if (typeof target === "number") return facts;
      const next = this.#byName.get(target);
      if (next === undefined) return isPath(target) ? facts : undefined;
      facts = next;
    }
    return undefined;
  }
}

/** Whether a link's text leads out of the directory. */
function isPath(target: string): boolean {
  return target === "." || target === ".." || target.includes("/");
}
