import { toText } from "../bytes/text.ts";
import { AT_SYMLINK_NOFOLLOW, S_IFCHR, S_IFDIR } from "../kernel/constants.ts";
import { EACCES, EINVAL, EISDIR } from "../kernel/errno.ts";
import { close, getdents64, readlinkat, statx, symlinkat, unlinkat } from "../kernel/files.ts";
import { Stat, type Identity } from "../kernel/stat.ts";
import { OpenFile } from "./open-file.ts";
import { refusesWrites } from "./pseudo-filesystem.ts";
import { replaceFileIn, replaceLinkIn } from "./replace.ts";
import { removeLeftovers } from "./temporary.ts";

/** Bytes per getdents64: a directory of a few hundred names in one call. */
const ENTRIES_BYTES = 64 << 10;
/** Offsets in `struct linux_dirent64`. */
const RECORD_LENGTH = 16;
const TYPE = 18;
const NAME = 19;

export type { Identity } from "../kernel/stat.ts";

const entryBytes = new Uint8Array(ENTRIES_BYTES);
const entryWords = new Uint32Array(entryBytes.buffer);
const stat = new Stat();

export interface DirectoryEntry {
  name: string;
  /** One of the DT values; DT_UNKNOWN on file systems that do not tell. */
  type: number;
  /** The directory's own idea of the inode number: at a mount point it is not that of the file which is seen. */
  inode: number;
}

export interface FileFacts {
  /** One of the S_IF values. */
  type: number;
  /** Permission bits, 0..0o7777. */
  mode: number;
  /** Device and inode number as one key. */
  identity: Identity;
  /** Size in bytes. */
  size: number;
}

/** Which device a device node stands for. */
export interface DeviceNumber {
  major: number;
  minor: number;
}

/** A copy of what `stat` holds. */
export function factsOf(from: Stat): FileFacts {
  return { type: from.type, mode: from.mode, identity: from.identity, size: from.size };
}

/** Whether `name` names something in a directory: what only a path, or no name at all, could say is left out. */
function isName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && name.indexOf("/") < 0 && name.indexOf("\0") < 0;
}

/** An open directory of a container. Its methods take single names and follow no link. */
export class Directory implements Disposable {
  readonly #descriptor: number;
  readonly #tidied: Set<Identity>;
  #refused: boolean | undefined;
  /** Path in the container, free of links. */
  readonly path: string;
  /** Device and inode number as one key. */
  readonly identity: Identity;
  /** How many links the path led through by which it was opened. */
  readonly links: number;

  /**
   * Takes over `descriptor`, which is open for reading. `tidied` holds the identities of directories in which what killed
   * processes left was removed: once for each is enough, as a directory may have a million names.
   */
  constructor(descriptor: number, path: string, identity: Identity, links: number, tidied: Set<Identity>) {
    this.#descriptor = descriptor;
    this.#tidied = tidied;
    this.path = path;
    this.identity = identity;
    this.links = links;
  }

  /**
   * All entries but `.` and `..`, in the order in which the file system has them; of a directory with more than `limit`
   * of them, that many and a few more. Throws nothing; an error ends the list.
   */
  entries(limit = Number.POSITIVE_INFINITY): DirectoryEntry[] {
    const entries: DirectoryEntry[] = [];
    for (;;) {
      if (entries.length > limit) return entries;
      const used = getdents64(this.#descriptor, entryBytes);
      if (used <= 0) return entries;
      const text = toText(entryBytes, 0, used);
      for (let at = 0; at < used;) {
        const name = text.slice(at + NAME, text.indexOf("\0", at + NAME));
        if (name !== "." && name !== "..") {
          const word = at >> 2;
          entries.push({
            name,
            type: entryBytes[at + TYPE] ?? 0,
            inode: (entryWords[word + 1] ?? 0) * 0x1_0000_0000 + (entryWords[word] ?? 0),
          });
        }
        at += (entryWords[(at + RECORD_LENGTH) >> 2] ?? 0) & 0xffff;
      }
    }
  }

  /** What `name` is, a link itself; -errno when there is nothing. */
  stat(name: string): FileFacts | number {
    if (!isName(name)) return -EINVAL;
    const result = statx(this.#descriptor, name, AT_SYMLINK_NOFOLLOW, stat);
    return result < 0 ? result : factsOf(stat);
  }

  /** The numbers of the character device `name`; undefined when it is none, a link to one included. */
  characterDevice(name: string): DeviceNumber | undefined {
    if (!isName(name) || statx(this.#descriptor, name, AT_SYMLINK_NOFOLLOW, stat) < 0) return undefined;
    return stat.type === S_IFCHR ? { major: stat.major, minor: stat.minor } : undefined;
  }

  /** Target of the link `name`; -EINVAL when it is none. */
  readlink(name: string): string | number {
    return isName(name) ? readlinkat(this.#descriptor, name) : -EINVAL;
  }

  /** Opens the regular file `name` for reading; see OpenFile.open. */
  open(name: string): OpenFile | number {
    return isName(name) ? OpenFile.open(this.#descriptor, name) : -EINVAL;
  }

  /** Makes the link `name`, which must not exist yet (-EEXIST); 0 or -errno. */
  symlink(target: string, name: string): number {
    if (!isName(name)) return -EINVAL;
    return this.#refuses() ? -EACCES : symlinkat(target, this.#descriptor, name);
  }

  /** Puts a link in the place of whatever `name` is, in one step; -EISDIR for a directory. 0 or -errno. */
  replaceLink(target: string, name: string): number {
    if (!isName(name)) return -EINVAL;
    if (this.#refuses()) return -EACCES;
    const facts = this.stat(name);
    if (typeof facts === "object" && facts.type === S_IFDIR) return -EISDIR;
    this.#tidy();
    return replaceLinkIn(this.#descriptor, name, target);
  }

  /** Puts a file in the place of whatever `name` is, in one step; see replaceFileIn. 0 or -errno. */
  replaceFile(name: string, bytes: Uint8Array, mode: number, durable: boolean): number {
    if (!isName(name)) return -EINVAL;
    if (this.#refuses()) return -EACCES;
    this.#tidy();
    return replaceFileIn(this.#descriptor, name, bytes, mode, durable);
  }

  /** Removes a name that is no directory; 0 or -errno. */
  unlink(name: string): number {
    if (!isName(name)) return -EINVAL;
    return this.#refuses() ? -EACCES : unlinkat(this.#descriptor, name);
  }

  #refuses(): boolean {
    this.#refused ??= refusesWrites(this.#descriptor);
    return this.#refused;
  }

  #tidy(): void {
    if (this.#tidied.has(this.identity)) return;
    this.#tidied.add(this.identity);
    removeLeftovers(this.#descriptor);
  }

  close(): void {
    close(this.#descriptor);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
