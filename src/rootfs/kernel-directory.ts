import { textOf } from "../bytes/text.ts";
import { AT_SYMLINK_NOFOLLOW, S_IFCHR, S_IFDIR } from "../kernel/constants.ts";
import { EACCES, EINVAL, EISDIR } from "../kernel/errno.ts";
import { close, getdents64, readlinkat, statx, symlinkat, unlinkat } from "../kernel/files.ts";
import { Stat, type Identity } from "../kernel/stat.ts";
import {
  isName,
  listingOf,
  type DeviceNumber,
  type Directory,
  type FileFacts,
  type ListedName,
  type Listing,
} from "./directory.ts";
import { LENGTH, NAME, TYPE, entryBytes, entryHalves } from "./directory-records.ts";
import { KernelFile } from "./kernel-file.ts";
import type { OpenFile } from "./open-file.ts";
import { refusesWrites } from "./pseudo-filesystem.ts";
import { replaceFileIn, replaceLinkIn } from "./replace.ts";
import { removeLeftovers } from "./leftovers.ts";

const DOT = 0x2e;

const stat = new Stat();

/** A copy of what `stat` holds. */
export function factsOf(from: Stat): FileFacts {
  return { type: from.type, mode: from.mode, identity: from.identity, size: from.size };
}

/** Directory.list for a descriptor that is open for reading and was not read from yet. */
export function listDirectory(descriptor: number, limit: number): Listing {
  const names: string[] = [];
  const types: number[] = [];
  let count = 0;
  let used = 0;
  while (count <= limit) {
    used = getdents64(descriptor, entryBytes);
    if (used <= 0) break;
    for (let at = 0; at < used; at += entryHalves[(at + LENGTH) >> 1] ?? 0) {
      const start = at + NAME;
      const name = textOf(entryBytes, start, entryBytes.indexOf(0, start));
      if (entryBytes[start] === DOT && (name === "." || name === "..")) continue;
      names[count] = name;
      types[count] = entryBytes[at + TYPE] ?? 0;
      count += 1;
    }
  }
  return listingOf(names, types, Math.min(used, 0));
}

/** A directory that the kernel has open for us. */
export class KernelDirectory implements Directory {
  readonly #descriptor: number;
  readonly #tidied: Set<Identity>;
  #refused: boolean | undefined;
  readonly path: string;
  readonly identity: Identity;
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

  list(limit = Number.POSITIVE_INFINITY): Listing {
    return listDirectory(this.#descriptor, limit);
  }

  stat(name: string): FileFacts | number {
    if (!isName(name)) return -EINVAL;
    const result = statx(this.#descriptor, name, AT_SYMLINK_NOFOLLOW, stat);
    return result < 0 ? result : factsOf(stat);
  }

  characterDevice(name: string): DeviceNumber | undefined {
    if (!isName(name) || statx(this.#descriptor, name, AT_SYMLINK_NOFOLLOW, stat) < 0) return undefined;
    return stat.type === S_IFCHR ? { major: stat.major, minor: stat.minor } : undefined;
  }

  readlink(name: string): string | number {
    return isName(name) ? readlinkat(this.#descriptor, name) : -EINVAL;
  }

  open(name: string): OpenFile | number {
    return isName(name) ? KernelFile.open(this.#descriptor, name) : -EINVAL;
  }

  readlinkListed(name: ListedName): string | number {
    return readlinkat(this.#descriptor, name);
  }

  openListed(name: ListedName): OpenFile | number {
    return KernelFile.open(this.#descriptor, name);
  }

  symlink(target: string, name: string): number {
    if (!isName(name)) return -EINVAL;
    return this.#refuses() ? -EACCES : symlinkat(target, this.#descriptor, name);
  }

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
