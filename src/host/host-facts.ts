/** What the host has under a path: type, owner, rights, label. */

import { HookError } from "../errors.ts";
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  O_CLOEXEC,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  S_IFDIR,
  S_IFLNK,
  S_IFREG,
} from "../kernel/constants.ts";
import { ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, describeErrno } from "../kernel/errno.ts";
import { fgetxattr } from "../kernel/extended-attributes.ts";
import { ST_NOEXEC, ST_RDONLY, close, mountFlags, openat, readlinkat, statx } from "../kernel/files.ts";
import { mayWrite } from "../kernel/seldom.ts";
import { Stat, type Identity } from "../kernel/stat.ts";

export interface HostFacts {
  readonly type: "file" | "directory" | "link" | "other";
  /** Permission bits, 0..0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly size: number;
  /** Two paths with the same one lead to the same file. */
  readonly identity: Identity;
  /** Where a link leads. */
  readonly target?: string;
}

/** What a path names, the link itself where it is one; undefined when there is nothing. Throws HookError `kernel`. */
export function hostFacts(path: string): HostFacts | undefined {
  const facts = look(path, AT_SYMLINK_NOFOLLOW);
  if (facts?.type !== "link") return facts;
  const target = readlinkat(AT_FDCWD, path);
  if (typeof target === "number") throw failure("read link", path, target);
  return { ...facts, target };
}

/** What a path leads to through all links; undefined when there is nothing. Throws HookError `kernel`. */
export function hostFactsBehindLinks(path: string): HostFacts | undefined {
  return look(path, 0);
}

/** As hostFactsBehindLinks; undefined as well when that cannot be found out (a dead NFS server, another user's FUSE). */
export function knownHostFacts(path: string): HostFacts | undefined {
  try {
    return hostFactsBehindLinks(path);
  } catch (error) {
    if (error instanceof HookError) return undefined;
    throw error;
  }
}

/** Why the kernel has nothing under a path: links in a circle and names that are too long lead nowhere, too. */
const NOTHING: ReadonlySet<number> = new Set([-ENOENT, -ENOTDIR, -ELOOP, -ENAMETOOLONG]);

const TYPES: ReadonlyMap<number, HostFacts["type"]> = new Map([
  [S_IFREG, "file"],
  [S_IFDIR, "directory"],
  [S_IFLNK, "link"],
]);

function look(path: string, flags: number): HostFacts | undefined {
  const stat = new Stat();
  const result = statx(AT_FDCWD, path, flags, stat);
  if (NOTHING.has(result)) return undefined;
  if (result < 0) throw failure("look at", path, result);
  const { mode, uid, size, identity } = stat;
  return { type: TYPES.get(stat.type) ?? "other", mode, uid, size, identity };
}

/**
 * The parts of a path, the path itself last, that someone other than root can change: owned by another user, or writable
 * by group or others, unless the sticky bit keeps others from what is root's. Links are followed; what does not exist is
 * left out.
 */
export function changeableByOthers(path: string): readonly string[] {
  const names = path.split("/").filter((name) => name !== "");
  const parts = ["/", ...names.map((_, at) => `/${names.slice(0, at + 1).join("/")}`)];
  return parts.filter((part) => {
    const facts = hostFactsBehindLinks(part);
    if (facts === undefined) return false;
    const sticky = facts.type === "directory" && (facts.mode & 0o1000) !== 0;
    return facts.uid !== 0 || ((facts.mode & 0o022) !== 0 && !sticky);
  });
}

/** Why no program can be put into a directory and started there, as far as can be known without trying; undefined when one can. */
export function whyNoPrograms(directory: string): string | undefined {
  const writable = mayWrite(AT_FDCWD, directory);
  if (writable < 0) return describeErrno(writable);
  return isNoexec(directory) ? "mounted noexec" : undefined;
}

/** Whether the file system of a path is mounted noexec. */
export function isNoexec(path: string): boolean {
  return hasMountFlag(path, ST_NOEXEC);
}

/** Whether the file system of a path is read-only, or mounted so. */
export function isReadOnlyMount(path: string): boolean {
  return hasMountFlag(path, ST_RDONLY);
}

function hasMountFlag(path: string, flag: number): boolean {
  const fd = openat(AT_FDCWD, path, O_PATH | O_CLOEXEC);
  if (fd < 0) return false;
  const flags = mountFlags(fd);
  close(fd);
  return flags >= 0 && (flags & flag) !== 0;
}

/** SELinux' label of a file or directory; undefined where it has none. */
export function hostLabel(path: string): Uint8Array | undefined {
  const fd = openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return undefined;
  const label = fgetxattr(fd, SELINUX);
  close(fd);
  return typeof label === "number" ? undefined : label;
}

/** The attribute that holds the label. */
export const SELINUX = "security.selinux";

function failure(operation: string, path: string, result: number): HookError {
  return new HookError("kernel", operation, path, describeErrno(result), { errno: -result });
}
