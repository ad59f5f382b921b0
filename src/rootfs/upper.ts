/**
 * Changes of a tree as the upper directory of overlayfs (Documentation/filesystems/overlayfs.rst), for a runtime that mounts
 * it over the root: what is new lies there by its path, what is gone is a character device 0:0, and folders on the way have
 * the mode, owner and extended attributes that they have in the root, as those of the upper layer count. No folder has to be opaque: a tree never
 * has one where the root has one that is to be hidden.
 */
import { HookError } from "../errors.ts";
import {
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_WRONLY,
  S_IFREG,
} from "../kernel/constants.ts";
import { EEXIST, EIO } from "../kernel/errno.ts";
import { close, fchmod, mkdirat, openat, symlinkat, writeAll } from "../kernel/files.ts";
import { fchown, makeWhiteout } from "../kernel/seldom.ts";
import { setAttributes } from "./attributes.ts";
import type { Change } from "./changes.ts";
import { kernelFailure } from "./failure.ts";
import type { KernelRoot } from "./kernel-root.ts";
import type { Attribute } from "./source.ts";
import { OpenDescriptors } from "./open-descriptors.ts";
import type { VirtualRoot } from "./virtual-root.ts";

const FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
/** Bytes of a file that is copied for its mode. */
const largestCopy = 256 << 20;
/** Folders that stay open between two changes. */
const mostOpen = 64;

/**
 * Writes the changes of `tree` into `upper`, a folder of the host with nothing in it. Mounts that were only noted are left
 * out. Throws HookError `kernel`.
 */
export function writeUpper(tree: VirtualRoot, upper: KernelRoot): void {
  using folders = new Folders(tree, upper.descriptor);
  folders.of("/");
  for (const change of tree.changes) {
    const result = writeOne(change, tree, folders);
    if (result < 0) throw kernelFailure("write into the upper directory", change.path, result);
  }
}

/** 0 or -errno. */
function writeOne(change: Change, tree: VirtualRoot, folders: Folders): number {
  const { kind, path } = change;
  const slash = path.lastIndexOf("/");
  const name = path.slice(slash + 1);
  if (kind === "mounted") return 0;
  if (kind === "directory") return Math.min(0, folders.of(path));
  const folder = folders.of(path.slice(0, slash) || "/");
  if (folder < 0) return folder;
  switch (kind) {
    case "link":
      return symlinkat(change.target, folder, name);
    case "removed":
      return makeWhiteout(folder, name);
    case "file":
      return writeFile(folder, name, change.bytes, { mode: change.mode, uid: 0, gid: 0 }, undefined);
    case "mode":
      return copyUp(path, folder, name, tree, folders);
  }
}

/** What only has another mode is in the upper layer as a whole. */
function copyUp(path: string, folder: number, name: string, tree: VirtualRoot, folders: Folders): number {
  const facts = tree.lstat(path);
  if (typeof facts === "number") return facts;
  if (facts.type !== S_IFREG) return Math.min(0, folders.of(path));
  const bytes = tree.read(path, largestCopy);
  const attributes = tree.attributes(path);
  if (typeof attributes === "number") return attributes;
  return typeof bytes === "number" ? bytes : writeFile(folder, name, bytes, facts, attributes);
}

interface Owned {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Without attributes, those that a new file gets from its folder stay. */
function writeFile(
  folder: number,
  name: string,
  bytes: Uint8Array,
  owned: Owned,
  attributes: readonly Attribute[] | undefined,
): number {
  const file = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600);
  if (file < 0) return file;
  let result = writeAll(file, bytes);
  if (result >= 0) result = own(file, owned, attributes);
  const closed = close(file);
  return Math.min(result, closed);
}

/** The owner first: a change of it takes set-user-ID and capabilities away. The mode last: an access list has one of its own. */
function own(descriptor: number, { mode, uid, gid }: Owned, attributes: readonly Attribute[] | undefined): number {
  let result = fchown(descriptor, uid, gid);
  if (result >= 0 && attributes !== undefined) result = setAttributes(descriptor, attributes);
  return result < 0 ? result : fchmod(descriptor, mode);
}

/** The folders of the upper directory, by their path in the root; each is made once. */
class Folders implements Disposable {
  readonly #tree: VirtualRoot;
  readonly #upper: number;
  readonly #open: OpenDescriptors<string> = new OpenDescriptors(mostOpen);
  readonly #made: Set<string> = new Set();

  constructor(tree: VirtualRoot, upper: number) {
    this.#tree = tree;
    this.#upper = upper;
  }

  /** A descriptor, which the next call may close, or -errno. `path` is free of links. */
  of(path: string): number {
    const known = this.#open.get(path);
    if (known !== undefined) return known;
    const made = path === "/" ? openat(this.#upper, ".", FOLDER) : this.#enter(path);
    if (made < 0) return made;
    this.#open.add(path, made);
    if (this.#made.has(path)) return made;
    this.#made.add(path);
    const facts = this.#tree.lstat(path);
    if (typeof facts === "number") return facts;
    const attributes = this.#tree.attributes(path);
    if (typeof attributes === "number") return attributes;
    const result = own(made, facts, this.#tree.isNew(path) ? undefined : attributes);
    return result < 0 ? result : made;
  }

  #enter(path: string): number {
    const slash = path.lastIndexOf("/");
    const parent = this.of(path.slice(0, slash) || "/");
    if (parent < 0) return parent;
    const name = path.slice(slash + 1);
    const result = this.#made.has(path) ? 0 : mkdirat(parent, name, 0o700);
    if (result < 0) return result === -EEXIST ? -EIO : result;
    return openat(parent, name, FOLDER);
  }

  [Symbol.dispose](): void {
    this.#open[Symbol.dispose]();
  }
}

/** Throws HookError `refused` unless the folder is empty. */
export function refuseUsed(upper: KernelRoot): void {
  const opened = upper.directory("/");
  if (typeof opened === "number") throw kernelFailure("read", upper.hostPath, opened);
  using directory = opened;
  if (directory.list(1).names.length > 0)
    throw new HookError("refused", "write into", upper.hostPath, "there is something in it already");
}
