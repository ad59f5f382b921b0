/** File leases (fcntl(2), F_SETLEASE): how a reader learns of writers. As in files.ts: a number >= 0, or -errno. */

import * as NR from "./syscalls.ts";

const F_SETLEASE = 1024;
const F_GETLEASE = 1025;
const F_RDLCK = 0;
const F_UNLCK = 2;

/**
 * Takes a read lease on a file that is open for reading: -EAGAIN when a process has it open for writing. Whoever then
 * opens or truncates it for writing waits until the lease is given back, at most /proc/sys/fs/lease-break-time seconds,
 * and the holder is sent SIGIO. -EINVAL where the file system has no leases.
 */
export function takeReadLease(descriptor: number): number {
  return syscall(NR.fcntl, descriptor, F_SETLEASE, F_RDLCK);
}

/** Whether the lease still holds and nobody waits to write. */
export function leaseHolds(descriptor: number): boolean {
  return syscall(NR.fcntl, descriptor, F_GETLEASE) === F_RDLCK;
}

export function giveBackLease(descriptor: number): number {
  return syscall(NR.fcntl, descriptor, F_SETLEASE, F_UNLCK);
}
