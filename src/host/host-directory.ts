/** Directories of the host: what is in them, and the temporary names that we use there. */

import { toText } from "../bytes/text.ts";
import { HookError } from "../errors.ts";
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_RDONLY } from "../kernel/constants.ts";
import { describeErrno } from "../kernel/errno.ts";
import { close, getdents64, openat, unlinkat } from "../kernel/files.ts";
import { getpid, getrandom, processExists } from "../kernel/process.ts";

const ENTRIES_BYTES = 64 << 10;
/** Bytes of one `struct linux_dirent64` before its name, and where its length stands. */
const NAME_AT = 19;
const LENGTH_AT = 16;

/** Opens a directory of the host for `use`, and closes it. The descriptor can be listed and synced. Throws HookError `kernel`. */
export function withHostDirectory<T>(path: string, use: (descriptor: number) => T): T {
  const descriptor = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) {
    throw new HookError("kernel", "open directory", path, describeErrno(descriptor), { errno: -descriptor });
  }
  try {
    return use(descriptor);
  } finally {
    close(descriptor);
  }
}

/** The names in a directory of the host, sorted by their bytes, without `.` and `..`. Throws HookError `kernel`. */
export function listHostDirectory(path: string): readonly string[] {
  return withHostDirectory(path, (descriptor) => {
    const names = namesIn(descriptor);
    if (typeof names === "number") throw new HookError("kernel", "list", path, describeErrno(names), { errno: -names });
    return names;
  });
}

/** The names in an open directory that has not been read yet, sorted, or -errno. */
function namesIn(descriptor: number): readonly string[] | number {
  const names: string[] = [];
  const bytes = new Uint8Array(ENTRIES_BYTES);
  for (;;) {
    const used = getdents64(descriptor, bytes);
    if (used < 0) return used;
    if (used === 0) break;
    for (let at = 0; at < used;) {
      const length = (bytes[at + LENGTH_AT] ?? 0) | ((bytes[at + LENGTH_AT + 1] ?? 0) << 8);
      const padded = toText(bytes, at + NAME_AT, at + length);
      names.push(padded.slice(0, padded.indexOf("\0")));
      at += length;
    }
  }
  return names.filter((name) => name !== "." && name !== "..").sort();
}

/** `.cdi-hook-PID-RANDOM`: no CDI reader takes it for a spec, as it ends in neither `.json` nor `.yaml`. */
const TEMPORARY = /^\.cdi-hook-(\d{1,10})-[0-9a-f]{16}$/;

/** A temporary name for what shall be renamed within its directory. Throws HookError `kernel` without random numbers. */
export function temporaryHostName(): string {
  const random = new Uint8Array(8);
  const result = getrandom(random);
  if (result < 0) throw new HookError("kernel", "get", "random bytes", describeErrno(result), { errno: -result });
  const digits = Array.from(random, (byte) => (byte + 0x100).toString(16).slice(1));
  return `.cdi-hook-${getpid()}-${digits.join("")}`;
}

/**
 * Removes what killed processes of ours left in an open directory that has not been read yet: temporary names whose
 * process is gone. Answers with what it removed.
 */
export function removeLeftovers(descriptor: number): readonly string[] {
  const names = namesIn(descriptor);
  if (typeof names === "number") return [];
  return names.filter((name) => {
    const pid = Number(TEMPORARY.exec(name)?.[1] ?? 0);
    return pid > 0 && pid !== getpid() && !processExists(pid) && unlinkat(descriptor, name) >= 0;
  });
}
