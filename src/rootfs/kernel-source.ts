/** Folders of the host as something that is only read: single names on descriptors, no link followed. */
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOCTTY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  S_IFCHR,
  S_IFDIR,
  S_IFLNK,
  S_IFREG,
} from "../kernel/constants.ts";
import { EACCES, EINVAL, EISDIR, ENOENT, ENOTDIR, EROFS, ESTALE } from "../kernel/errno.ts";
import { close, fstat, openat, readlinkat, statx } from "../kernel/files.ts";
import { Stat } from "../kernel/stat.ts";
import { entriesOf, isName, type DeviceNumber, type DirectoryEntry } from "./directory.ts";
import { listDirectory } from "./kernel-directory.ts";
import { KernelFile } from "./kernel-file.ts";
import { attributesOf } from "./attributes.ts";
import { isMountPoint } from "./mount-identity.ts";
import { OpenDescriptors } from "./open-descriptors.ts";
import type { OpenFile } from "./open-file.ts";
import { isReadOnly, refusesWrites } from "./pseudo-filesystem.ts";
import type { Attribute, NodeFacts, SourceNode } from "./source.ts";

const DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
/** Of what may be another file by now: neither a FIFO nor a terminal may hold us. */
const FILE = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
/** Directories that stay open, of all trees of one source together: a container may have thousands of mounts. */
const MOST_OPEN = 128;

const stat = new Stat();

/** The directories that are open: those that are entered, and those that cannot be opened again. */
class OpenDirectories implements Disposable {
  readonly #entered: OpenDescriptors<KernelNode> = new OpenDescriptors(MOST_OPEN);
  readonly #kept: Map<KernelNode, number> = new Map();

  get(node: KernelNode): number | undefined {
    return this.#entered.get(node) ?? this.#kept.get(node);
  }

  add(node: KernelNode, descriptor: number): void {
    this.#entered.add(node, descriptor);
  }

  /** Of a directory that has no name by which to open it again. */
  keep(node: KernelNode, descriptor: number): void {
    this.#kept.set(node, descriptor);
  }

  [Symbol.dispose](): void {
    this.#entered[Symbol.dispose]();
    for (const descriptor of this.#kept.values()) close(descriptor);
    this.#kept.clear();
  }
}

/** Files and folders of the host that are read as trees. Closing it closes all that they have open. */
export class KernelSource implements Disposable {
  readonly #open = new OpenDirectories();

