/**
 * System calls on mounts. As in files.ts: a number >= 0, or -errno. All but `mount` and `unmount` take descriptors only.
 */

import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, O_CLOEXEC } from "./constants.ts";
import { restarted } from "./files.ts";
import * as NR from "./syscalls.ts";

/** Flags of mount(2) (linux/mount.h). */
export const MS_RDONLY = 1;
export const MS_NOSUID = 2;
export const MS_NODEV = 4;
export const MS_NOEXEC = 8;
export const MS_REMOUNT = 32;
export const MS_BIND = 4096;
export const MS_REC = 16384;
export const MS_SLAVE = 1 << 19;

/** Attributes of one mount, for fsmount(2) and mount_setattr(2). */
export const MOUNT_ATTR_RDONLY = 1;
export const MOUNT_ATTR_NOSUID = 2;
export const MOUNT_ATTR_NODEV = 4;
export const MOUNT_ATTR_NOEXEC = 8;

const FSOPEN_CLOEXEC = 1;
const FSMOUNT_CLOEXEC = 1;
const FSCONFIG_SET_FLAG = 0;
const FSCONFIG_SET_STRING = 1;
const FSCONFIG_CMD_CREATE = 6;
const FSCONFIG_CMD_RECONFIGURE = 7;
const OPEN_TREE_CLONE = 1;
const MOVE_MOUNT_F_EMPTY_PATH = 0x04;
const MOVE_MOUNT_T_EMPTY_PATH = 0x40;
const AT_RECURSIVE = 0x8000;
const MNT_DETACH = 2;

/** fsopen(2): a file system of that type that is still to be configured. Linux 5.2. */
export function fsopen(type: string): number {
  return syscall(NR.fsopen, type, FSOPEN_CLOEXEC);
}

/** fsconfig(2), FSCONFIG_SET_STRING: what an option of mount(8) says. */
export function setOption(fileSystem: number, name: string, value: string): number {
  return syscall(NR.fsconfig, fileSystem, FSCONFIG_SET_STRING, name, value, 0);
}

/** fsconfig(2), FSCONFIG_CMD_CREATE. */
export function createFileSystem(fileSystem: number): number {
  return restarted(() => syscall(NR.fsconfig, fileSystem, FSCONFIG_CMD_CREATE, 0, 0, 0));
}

/** fsconfig(2), FSCONFIG_CMD_RECONFIGURE: after fsmount, makes the file system read-only, whatever its mounts allow. */
export function makeReadOnly(fileSystem: number): number {
  const result = syscall(NR.fsconfig, fileSystem, FSCONFIG_SET_FLAG, "ro", 0, 0);
  return result < 0 ? result : restarted(() => syscall(NR.fsconfig, fileSystem, FSCONFIG_CMD_RECONFIGURE, 0, 0, 0));
}

/** fsmount(2): a descriptor of the file system's root on a mount of its own, which is in no namespace. Linux 5.2. */
export function fsmount(fileSystem: number, attributes: number): number {
  return syscall(NR.fsmount, fileSystem, FSMOUNT_CLOEXEC, attributes);
}

/**
 * open_tree(2), OPEN_TREE_CLONE: a descriptor of a new mount whose root is the file `name`, a link itself. -EINVAL when
 * `directory` is on a mount that is in no namespace and Linux is older than 6.15.
 */
export function cloneMount(directory: number, name: string): number {
  return syscall(NR.open_tree, directory, name, OPEN_TREE_CLONE | O_CLOEXEC | AT_SYMLINK_NOFOLLOW);
}

/** move_mount(2) between descriptors. Linux 5.2. */
export function moveMount(moved: number, target: number): number {
  return syscall(NR.move_mount, moved, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

/** `struct mount_attr`: four numbers of 64 bits: attributes to set, to clear, propagation, user namespace. */
const ATTRIBUTES_SIZE = 32;

/** mount_setattr(2): adds attributes to the mount whose root `top` is. Linux 5.12. */
export function addAttributes(top: number, attributes: number): number {
  const attr = new Uint32Array(ATTRIBUTES_SIZE / 4);
  attr[0] = attributes;
  return syscall(NR.mount_setattr, top, "", AT_EMPTY_PATH, attr, ATTRIBUTES_SIZE);
}

/**
 * mount_setattr(2): no mount made on this one from now on is seen in another namespace, with `below` on none below it
 * either. -EINVAL when `top` is not the root of a mount. Linux 5.12.
 */
export function stopPropagation(top: number, below: boolean): number {
  const attr = new Uint32Array(ATTRIBUTES_SIZE / 4);
  attr[4] = MS_SLAVE;
  return syscall(NR.mount_setattr, top, "", AT_EMPTY_PATH | (below ? AT_RECURSIVE : 0), attr, ATTRIBUTES_SIZE);
}

/**
 * mount(2). It takes paths, which the kernel resolves: hand over such of the form `/proc/self/fd/N` only. Where the flags
 * leave a meaning to none of source, type or data, they are "".
 */
export function mount(source: string, target: string, type: string, flags: number, data: string): number {
  return restarted(() => syscall(NR.mount, source, target, type, flags, data));
}

/** umount2(2): the mount whose root the path names goes from the namespace at once, from the kernel when it is unused. */
export function detach(path: string): number {
  return syscall(NR.umount2, path, MNT_DETACH);
}

/** setns(2) with CLONE_NEWNS: this process goes on in the mount namespace behind a descriptor of its /proc file. */
export function enterMountNamespace(descriptor: number): number {
  const CLONE_NEWNS = 0x0002_0000;
  return syscall(NR.setns, descriptor, CLONE_NEWNS);
}
