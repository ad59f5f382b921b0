import { HookError } from "../errors.ts";
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH, O_RDONLY } from "../kernel/constants.ts";
import { EIO, EFBIG, describeErrno } from "../kernel/errno.ts";
import { close, fileSystemMagic, fstat, openat, pread } from "../kernel/files.ts";
import { Stat } from "../kernel/stat.ts";

const PROC_SUPER_MAGIC = 0x9fa0;
/** Ours has 3 MB. */
const largest = 64 << 20;

/**
 * The bytes of the executable that this process runs: of the very file, whatever names lead to it and whatever stands
 * under them by now. `argv[0]` says nothing, as a caller may put anything there. Throws HookError `kernel` without a
 * /proc that is the kernel's.
 */
export function ownExecutable(): Uint8Array {
  const proc = openat(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  const isProc = proc >= 0 && fileSystemMagic(proc) === PROC_SUPER_MAGIC;
  close(proc);
  if (!isProc) throw new HookError("kernel", "open", "/proc/self/exe", "/proc is not mounted");
  // The whole path in one call: emulators of another architecture's programs look for it.
  const file = openat(AT_FDCWD, "/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (file < 0) throw new HookError("kernel", "open", "/proc/self/exe", describeErrno(file), { errno: -file });
  try {
    return wholeFile(file);
  } finally {
    close(file);
  }
}

function wholeFile(file: number): Uint8Array {
  const stat = new Stat();
  let result = fstat(file, stat);
  if (result >= 0 && stat.size > largest) result = -EFBIG;
  if (result < 0) throw new HookError("kernel", "read", "/proc/self/exe", describeErrno(result), { errno: -result });
  const bytes = new Uint8Array(stat.size);
  for (let at = 0; at < bytes.length;) {
    const length = pread(file, bytes.subarray(at), at);
    if (length <= 0) throw new HookError("kernel", "read", "/proc/self/exe", describeErrno(length || -EIO));
    at += length;
  }
  return bytes;
}
