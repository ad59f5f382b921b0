/**
 * System calls that no hook makes at its start, in a file of their own so that a start does not evaluate them. Each answers
 * with a number >= 0, or with -errno.
 */

import { toText } from "../bytes/text.ts";
import { PATH_MAX, S_IFCHR } from "./constants.ts";
import { ENOENT } from "./errno.ts";
import { restarted } from "./files.ts";
import * as NR from "./syscalls.ts";

const RENAME_EXCHANGE = 2;
const W_OK = 2;

/** lseek(2) to byte `offset` from the start. */
export function seek(fd: number, offset: number): number {
  return syscall(NR.lseek, fd, offset, 0);
}

/** lseek(2) to the end, which is how large a block device is. */
export function seekEnd(fd: number): number {
  return syscall(NR.lseek, fd, 0, 2);
}

/** renameat2(2), RENAME_EXCHANGE: the two names change places, in one step. -EINVAL where the file system cannot. */
export function exchangeWithin(directory: number, one: string, other: string): number {
  return restarted(() => syscall(NR.renameat2, directory, one, directory, other, RENAME_EXCHANGE));
}

/** mknodat(2) of a character device 0:0, by which overlayfs knows that a name of a layer below is gone. */
export function makeWhiteout(directory: number, name: string): number {
  return syscall(NR.mknodat, directory, name, S_IFCHR, 0);
}

/** fchown(2). Clears set-user-ID bits and capabilities of the file. */
export function fchown(fd: number, uid: number, gid: number): number {
  return restarted(() => syscall(NR.fchown, fd, uid, gid));
}

/** faccessat(2) for W_OK: 0 when the caller may write there; -EROFS where nobody can. */
export function mayWrite(directory: number, name: string): number {
  return restarted(() => syscall(NR.faccessat, directory, name, W_OK));
}

/** The user whose rights the process has; 0 is root. */
export function geteuid(): number {
  return syscall(NR.geteuid);
}

/** chroot(2) and chdir(2) into it: from now on every path, a link's target too, is looked up below `directory`. 0 or -errno. */
export function changeRoot(directory: string): number {
  const result = syscall(NR.chroot, directory);
  return result < 0 ? result : syscall(NR.chdir, "/");
}

/** The working directory, a path without links (getcwd(2)); -errno when it is gone or out of reach. */
export function workingDirectory(): string | number {
  const buffer = new Uint8Array(PATH_MAX);
  const length = syscall(NR.getcwd, buffer, buffer.length);
  if (length < 0) return length;
  const path = toText(buffer, 0, length - 1);
  // Linux says `(unreachable)/x` of a directory that is outside of our root.
  return path.startsWith("/") ? path : -ENOENT;
}
