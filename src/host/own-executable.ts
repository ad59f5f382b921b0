import { HookError } from "../errors.ts";
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH, O_RDONLY } from "../kernel/constants.ts";
import { EIO, EFBIG, describeErrno } from "../kernel/errno.ts";
import { close, fileSystemMagic, fstat, openat, pread } from "../kernel/files.ts";
import { Stat } from "../kernel/stat.ts";
import { hostFacts, hostFactsBehindLinks } from "./host-facts.ts";

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

/** A path that leads to that executable; undefined when it has none any more, or an emulator's is the one that runs. */
export function ownExecutablePath(): string | undefined {
  const self = "/proc/self/exe";
  const path = hostFacts(self)?.target;
  if (path?.startsWith("/") !== true) return undefined;
  return hostFacts(path)?.identity === hostFactsBehindLinks(self)?.identity ? path : undefined;
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
