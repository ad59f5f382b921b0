/** Directories of the host: made and removed, durable, and the temporary names that we use in them. */

import { HookError } from "../errors.ts";
import { AT_FDCWD, AT_REMOVEDIR, O_CLOEXEC, O_DIRECTORY, O_RDONLY } from "../kernel/constants.ts";
import { EBUSY, EEXIST, ENOENT, ENOTEMPTY, EROFS, describeErrno } from "../kernel/errno.ts";
import { fsetxattr } from "../kernel/extended-attributes.ts";
import { close, fchmod, fsync, mkdirat, openat, unlinkat } from "../kernel/files.ts";
import { isLeftover, temporaryName } from "../kernel/temporary-name.ts";
import { hostFolder } from "./folder.ts";
import { SELINUX } from "./host-facts.ts";

/** Names that are looked at for leftovers. */
const MOST_NAMES = 100_000;

/** Opens a directory of the host for `use`, and closes it. The descriptor can be synced. Throws HookError `kernel`. */
export function withHostDirectory<T>(path: string, use: (descriptor: number) => T): T {
  const descriptor = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) throw failure("open directory", path, descriptor);
  try {
    return use(descriptor);
  } finally {
    close(descriptor);
  }
}

/**
 * Makes a directory, whose parent is there, with these permission bits whatever the umask says, and this label
 * of SELinux where the policy lets us. False when something of that name is there already; it is left as it is.
 * Throws HookError `kernel`.
 */
export function makeHostDirectory(path: string, mode: number, label?: Uint8Array): boolean {
  const result = mkdirat(AT_FDCWD, path, 0o700);
  if (result === -EEXIST) return false;
  if (result < 0) throw failure("make directory", path, result);
  withHostDirectory(path, (made) => {
    const changed = fchmod(made, mode);
    if (changed < 0) throw failure("set the mode of", path, changed);
    if (label !== undefined) fsetxattr(made, SELINUX, label);
  });
  syncParent(path);
  return true;
}

/** Removes a file or link; nothing there is as good. Throws HookError `kernel`. */
export function removeHostFile(path: string): void {
  const result = unlinkat(AT_FDCWD, path);
  if (result < 0 && result !== -ENOENT) throw failure("remove", path, result);
  if (result >= 0) syncParent(path);
}

/**
 * Removes a directory if it is empty. Answers why it stays, or undefined when it is gone: it is not empty, or a mount
 * point, or on a mount that is read-only around it. Throws HookError `kernel` for any other reason.
 */
export function removeHostDirectory(path: string): string | undefined {
  const result = unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
  if (result === -ENOTEMPTY || result === -EEXIST) return "not empty";
  if (result === -EBUSY) return "a mount point";
  if (result === -EROFS) return describeErrno(EROFS);
  if (result < 0 && result !== -ENOENT) throw failure("remove directory", path, result);
  if (result >= 0) syncParent(path);
  return undefined;
}

/** Brings the names in the directory above to the disk. One that cannot be synced has lost nothing: the next sync will do it. */
function syncParent(path: string): void {
  withHostDirectory(path.slice(0, path.lastIndexOf("/") + 1) || ".", (parent) => fsync(parent));
}

/** A temporary name for what shall be renamed within its directory. Throws HookError `kernel` without random numbers. */
export function temporaryHostName(): string {
  const name = temporaryName();
  if (typeof name === "number") throw failure("get", "random bytes", name);
  return name;
}

/**
 * Removes what killed processes of ours left in a directory: temporary names whose process is gone. Answers with what it
 * removed. A directory that cannot be listed keeps them.
 */
export function removeLeftovers(path: string): readonly string[] {
  return leftoversIn(path).filter((name) => unlinkat(AT_FDCWD, `${path}/${name}`) >= 0);
}

/** The temporary names in a directory whose process is gone. */
export function leftoversIn(path: string): readonly string[] {
  let names: ReturnType<typeof hostFolder>;
  try {
    names = hostFolder(path, "kernel", MOST_NAMES);
  } catch {
    return [];
  }
  if (typeof names === "string") return [];
  return names.filter((name) => isLeftover(name, false));
}

function failure(operation: string, path: string, result: number): HookError {
  return new HookError("kernel", operation, path, describeErrno(result), { errno: -result });
}
