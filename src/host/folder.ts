import { toText } from "../bytes/text.ts";
import { HookError, type ErrorCode } from "../errors.ts";
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_RDONLY } from "../kernel/constants.ts";
import { describeErrno, ENOENT, ENOTDIR } from "../kernel/errno.ts";
import { close, getdents64, openat } from "../kernel/files.ts";

const entriesBytes = 64 << 10;
/** Where d_name begins in a struct linux_dirent64; before it d_ino, d_off, d_reclen and d_type. */
const nameAt = 19;
const lengthAt = 16;

/**
 * The names in a folder of the host, sorted by bytes, without `.` and `..`; or that nothing is there, or something else.
 * Throws HookError of the given code, or `limit` above `limit` names.
 */
export function hostFolder(path: string, code: ErrorCode, limit: number): readonly string[] | "nothing" | "no folder" {
  const fd = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd === -ENOENT) return "nothing";
  if (fd === -ENOTDIR) return "no folder";
  if (fd < 0) throw new HookError(code, "open", path, describeErrno(fd));
  try {
    const names: string[] = [];
    const bytes = new Uint8Array(entriesBytes);
    for (let used = getdents64(fd, bytes); used !== 0; used = getdents64(fd, bytes)) {
      if (used < 0) throw new HookError(code, "list", path, describeErrno(used));
      names.push(...namesIn(bytes, used));
      if (names.length > limit) throw new HookError("limit", "list", path, `more than ${limit} names`);
    }
    return names.sort();
  } finally {
    close(fd);
  }
}

function namesIn(bytes: Uint8Array, used: number): string[] {
  const names: string[] = [];
  for (let at = 0; at < used;) {
    const length = (bytes[at + lengthAt] ?? 0) | ((bytes[at + lengthAt + 1] ?? 0) << 8);
    const field = toText(bytes, at + nameAt, at + length);
    const name = field.slice(0, field.indexOf("\0"));
    if (name !== "." && name !== "..") names.push(name);
    at += length;
  }
  return names;
}
