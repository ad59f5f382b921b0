/**
 * System calls on files. Each wrapper answers with a number >= 0, or with -errno; none throws for an error of the
 * kernel. Names are byte strings without NUL (one with NUL makes the primitive throw TypeError). Wrappers that hand the
 * kernel a buffer take its length from the buffer itself.
 */

import { textOf } from "../bytes/text.ts";
import { AT_EMPTY_PATH, PATH_MAX } from "./constants.ts";
import { EINTR, EIO, ENAMETOOLONG } from "./errno.ts";
import type { Stat } from "./stat.ts";
import * as NR from "./syscalls.ts";

/** How often a call that a signal interrupted is made again before its EINTR is reported. */
const EINTR_RETRIES = 16;

/** `STATX_BASIC_STATS`: what stat(2) would give. */
const STATX_BASIC_STATS = 0x7ff;

/** Makes a call, again and again while signals interrupt it. What is called often makes the first one without a closure. */
export function restarted(call: () => number): number {
  let result = call();
  for (let tries = 0; result === -EINTR && tries < EINTR_RETRIES; tries++) result = call();
  return result;
}

/** openat(2). `mode` counts with O_CREAT only. */
export function openat(directory: number, name: string, flags: number, mode?: number): number {
  const result = syscall(NR.openat, directory, name, flags, mode);
  return result === -EINTR ? restarted(() => syscall(NR.openat, directory, name, flags, mode)) : result;
}

/**
 * close(2). The descriptor is gone whatever the answer is, so an interrupted call is never made again; it is a success,
 * as Linux has taken the written bytes by then.
 */
export function close(fd: number): number {
  const result = syscall(NR.close, fd);
  return result === -EINTR ? 0 : result;
}

/** statx(2) on a name; `flags` of AT_SYMLINK_NOFOLLOW. Fills `stat`. */
export function statx(directory: number, name: string, flags: number, stat: Stat): number {
  const { buffer } = stat;
  const result = syscall(NR.statx, directory, name, flags, STATX_BASIC_STATS, buffer);
  if (result !== -EINTR) return result;
  return restarted(() => syscall(NR.statx, directory, name, flags, STATX_BASIC_STATS, buffer));
}

/** statx(2) on an open descriptor, O_PATH ones included. Fills `stat`. */
export function fstat(fd: number, stat: Stat): number {
  const result = syscall(NR.statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, stat.buffer);
  return result === -EINTR ? statx(fd, "", AT_EMPTY_PATH, stat) : result;
}

/** pread(2): fills `bytes` from byte `offset` of the file; answers how many bytes were read. */
export function pread(fd: number, bytes: Uint8Array, offset: number): number {
  const result = syscall(NR.pread64, fd, bytes, bytes.length, offset);
  return result === -EINTR ? restarted(() => syscall(NR.pread64, fd, bytes, bytes.length, offset)) : result;
}

/** As `pread`; 0 when the bytes cannot be read. */
export function preadOrNothing(fd: number, bytes: Uint8Array, offset: number): number {
  // The call itself, not `pread`: there are three for each library.
  let count = syscall(NR.pread64, fd, bytes, bytes.length, offset);
  if (count === -EINTR) count = pread(fd, bytes, offset);
  return count < 0 ? 0 : count;
}

/** read(2). */
export function read(fd: number, bytes: Uint8Array): number {
  return restarted(() => syscall(NR.read, fd, bytes, bytes.length));
}

/** write(2), once: may write less than all of `bytes`. */
export function write(fd: number, bytes: Uint8Array): number {
  return restarted(() => syscall(NR.write, fd, bytes, bytes.length));
}

/** Writes all of `bytes`; 0 when done, -errno at the first failure; -EIO when the file takes no more without saying why. */
export function writeAll(fd: number, bytes: Uint8Array): number {
  let rest = bytes;
  while (rest.length > 0) {
    const written = write(fd, rest);
    if (written <= 0) return written === 0 ? -EIO : written;
    rest = rest.subarray(written);
  }
  return 0;
}

/** getdents64(2): fills `bytes` with directory entries; 0 at the end of the directory. */
export function getdents64(fd: number, bytes: Uint8Array): number {
  const result = syscall(NR.getdents64, fd, bytes, bytes.length);
  return result === -EINTR ? restarted(() => syscall(NR.getdents64, fd, bytes, bytes.length)) : result;
}

const linkTarget = new Uint8Array(PATH_MAX);

/** readlinkat(2): the link's target as a byte string, or -errno; -ENAMETOOLONG for one that a path could not hold. */
export function readlinkat(directory: number, name: string): string | number {
  let length = syscall(NR.readlinkat, directory, name, linkTarget, PATH_MAX);
  if (length === -EINTR) length = restarted(() => syscall(NR.readlinkat, directory, name, linkTarget, PATH_MAX));
  if (length < 0) return length;
  return length < PATH_MAX ? textOf(linkTarget, 0, length) : -ENAMETOOLONG;
}

/** symlinkat(2). */
export function symlinkat(target: string, directory: number, name: string): number {
  const result = syscall(NR.symlinkat, target, directory, name);
  return result === -EINTR ? restarted(() => syscall(NR.symlinkat, target, directory, name)) : result;
}

/** unlinkat(2). */
export function unlinkat(directory: number, name: string, flags = 0): number {
  return restarted(() => syscall(NR.unlinkat, directory, name, flags));
}

/** rename(2) within one directory. */
export function renameWithin(directory: number, from: string, to: string): number {
  return restarted(() => syscall(NR.renameat2, directory, from, directory, to, 0));
}

/** mkdirat(2). */
export function mkdirat(directory: number, name: string, mode: number): number {
  return restarted(() => syscall(NR.mkdirat, directory, name, mode));
}

/** fchmod(2). */
export function fchmod(fd: number, mode: number): number {
  return restarted(() => syscall(NR.fchmod, fd, mode));
}

/** fsync(2). */
export function fsync(fd: number): number {
  return restarted(() => syscall(NR.fsync, fd));
}

const statfs = new Uint32Array(32);

/** The magic number of the file system that an open descriptor is on (statfs(2), linux/magic.h), or -errno. */
export function fileSystemMagic(fd: number): number {
  let result = syscall(NR.fstatfs, fd, statfs);
  if (result === -EINTR) result = restarted(() => syscall(NR.fstatfs, fd, statfs));
  return result < 0 ? result : (statfs[0] ?? 0);
}

/** `f_flags` of statfs(2): how the file system of an open descriptor is mounted. */
export const ST_RDONLY = 1;
export const ST_NOEXEC = 8;

/** The flags (ST_RDONLY, ST_NOEXEC) of the mount that an open descriptor is on, or -errno. */
export function mountFlags(fd: number): number {
  const result = restarted(() => syscall(NR.fstatfs, fd, statfs));
  return result < 0 ? result : (statfs[20] ?? 0);
}
