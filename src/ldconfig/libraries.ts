/** What each library file says, read once per file however many names of its folder and links to it there are. */
import { LibraryReader, type Library, type Skip } from "../elf/library.ts";
import type { LibraryRules } from "../elf/rules.ts";
import type { Directory, Identity, ListedName } from "../rootfs/directory.ts";
import { ENOENT } from "../rootfs/constants.ts";
import type { OpenFile } from "../rootfs/open-file.ts";
import type { Root } from "../rootfs/root.ts";

/** What was found in a file, and which file that is: two names with the same device and inode number are one. */
export type LibraryFile = Library | (Skip & { readonly identity: Identity });

/** The library files of one run. */
export interface AllLibraries {
  /** Of ordinary folders. Their ISA level is not read, as their entries do not have it. */
  readonly plain: Libraries;
  /** Of `glibc-hwcaps` folders. */
  readonly hwcaps: Libraries;
}

export function allLibraries(root: Root, rules: LibraryRules): AllLibraries {
  return { plain: new Libraries(root, { ...rules, isa: false }), hwcaps: new Libraries(root, rules) };
}

/**
 * Library files that are read by the same rules. Each is read once, but for a file of a single name that a link from
 * another folder leads to as well.
 */
export class Libraries {
  readonly #root: Root;
  readonly #reader: LibraryReader;
  readonly #byIdentity = new Map<Identity, LibraryFile>();
  /** How often a file was read. */
  count = 0;

  constructor(root: Root, rules: LibraryRules) {
    this.#root = root;
    this.#reader = new LibraryReader(rules);
  }

  /** The regular file `name` of a directory; -errno when it cannot be opened. */
  named(directory: Directory, name: ListedName): LibraryFile | number {
    const opened = directory.openListed(name);
    return typeof opened === "number" ? opened : this.#read(opened, opened.links > 1);
  }

  /**
   * The regular file that a path leads to, links followed inside the root; -errno, -EISDIR for a directory. `links` were
   * followed before.
   */
  at(path: string, from: string, links: number): LibraryFile | number {
    const opened = this.#root.openUnlessKnown(path, from, this.#byIdentity, links);
    if (typeof opened === "object" && "type" in opened) return this.#byIdentity.get(opened.identity) ?? -ENOENT;
    return typeof opened === "number" ? opened : this.#read(opened, true);
  }

  /** Lets go of what was read; nothing may be asked for any more. */
  forget(): void {
    this.#byIdentity.clear();
  }

  /** Files that will hardly be met again are not remembered: there can be tens of thousands. */
  #read(opened: OpenFile, remembers: boolean): LibraryFile {
    const { identity } = opened;
    // Not `using`: what it compiles to takes as long as opening the file.
    try {
      const known = this.#byIdentity.get(identity);
      if (known !== undefined) return known;
      const content = this.#reader.read(opened, identity);
      // Skips are the reader's constants.
      const file = content.skip === undefined ? content : { ...content, identity };
      this.count += 1;
      if (remembers) this.#byIdentity.set(identity, file);
      return file;
    } finally {
      opened.close();
    }
  }
}
