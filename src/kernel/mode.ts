import { AT_EMPTY_PATH, AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH } from "./constants.ts";
import { ENOSYS, EOPNOTSUPP, EPERM } from "./errno.ts";
import { close, fileSystemMagic, openat, restarted } from "./files.ts";
import * as NR from "./syscalls.ts";

const PROC_SUPER_MAGIC = 0x9fa0;

/**
 * Sets the permission bits of the file behind an O_PATH descriptor, whatever its type; 0 or -errno.
 *
 * A name would have to be looked up again, and could by then be a link or another file; opening for reading, as fchmod(2)
 * wants it, is not for devices and FIFOs, as it can have effects. So the descriptor itself is named: by fchmodat2(2)
 * since Linux 6.6, else through the caller's own /proc. EPERM may be the answer of a filter that does not know the new
 * call.
 */
export function chmodDescriptor(fd: number, mode: number): number {
  const result = restarted(() => syscall(NR.fchmodat2, fd, "", mode, AT_EMPTY_PATH));
  return result === -ENOSYS || result === -EPERM ? chmodThroughProc(fd, mode) : result;
}

/**
 * The same by fchmodat(2) on `/proc/self/fd/N`, an entry that leads to the open file and not to a name. -EOPNOTSUPP where
 * that is not the kernel's /proc.
 */
export function chmodThroughProc(fd: number, mode: number): number {
  const descriptors = openat(AT_FDCWD, "/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (descriptors < 0) return -EOPNOTSUPP;
  const result =
    fileSystemMagic(descriptors) === PROC_SUPER_MAGIC
      ? restarted(() => syscall(NR.fchmodat, descriptors, String(fd), mode))
      : -EOPNOTSUPP;
  close(descriptors);
  return result;
}
