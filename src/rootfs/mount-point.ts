/**
 * Mount points that a read-only root lacks: over the folder that should hold them a layer is laid which has them, and shows
 * the folder's own files otherwise. overlayfs does that, with two layers to read and none to write.
 *
 * What is mounted below the folder, as runtimes do it with /etc/hosts and /etc/resolv.conf, would be hidden: it is found
 * first, by descriptors, and bound onto its place in the new layer. Targets are reached as in mount.ts, whose argument
 * holds here too; the lower layers are named by our own descriptors.
 */
import { HookError } from "../errors.ts";
import {
  AT_SYMLINK_NOFOLLOW,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  S_IFDIR,
  S_IFREG,
} from "../kernel/constants.ts";
import { EEXIST, EFBIG, EINVAL, ENAMETOOLONG, ENOENT } from "../kernel/errno.ts";
import { close, fchmod, fileSystemMagic, fstat, mkdirat, mountFlags, openat, statx } from "../kernel/files.ts";
import {
  MS_BIND,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_RDONLY,
  MS_REC,
  MS_REMOUNT,
  detach,
  mount,
} from "../kernel/mount.ts";
import { fchown } from "../kernel/seldom.ts";
import { Stat } from "../kernel/stat.ts";
import { listDirectory } from "./kernel-directory.ts";
import type { KernelRoot } from "./kernel-root.ts";
import { isMountPoint } from "./mount-identity.ts";
import { Held, byDescriptor, check, containersRoot, enterNamespaceOf, keepToOurselves, named } from "./mount.ts";
import type { Root } from "./root.ts";
import { MAX_DEPTH, Walk } from "./walk.ts";

const STEP = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
const LISTED = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
const NAMED = O_PATH | O_NOFOLLOW | O_CLOEXEC;
const TMPFS_MAGIC = 0x01021994;
const OVERLAYFS_MAGIC = 0x794c7630;
/** Names below a folder that are looked at for mounts. */
const mostNames = 50_000;

/**
 * Makes the regular files that are missing at these paths, empty, to be mounted over. Those of one folder are made
 * together. Throws HookError `kernel`; then no layer is left.
 */
export function makeMountPoints(root: Root, paths: readonly string[]): void {
  const byFolder = new Map<string, string[]>();
  for (const path of paths) {
    const real = containersRoot(root, path);
    const facts = real.stat(path);
    if (typeof facts === "object" && facts.type === S_IFREG) continue;
    const [folder, rest] = nearestFolder(real, path);
    byFolder.set(folder, [...(byFolder.get(folder) ?? []), rest]);
  }
  for (const [folder, files] of byFolder) layOver(containersRoot(root, folder), folder, files);
}

/** The deepest folder on the way that is there, its path free of links, and the rest of the way. */
function nearestFolder(root: KernelRoot, path: string): readonly [folder: string, rest: string] {
  for (let slash = path.lastIndexOf("/"); slash > 0; slash = path.lastIndexOf("/", slash - 1)) {
    const opened = root.directory(path.slice(0, slash));
    if (typeof opened === "number") {
      check(opened === -ENOENT ? 0 : opened, "reach", path);
      continue;
    }
    using directory = opened;
    if (directory.path !== "/") return [directory.path, path.slice(slash + 1)];
  }
  const reason = `the image has no /${path.split("/")[1] ?? ""}: an empty folder of that name in it is enough`;
  throw new HookError("kernel", "make mount point", path, reason, { errno: ENOENT });
}

/** A mount below a folder, by the names that lead to it. */
interface Below {
  readonly names: readonly string[];
  readonly descriptor: number;
}

function layOver(root: KernelRoot, folder: string, files: readonly string[]): void {
  using held = new Held();
  using walk = new Walk(root.descriptor);
  check(walk.enter(folder), "reach", folder);
  using above = new Walk(root.descriptor);
  const name = named(above.enterParent(folder), folder);
  const below: Below[] = [];
  check(mountsBelow(walk.descriptor, [], { left: mostNames }, held, below), "look for mounts in", folder);
  enterNamespaceOf(root, folder);
  check(keepToOurselves(root, walk.descriptor), "keep others from seeing the layer over", folder);
  const top = (): number => held.keep(openat(above.descriptor, name, STEP));
  check(layers(walk.descriptor, top, files, below), "lay a layer over", folder);
}

