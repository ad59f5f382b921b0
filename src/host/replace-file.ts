/**
 * Replacing a file of the host so that every reader, and a power failure, finds the old one or the new one, whole: it is
 * made under a temporary name beside it, its bytes and attributes are on the disk before the name is changed (fsync), and
 * the name is before this returns (fsync of the directory).
 */

import { HookError } from "../errors.ts";
import {
  AT_FDCWD,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
} from "../kernel/constants.ts";
import { S_IFREG } from "../kernel/constants.ts";
import { EINVAL, ELOOP, ENOENT, EOPNOTSUPP, describeErrno } from "../kernel/errno.ts";
import { fgetxattr, flistxattr, fsetxattr } from "../kernel/extended-attributes.ts";
import {
  close,
  fchmod,
  fchown,
  fstat,
  fsync,
  openat,
  readlinkat,
  renameWithin,
  unlinkat,
  writeAll,
} from "../kernel/files.ts";
import { Stat } from "../kernel/stat.ts";
import { removeLeftovers, temporaryHostName, withHostDirectory } from "./host-directory.ts";

const MOST_LINKS = 40;

/** Attributes that belong to the bytes, not to the file: the kernel or a signing tool makes those of the new file. */
const OF_THE_CONTENT: ReadonlySet<string> = new Set(["security.ima", "security.evm"]);

/** The file that shall be replaced, or what a new one gets. */
interface Model {
  readonly mode: number;
  readonly owner?: { readonly uid: number; readonly gid: number };
  readonly attributes: readonly (readonly [name: string, value: Uint8Array])[];
}

/**
 * Replaces a file of the host by one with these bytes. Owner, mode and extended attributes (SELinux' label, ACLs) are
 * those of the old file; where none was, the owner is the caller and the mode is `mode`, whatever the umask says. A link
 * stays: the file that it leads to is replaced. Nothing has changed, and no temporary file is left, when this throws
 * HookError `kernel` or, for what is no regular file, `refused`; except that the name may not be on the disk yet when
 * the directory's fsync fails.
 */
export function replaceHostFile(path: string, bytes: Uint8Array, mode = 0o644): void {
  const file = behindLinks(path);
  const slash = file.lastIndexOf("/");
  const name = file.slice(slash + 1);
  withHostDirectory(slash < 0 ? "." : file.slice(0, slash + 1), (directory) => {
    removeLeftovers(directory);
    const model = modelOf(directory, name, path) ?? { mode, attributes: [] };
    const temporary = temporaryHostName();
    try {
      make(directory, temporary, bytes, model, path);
      succeed(renameWithin(directory, temporary, name), "replace", path);
    } catch (error) {
      unlinkat(directory, temporary);
      throw error;
    }
    succeed(fsync(directory), "sync directory of", path);
  });
}

/** The path that a path leads to when its last name is a link, and that one's last name, and so on. */
function behindLinks(path: string): string {
  let file = path;
  for (let followed = 0; followed <= MOST_LINKS; followed++) {
    const target = readlinkat(AT_FDCWD, file);
    if (target === -EINVAL || target === -ENOENT) return file;
    if (typeof target === "number") throw failure("look at", path, target);
    file = target.startsWith("/") ? target : file.slice(0, file.lastIndexOf("/") + 1) + target;
  }
  throw failure("follow", path, -ELOOP);
}

/** What is to be kept of the old file; undefined when there is none. */
function modelOf(directory: number, name: string, path: string): Model | undefined {
  const old = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (old === -ENOENT) return undefined;
  if (old < 0) throw failure("open", path, old);
  try {
    const stat = new Stat();
    succeed(fstat(old, stat), "look at", path);
    if (stat.type !== S_IFREG) throw new HookError("refused", "replace", path, "not a regular file");
    const names = flistxattr(old);
    if (typeof names === "number" && names !== -EOPNOTSUPP) throw failure("read attributes of", path, names);
    const attributes = (typeof names === "number" ? [] : names)
      .filter((attribute) => !OF_THE_CONTENT.has(attribute))
      .map((attribute) => {
        const value = fgetxattr(old, attribute);
        if (typeof value === "number") throw failure(`read attribute ${attribute} of`, path, value);
        return [attribute, value] as const;
      });
    return { mode: stat.mode, owner: { uid: stat.uid, gid: stat.gid }, attributes };
  } finally {
    close(old);
  }
}

function make(directory: number, temporary: string, bytes: Uint8Array, model: Model, path: string): void {
  const made = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600);
  if (made < 0) throw failure("write beside", path, made);
  try {
    succeed(writeAll(made, bytes), "write beside", path);
    likeModel(made, model, path);
    succeed(fsync(made), "sync", path);
  } finally {
    close(made);
  }
}

/** Changes only what differs: who owns the file but is not root may not even set what is there already. */
function likeModel(made: number, { owner, mode, attributes }: Model, path: string): void {
  const stat = new Stat();
  succeed(fstat(made, stat), "look at", path);
  if (owner !== undefined && (owner.uid !== stat.uid || owner.gid !== stat.gid)) {
    succeed(fchown(made, owner.uid, owner.gid), "keep the owner of", path);
  }
  succeed(fchmod(made, mode), "set the mode of", path);
  for (const [name, value] of attributes) {
    const present = fgetxattr(made, name);
    if (typeof present !== "number" && String(present) === String(value)) continue;
    succeed(fsetxattr(made, name, value), `keep attribute ${name} of`, path);
  }
}

function succeed(result: number, operation: string, path: string): void {
  if (result < 0) throw failure(operation, path, result);
}

function failure(operation: string, path: string, result: number): HookError {
  return new HookError("kernel", operation, path, describeErrno(result), { errno: -result });
}
