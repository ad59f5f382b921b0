import { toText } from "../bytes/text.ts";
import { AT_FDCWD, O_CLOEXEC, O_NOFOLLOW, O_PATH, O_RDONLY } from "../kernel/constants.ts";
import { close, openat, pread } from "../kernel/files.ts";
import type { Stat } from "../kernel/stat.ts";

/** Bytes of /proc/self/fdinfo/N that are read; the line of the mount is one of the first. */
const READ = 512;

/**
 * Whether something is mounted on `name` in `directory`, of which `stat` was filled. Before Linux 5.8 statx(2) does not say:
 * then it is told by the mount that a descriptor is on (proc_pid_fdinfo(5), mnt_id). False where that cannot be read.
 */
export function isMountPoint(stat: Stat, directory: number, name: string): boolean {
  if (stat.knowsMounts) return stat.mountPoint;
  const descriptor = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor < 0) return false;
  const [above, own] = [mountOf(directory), mountOf(descriptor)];
  close(descriptor);
  return above !== undefined && own !== undefined && above !== own;
}

/** The id of the mount that a descriptor is on. */
function mountOf(descriptor: number): string | undefined {
  const file = openat(AT_FDCWD, `/proc/self/fdinfo/${descriptor}`, O_RDONLY | O_CLOEXEC);
  if (file < 0) return undefined;
  const bytes = new Uint8Array(READ);
  const length = pread(file, bytes, 0);
  close(file);
  return length < 0 ? undefined : /^mnt_id:\s*(\d+)$/m.exec(toText(bytes, 0, length))?.[1];
}
