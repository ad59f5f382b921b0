/**
 * A file of ours, mounted over a file of the root, or of its procfs. Why it cannot reach anything else:
 *
 * 1. The root's /proc, into which no path of a container is walked, is entered by `Root.procfs` alone: its name is fixed,
 *    a link is not followed, and the file system behind the descriptor has to be procfs. An image cannot bring that along,
 *    only a runtime can mount it; a folder, or a link to another one, is refused.
 * 2. Below it, names that the program itself holds are opened one by one, links not followed. The last has to be a regular
 *    file by its descriptor. The mount goes onto that descriptor: what has the file's name by then does not matter.
 * 3. What is mounted comes from us: a tmpfs made for this one file, which nobody else has seen.
 * 4. What is mounted on is made a slave first, so that no mount onto it reaches a namespace that shares it. Thus the host
 *    keeps its view even where somebody bind-mounted the host's /proc into a root, or shares the root itself with the host;
 *    volumes that are shared on purpose stay so.
 *
 * The two ways to do it are compared in docs/adr/0007-mounting.md.
 */

import { HookError } from "../errors.ts";
import {
  AT_FDCWD,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_WRONLY,
  S_IFREG,
} from "../kernel/constants.ts";
import { EINVAL } from "../kernel/errno.ts";
import { close, fchmod, fileSystemMagic, fstat, openat, readlinkat, writeAll } from "../kernel/files.ts";
import {
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MS_BIND,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_RDONLY,
  MS_REC,
  MS_REMOUNT,
  MS_SLAVE,
  addAttributes,
  cloneMount,
  createFileSystem,
  detach,
  enterMountNamespace,
  fsmount,
  fsopen,
  makeReadOnly,
  mount,
  moveMount,
  setOption,
  stopPropagation,
} from "../kernel/mount.ts";
import { Stat } from "../kernel/stat.ts";
import { kernelFailure } from "./failure.ts";
import { KernelRoot } from "./kernel-root.ts";
import type { Root } from "./root.ts";
import { Walk } from "./walk.ts";

const STEP = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
const NAMED = O_PATH | O_NOFOLLOW | O_CLOEXEC;
const TMPFS_MAGIC = 0x01021994;
/** Room for the file and the tree around it. */
function tmpfsOptions(bytes: Uint8Array): readonly (readonly [string, string])[] {
  return [
    ["source", "tmpfs"],
    ["mode", "0755"],
    ["size", `${256 + (bytes.length >> 10)}k`],
  ];
}

/** Descriptors that are closed by scope. */
export class Held implements Disposable {
  readonly #descriptors: number[] = [];

  /** Keeps a descriptor, when it is one; answers with it, or with the -errno. */
  keep(descriptor: number): number {
    if (descriptor >= 0) this.#descriptors.push(descriptor);
    return descriptor;
  }

