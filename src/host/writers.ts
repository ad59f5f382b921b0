import { AT_FDCWD, O_CLOEXEC, O_NOCTTY, O_NONBLOCK, O_RDONLY, S_IFREG } from "../kernel/constants.ts";
import { EAGAIN } from "../kernel/errno.ts";
import { close, fstat, openat } from "../kernel/files.ts";
import { giveBackLease, leaseHolds, takeReadLease } from "../kernel/lease.ts";
import { Stat } from "../kernel/stat.ts";

/**
 * Does something with a file of the host that nobody has open for writing; whoever opens it for writing meanwhile waits
 * until it is done. `undisturbed` tells whether nobody waits. Answers "being written" without doing anything when the
 * file is open for writing, and "absent" when no regular file can be opened. On a file system without leases (fcntl(2))
 * writers cannot be told, and the work is done all the same. SIGIO has to be blocked or ignored.
 */
export function withoutWriters(
  path: string,
  work: (undisturbed: () => boolean) => void,
): "done" | "being written" | "absent" {
  const fd = openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return "absent";
  try {
    const stat = new Stat();
    if (fstat(fd, stat) < 0 || stat.type !== S_IFREG) return "absent";
    const lease = takeReadLease(fd);
    if (lease === -EAGAIN) return "being written";
    work(() => lease < 0 || leaseHolds(fd));
    if (lease >= 0) giveBackLease(fd);
    return "done";
  } finally {
    close(fd);
  }
}
