import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  O_CLOEXEC,
  O_NOCTTY,
  O_NONBLOCK,
  O_RDONLY,
  S_IFREG,
} from "../kernel/constants.ts";
import { EAGAIN } from "../kernel/errno.ts";
import { close, fstat, openat, statx } from "../kernel/files.ts";
import { giveBackLease, leaseHolds, takeReadLease } from "../kernel/lease.ts";
import { SIGIO, blockSignals } from "../kernel/signal.ts";
import { Stat } from "../kernel/stat.ts";
import type { Guard } from "./exchange.ts";

/**
 * Does something with a file of the host that nobody has open for writing; whoever opens it for writing meanwhile waits
 * until it is done, and the guard holds no longer. Answers "being written" without doing anything when the file is open
 * for writing, and "absent" when no regular file can be opened. On a file system without leases (fcntl(2)) writers are
 * told by the file's size and time only. SIGIO, by which the kernel tells of writers, is blocked from then on.
 */
export function withoutWriters(path: string, work: (guard: Guard) => void): "done" | "being written" | "absent" {
  const fd = openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return "absent";
  blockSignals([SIGIO]);
  try {
    const before = new Stat();
    if (fstat(fd, before) < 0 || before.type !== S_IFREG) return "absent";
    const lease = takeReadLease(fd);
    if (lease === -EAGAIN) return "being written";
    const { content } = before;
    const now = new Stat();
    work({
      holds: (directory, name) =>
        statx(directory, name, AT_SYMLINK_NOFOLLOW, now) >= 0 &&
        now.content === content &&
        (lease < 0 || leaseHolds(fd)),
    });
    if (lease >= 0) giveBackLease(fd);
    return "done";
  } finally {
    close(fd);
  }
}