  [Symbol.dispose](): void {
    for (const descriptor of this.#descriptors.toReversed()) close(descriptor);
  }
}

/**
 * Mounts a read-only file with these bytes over a regular file of the root's procfs; `folders` and `name` lead to it from
 * /proc. The mount is in the container's mount namespace only, and lasts as long as that, or until somebody with the right
 * to it unmounts it. Throws HookError `kernel`; then nothing is mounted.
 */
export function coverProcFile(
  root: Root,
  folders: readonly [string, ...string[]],
  name: string,
  bytes: Uint8Array,
): void {
  const path = `/proc/${folders.join("/")}/${name}`;
  if (root.noteMount(path, bytes)) return;
  const real = realRoot(root, path);
  using held = new Held();
  const proc = held.keep(real.procfs());
  if (proc < 0) throw new HookError("kernel", "mount over", path, "no procfs is mounted on /proc of the root");
  const way = [proc];
  for (const folder of folders) way.push(check(held.keep(openat(way.at(-1) ?? proc, folder, STEP)), "reach", path));
  const place = { parent: way.at(-2) ?? proc, name: folders.at(-1) ?? "", directory: way.at(-1) ?? proc };
  const target = check(held.keep(openat(place.directory, name, NAMED)), "reach", path);
  cover(real, () => keepAllToOurselves(proc), place, target, bytes, path);
}

/**
 * Mounts a read-only file with these bytes over the regular file that `path` leads to, links followed inside the root, by
 * the same means. In the machine's own mount namespace nothing is mounted: it would stay. Throws HookError `kernel`.
 */
export function coverFile(root: Root, path: string, bytes: Uint8Array): void {
  const real = containersRoot(root, path);
  using held = new Held();
  using walk = new Walk(real.descriptor);
  let name = named(walk.enterParent(path), path);
  let target = check(held.keep(openat(walk.descriptor, name, NAMED)), "reach", path);
  for (let text = walk.readlink(name); typeof text === "string"; text = walk.readlink(name)) {
    name = named(walk.enterParent(text), path);
    target = check(held.keep(openat(walk.descriptor, name, NAMED)), "reach", path);
  }
  using above = new Walk(real.descriptor);
  const folder = named(above.enterParent(walk.path), path);
  const place = { parent: above.descriptor, name: folder, directory: walk.descriptor };
  cover(real, () => keepToOurselves(real, walk.descriptor), place, target, bytes, path);
}

/** Throws HookError `kernel` where nothing can be mounted for the container alone. */
export function containersRoot(root: Root, path: string): KernelRoot {
  const real = realRoot(root, path);
  if (real.namespace === undefined && isMachinesNamespace())
    throw new HookError("kernel", "mount over", path, "this is the machine's own mount namespace, no container's");
  return real;
}

/** Goes on in the namespace that the root is seen in, where something is about to be mounted. */
export function enterNamespaceOf(root: KernelRoot, path: string): void {
  root.forgetWays();
  if (root.namespace !== undefined) check(enterMountNamespace(root.namespace), "enter the mount namespace for", path);
}

export function check(result: number, what: string, path: string): number {
  if (result < 0) throw kernelFailure(what, path, result);
  return result;
}

/** The single name that a walk ended at; `.` for the directory itself. */
export function named(result: string | number, path: string): string {
  if (typeof result === "number") throw kernelFailure("reach", path, result);
  return result === "" ? "." : result;
}

function realRoot(root: Root, path: string): KernelRoot {
  const { real } = root;
  if (real instanceof KernelRoot) return real;
  throw new HookError("kernel", "mount over", path, "the container's mounts are not there yet");
}

/** Whether we are where process 1 is. Who may not ask is not. */
function isMachinesNamespace(): boolean {
  const [own, first] = ["self", "1"].map((process) => readlinkat(AT_FDCWD, `/proc/${process}/ns/mnt`));
  return typeof own === "string" && own === first;
}

/** The folder of a target, by its name in the one above it. */
interface Place {
  readonly parent: number;
  readonly name: string;
  readonly directory: number;
}

function cover(
  root: KernelRoot,
  keep: () => number,
  place: Place,
  target: number,
  bytes: Uint8Array,
  path: string,
): void {
  const stat = new Stat();
  check(fstat(target, stat), "look at", path);
  if (stat.type !== S_IFREG) throw new HookError("kernel", "mount over", path, "not a regular file");
  enterNamespaceOf(root, path);
  check(keep(), "keep others from seeing the mount over", path);
  if (coverDetached(target, bytes) === 0) return;
  check(coverAttached(place, target, bytes), "mount over", path);
}

/** Where the folder is not the top one of a mount, there is nothing to be done. */
function keepAllToOurselves(folder: number): number {
  const result = stopPropagation(folder, true);
  if (result === 0) return result;
  const other = mount("", byDescriptor(folder), "", MS_REC | MS_SLAVE, "");
  return other === -EINVAL ? 0 : other;
}

/**
 * The mount that holds a folder of the root, and no other: its top is looked for upwards. -EINVAL when that is beyond the
 * root, which every runtime makes a mount of its own.
 */
export function keepToOurselves(root: KernelRoot, folder: number): number {
  using held = new Held();
  const stat = new Stat();
  for (let at = folder; ; at = held.keep(openat(at, "..", STEP))) {
    if (at < 0) return at;
    let result = stopPropagation(at, false);
    if (result < 0) result = mount("", byDescriptor(at), "", MS_SLAVE, "");
    if (result !== -EINVAL) return result;
    if (fstat(at, stat) < 0 || stat.identity === root.identity) return -EINVAL;
  }
}

/** Since Linux 6.15: the file system is never in any namespace, only the finished file enters ours, in one step. */
function coverDetached(target: number, bytes: Uint8Array): number {
  using held = new Held();
  const fileSystem = held.keep(fsopen("tmpfs"));
  if (fileSystem < 0) return fileSystem;
  for (const [option, value] of tmpfsOptions(bytes)) {
    const result = setOption(fileSystem, option, value);
    if (result < 0) return result;
  }
  const created = createFileSystem(fileSystem);
  if (created < 0) return created;
  const attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  const top = held.keep(fsmount(fileSystem, attributes));
  if (top < 0) return top;
  let result = writeIn(top, bytes);
  if (result === 0) result = makeReadOnly(fileSystem);
  const file = result < 0 ? result : held.keep(cloneMount(top, FILE));
  result = file < 0 ? file : addAttributes(file, attributes | MOUNT_ATTR_RDONLY);
  return result < 0 ? result : moveMount(file, target);
}

/**
 * On any Linux, with the host's /proc: the file system is for a moment mounted on the folder that holds the target. What mount(2) takes as paths are our own descriptors.
 */
function coverAttached({ parent, name, directory }: Place, target: number, bytes: Uint8Array): number {
  const flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  const options = tmpfsOptions(bytes)
    .slice(1)
    .map((option) => option.join("="));
  const mounted = mount("tmpfs", byDescriptor(directory), "tmpfs", flags, options.join(","));
  if (mounted < 0) return mounted;
  using held = new Held();
  // The descriptor of the directory is on what lies below the mount: its top is found by the name.
  const top = held.keep(openat(parent, name, STEP));
  if (top < 0) return top;
  if (fileSystemMagic(top) !== TMPFS_MAGIC) return -EINVAL;
  let result = writeIn(top, bytes);
  if (result === 0) result = mount("", byDescriptor(top), "", MS_REMOUNT | MS_RDONLY | flags, "");
  const file = result < 0 ? result : held.keep(openat(top, FILE, NAMED));
  // The new mount has the flags of the one that it is a part of, read-only among them.
  result = file < 0 ? file : mount(byDescriptor(file), byDescriptor(target), "", MS_BIND, "");
  const detached = detach(byDescriptor(top));
  return result < 0 ? result : detached;
}

const FILE = "params";

function writeIn(directory: number, bytes: Uint8Array): number {
  const descriptor = openat(directory, FILE, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o444);
  if (descriptor < 0) return descriptor;
  let result = writeAll(descriptor, bytes);
  if (result === 0) result = fchmod(descriptor, 0o444);
  const closed = close(descriptor);
  return result < 0 ? result : closed;
}

/** A path that leads to what a descriptor is open on, whatever names that has. */
export function byDescriptor(descriptor: number): string {
  return `/proc/self/fd/${descriptor}`;
}
