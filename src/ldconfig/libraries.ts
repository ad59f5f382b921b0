/** What each library file says, read once per file however many names and links lead to it. */
import { LibraryReader, type Library, type Skip } from "../elf/library.ts";
import type { LibraryRules } from "../elf/rules.ts";
import type { Directory, Identity } from "../rootfs/directory.ts";
import { ENOENT, S_IFREG } from "../rootfs/constants.ts";
import type { OpenFile } from "../rootfs/open-file.ts";
import type { Root } from "../rootfs/root.ts";

/** A file and what was found in it. */
export interface LibraryFile {
  /** Device and inode number: two names with the same identity are one file. */
  readonly identity: Identity;
  readonly content: Library | Skip;
}

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

/** Library files that are read by the same rules, each once. */
export class Libraries {
  readonly #root: Root;
  readonly #reader: LibraryReader;
  readonly #byIdentity = new Map<Identity, LibraryFile>();
  /**
   * Inode numbers, of any device, of files that may be met again by another name: those with several, and those that a
   * link from elsewhere led to. A hint only: a listing has another number where something is mounted.
   */
  readonly #metAgain = new Set<number>();

  constructor(root: Root, rules: LibraryRules) {
    this.#root = root;
    this.#reader = new LibraryReader(rules);
  }

  /** How many files were read. */
  get count(): number {
    return this.#byIdentity.size;
  }

  /** The regular file `name` of a directory, whose listing gave it the number `inode`; -errno when it cannot be opened. */
  named(directory: Directory, name: string, inode: number): LibraryFile | number {
    if (this.#metAgain.has(inode)) {
      const facts = directory.stat(name);
      if (typeof facts === "number") return facts;
      const known = facts.type === S_IFREG ? this.#byIdentity.get(facts.identity) : undefined;
      if (known !== undefined) return known;
    }
    const opened = directory.open(name);
    if (typeof opened === "number") return opened;
    if (opened.links > 1) this.#metAgain.add(inode);
    return this.#read(opened);
  }

  /** The regular file that a path leads to, links followed inside the root; -errno, -EISDIR for a directory. */
  at(path: string, from: string): LibraryFile | number {
    const opened = this.#root.openUnlessKnown(path, from, this.#byIdentity);
    if (typeof opened === "object" && "type" in opened) return this.#byIdentity.get(opened.identity) ?? -ENOENT;
    if (typeof opened === "number") return opened;
    this.#metAgain.add(opened.inode);
    return this.#read(opened);
  }

  #read(opened: OpenFile): LibraryFile {
    const { identity } = opened;
    let file = this.#byIdentity.get(identity);
    // Not `using`: what it compiles to takes as long as opening the file.
    try {
      if (file === undefined) {
        file = { identity, content: this.#reader.read(opened) };
        this.#byIdentity.set(identity, file);
      }
      return file;
    } finally {
      opened.close();
    }
  }
}