  /** The tree below an open directory (O_PATH will do), which is the caller's and stays open as long as this. */
  below(directory: number): SourceNode | number {
    const descriptor = openat(directory, ".", DIRECTORY);
    if (descriptor < 0) return descriptor;
    const result = fstat(descriptor, stat);
    if (result < 0) {
      close(descriptor);
      return result;
    }
    const node = new KernelNode(this.#open, undefined, "", nodeFacts(stat));
    this.#open.keep(node, descriptor);
    return node;
  }

  /** What a path of the host leads to, links followed by the kernel: a directory, a file, a device; -errno. */
  at(hostPath: string): SourceNode | number {
    const result = statx(AT_FDCWD, hostPath, 0, stat);
    if (result < 0) return result;
    const node = new KernelNode(this.#open, undefined, hostPath, nodeFacts(stat));
    const opened = stat.type === S_IFDIR ? node.enter() : 0;
    return opened < 0 ? opened : node;
  }

  [Symbol.dispose](): void {
    this.#open[Symbol.dispose]();
  }
}

/** A copy of all that `from` holds. */
export function nodeFacts(from: Stat): NodeFacts {
  const { type, mode, identity, size, uid, gid, links, inode, major, minor, mountPoint } = from;
  return { type, mode, identity, size, uid, gid, links, inode, major, minor, mountPoint };
}

class KernelNode implements SourceNode {
  readonly facts: NodeFacts;
  readonly #open: OpenDirectories;
  readonly #parent: KernelNode | undefined;
  /** A single name in the parent; without one, a path of the host. */
  readonly #name: string;

  constructor(open: OpenDirectories, parent: KernelNode | undefined, name: string, facts: NodeFacts) {
    this.#open = open;
    this.#parent = parent;
    this.#name = name;
    this.facts = facts;
  }

  /** A descriptor of the directory, which stays the source's; -errno. */
  enter(): number {
    const known = this.#open.get(this);
    if (known !== undefined) return known;
    const parent = this.#parent?.enter();
    const descriptor =
      parent === undefined ? this.#openTop() : parent < 0 ? parent : openat(parent, this.#name, DIRECTORY);
    if (descriptor >= 0) this.#open.add(this, descriptor);
    return descriptor;
  }

  /** As of a file, what has the path by now must still be the same directory. */
  #openTop(): number {
    const descriptor = openat(AT_FDCWD, this.#name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return descriptor;
    const result = fstat(descriptor, stat);
    if (result === 0 && stat.identity === this.facts.identity) return descriptor;
    close(descriptor);
    return result < 0 ? result : -ESTALE;
  }

  entries(limit: number, broken?: (result: number) => void): DirectoryEntry[] {
    if (this.facts.type !== S_IFDIR) return [];
    const descriptor = this.enter();
    // A directory is listed from where its descriptor stands, so each listing has one of its own.
    const own = descriptor < 0 ? descriptor : openat(descriptor, ".", DIRECTORY);
    if (own < 0) {
      broken?.(own);
      return [];
    }
    const listing = listDirectory(own, limit);
    close(own);
    if (listing.ended < 0) broken?.(listing.ended);
    return entriesOf(listing);
  }

  child(name: string): SourceNode | number {
    if (this.facts.type !== S_IFDIR) return -ENOTDIR;
    if (!isName(name)) return -ENOENT;
    const descriptor = this.enter();
    const result = descriptor < 0 ? descriptor : statx(descriptor, name, AT_SYMLINK_NOFOLLOW, stat);
    if (result < 0) return result;
    const facts = nodeFacts(stat);
    const told = stat.knowsMounts ? facts : { ...facts, mountPoint: isMountPoint(stat, descriptor, name) };
    return new KernelNode(this.#open, this, name, told);
  }

  readlink(): string | number {
    if (this.facts.type !== S_IFLNK || this.#parent === undefined) return -EINVAL;
    const parent = this.#parent.enter();
    return parent < 0 ? parent : readlinkat(parent, this.#name);
  }

  open(): OpenFile | number {
    const { type } = this.facts;
    if (type !== S_IFREG) return type === S_IFDIR ? -EISDIR : -EINVAL;
    if (this.#parent === undefined) return this.#openByPath();
    const parent = this.#parent.enter();
    return parent < 0 ? parent : KernelFile.open(parent, this.#name);
  }

  /** What has the path by now must still be the same file. */
  #openByPath(): OpenFile | number {
    const file = KernelFile.ofHost(this.#name);
    if (typeof file === "number" || file.identity === this.facts.identity) return file;
    file.close();
    return -ESTALE;
  }

  attributes(): readonly Attribute[] | number {
    const { type } = this.facts;
    if (type === S_IFDIR) {
      const descriptor = this.enter();
      return descriptor < 0 ? descriptor : attributesOf(descriptor);
    }
    if (type !== S_IFREG || this.#parent === undefined) return -EINVAL;
    const parent = this.#parent.enter();
    const descriptor = parent < 0 ? parent : openat(parent, this.#name, FILE);
    if (descriptor < 0) return descriptor;
    const same = fstat(descriptor, stat) === 0 && stat.identity === this.facts.identity;
    const attributes = same ? attributesOf(descriptor) : -ESTALE;
    close(descriptor);
    return attributes;
  }

  refusal(): number {
    const descriptor = this.enter();
    if (descriptor < 0) return descriptor;
    if (refusesWrites(descriptor)) return -EACCES;
    return isReadOnly(descriptor) ? -EROFS : 0;
  }
}

/** The numbers of the character device that a path of the host leads to; undefined when it is none. */
export function deviceNumberOf(hostPath: string): DeviceNumber | undefined {
  if (statx(AT_FDCWD, hostPath, 0, stat) < 0 || stat.type !== S_IFCHR) return undefined;
  return { major: stat.major, minor: stat.minor };
}
