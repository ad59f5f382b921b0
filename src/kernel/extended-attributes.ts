/** Extended attributes of open files (xattr(7)); none of these takes an O_PATH descriptor. */

import { toText } from "../bytes/text.ts";
import { restarted } from "./files.ts";
import * as NR from "./syscalls.ts";

/** XATTR_LIST_MAX and XATTR_SIZE_MAX (linux/limits.h). */
const LARGEST = 64 << 10;

/** flistxattr(2): the names of those that the caller may see, or -errno; -EOPNOTSUPP where the file system has none. */
export function flistxattr(fd: number): readonly string[] | number {
  const bytes = new Uint8Array(LARGEST);
  const length = restarted(() => syscall(NR.flistxattr, fd, bytes, bytes.length));
  return length < 0 ? length : toText(bytes, 0, length).split("\0").slice(0, -1);
}

/** fgetxattr(2): a copy of the value, or -errno; -ENODATA when there is none of that name. */
export function fgetxattr(fd: number, name: string): Uint8Array | number {
  const bytes = new Uint8Array(LARGEST);
  const length = restarted(() => syscall(NR.fgetxattr, fd, name, bytes, bytes.length));
  return length < 0 ? length : bytes.slice(0, length);
}

/** fsetxattr(2): makes the attribute or replaces its value. */
export function fsetxattr(fd: number, name: string, value: Uint8Array): number {
  return restarted(() => syscall(NR.fsetxattr, fd, name, value, value.length, 0));
}

/** fremovexattr(2); -ENODATA when there is none of that name. */
export function fremovexattr(fd: number, name: string): number {
  return restarted(() => syscall(NR.fremovexattr, fd, name));
}