/** 0 or -errno; the mounts themselves are not descended into. */
function mountsBelow(
  folder: number,
  names: readonly string[],
  effort: { left: number },
  held: Held,
  found: Below[],
): number {
  if (names.length > MAX_DEPTH) return -ENAMETOOLONG;
  const listed = openat(folder, ".", LISTED);
  if (listed < 0) return listed;
  const { names: all, ended } = listDirectory(listed, effort.left);
  close(listed);
  if (ended < 0) return ended;
  effort.left -= all.length;
  if (effort.left <= 0) return -EFBIG;
  const stat = new Stat();
  for (const name of all) {
    if (statx(folder, name, AT_SYMLINK_NOFOLLOW, stat) < 0) continue;
    const way = [...names, name];
    if (isMountPoint(stat, folder, name)) {
      const descriptor = held.keep(openat(folder, name, NAMED));
      if (descriptor < 0) return descriptor;
      found.push({ names: way, descriptor });
    } else if (stat.type === S_IFDIR) {
      const child = openat(folder, name, STEP);
      if (child < 0) return child;
      const result = mountsBelow(child, way, effort, held, found);
      close(child);
      if (result < 0) return result;
    }
  }
  return 0;
}

/** `top` opens what is uppermost on the folder. 0 or -errno, and then nothing is left on it. */
function layers(folder: number, top: () => number, files: readonly string[], below: readonly Below[]): number {
  const ours = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  const mounted = mount("tmpfs", byDescriptor(folder), "tmpfs", ours, "mode=0755,size=256k");
  if (mounted < 0) return mounted;
  const upper = top();
  let result = fileSystemMagic(upper) === TMPFS_MAGIC ? furnish(folder, upper, files) : Math.min(upper, -EINVAL);
  if (result === 0) result = mount("", byDescriptor(upper), "", MS_REMOUNT | MS_RDONLY | ours, "");
  if (result === 0) {
    const flags = Math.max(0, mountFlags(folder)) & ours;
    const layered = `lowerdir=${byDescriptor(upper)}:${byDescriptor(folder)}`;
    result = mount("overlay", byDescriptor(upper), "overlay", MS_RDONLY | flags, layered);
    const layer = result < 0 ? result : top();
    if (layer >= 0 && fileSystemMagic(layer) === OVERLAYFS_MAGIC) {
      result = restore(layer, below);
      if (result < 0) detach(byDescriptor(layer));
    } else if (result === 0) result = Math.min(layer, -EINVAL);
  }
  if (result < 0 && upper >= 0) detach(byDescriptor(upper));
  return result;
}

/** The folder's mode and owner, as the uppermost layer's count, and the files. */
function furnish(folder: number, upper: number, files: readonly string[]): number {
  using held = new Held();
  const directory = held.keep(openat(upper, ".", LISTED));
  const stat = new Stat();
  let result = directory < 0 ? directory : fstat(folder, stat);
  if (result >= 0) result = fchown(directory, stat.uid, stat.gid);
  if (result >= 0) result = fchmod(directory, stat.mode);
  for (const file of files) {
    if (result < 0) return result;
    const names = file.split("/");
    const last = names.pop() ?? "";
    let at = directory;
    for (const name of names) {
      const made = mkdirat(at, name, 0o755);
      at = made < 0 && made !== -EEXIST ? made : held.keep(openat(at, name, LISTED));
      if (at < 0) return at;
      fchmod(at, 0o755);
    }
    result = openat(at, last, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o444);
    if (result >= 0) result = close(result);
  }
  return Math.min(0, result);
}

/** Binds mounts onto their places in the layer. */
function restore(layer: number, below: readonly Below[]): number {
  for (const { names, descriptor } of below) {
    using held = new Held();
    let at = layer;
    for (const name of names) at = at < 0 ? at : held.keep(openat(at, name, NAMED));
    const result = at < 0 ? at : mount(byDescriptor(descriptor), byDescriptor(at), "", MS_BIND | MS_REC, "");
    if (result < 0) return result;
  }
  return 0;
}
