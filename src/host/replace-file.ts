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
import { close, fchmod, fstat, fsync, openat, readlinkat, renameWithin } from "../kernel/files.ts";
import { fchown } from "../kernel/seldom.ts";
import { symlinkat, unlinkat, writeAll } from "../kernel/files.ts";
import { Stat } from "../kernel/stat.ts";
import { SELINUX } from "./host-facts.ts";
import { exchangeGuarded, type Guard } from "./exchange.ts";
import { removeLeftovers, temporaryHostName, withHostDirectory } from "./host-directory.ts";

const MOST_LINKS = 40;
/** How often a temporary file is made that another of our kind, in another pid namespace, took for a leftover. */
const ATTEMPTS = 4;

/** Attributes that belong to the bytes, not to the file: the kernel or a signing tool makes those of the new file. */
const OF_THE_CONTENT: ReadonlySet<string> = new Set(["security.ima", "security.evm"]);

/** What a file is beside its bytes. */
export interface FileModel {
  /** Permission bits, whatever the umask says. */
  readonly mode: number;
  /** The caller unless told. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Extended attributes. */
  readonly attributes: readonly (readonly [name: string, value: Uint8Array])[];
  /** SELinux' label that it gets where the policy lets us. */
  readonly label?: Uint8Array | undefined;
}

/**
 * Replaces a file of the host by one with these bytes. Owner, mode and extended attributes (SELinux' label, ACLs) are
 * those of the old file; where none was, the owner is the caller and the mode is `mode`, whatever the umask says. A link
 * stays: the file that it leads to is replaced. Nothing has changed, and no temporary file is left, when this throws
 * HookError `kernel` or, for what is no regular file, `refused`; except that the name may not be on the disk yet when
 * the directory's fsync fails. With a guard, a file that it does not know stays as it is, and the HookError has ESTALE.
 */
export function replaceHostFile(path: string, bytes: Uint8Array, mode = 0o644, guard?: Guard): void {
  const work = (directory: number, temporary: string, name: string): void => {
    make(directory, temporary, bytes, modelOf(directory, name, path) ?? { mode, attributes: [] }, path);
  };
  through(behindLinks(path), path, work, guard);
}

/**
 * Makes a file of the host, or puts it in the place of the file or link of that name, as replaceHostFile does, but as
 * `model` says and following no link. `tryOut` gets the temporary file's path when it is complete and closed; what it
 * throws is thrown here, and nothing has changed.
 */
export function installHostFile(
  path: string,
  bytes: Uint8Array,
  model: FileModel,
  tryOut: (temporary: string) => void,
): void {
  through(path, path, (directory, temporary) => {
    make(directory, temporary, bytes, model, path);
    tryOut(path.slice(0, path.lastIndexOf("/") + 1) + temporary);
  });
}

/** Makes a link of the host, or puts it in the place of the file or link of that name, in the same manner. */
export function installHostLink(path: string, target: string): void {
  through(path, path, (directory, temporary) => succeed(symlinkat(target, directory, temporary), "make link", path));
}

/** Makes something beside `file` by `work`, and renames it; errors tell of `path`. */
function through(
  file: string,
  path: string,
  work: (directory: number, temporary: string, name: string) => void,
  guard?: Guard,
): void {
  const slash = file.lastIndexOf("/");
  const name = file.slice(slash + 1);
  const folder = slash < 0 ? "." : file.slice(0, slash + 1);
  withHostDirectory(folder, (directory) => {
    removeLeftovers(folder);
    for (let attempt = 1; ; attempt++) {
      const temporary = temporaryHostName();
      try {
        work(directory, temporary, name);
        const renamed =
          guard === undefined
            ? renameWithin(directory, temporary, name)
            : exchangeGuarded(directory, temporary, name, guard);
        succeed(renamed, "replace", path);
        break;
      } catch (error) {
        unlinkat(directory, temporary);
        const vanished = error instanceof HookError && error.errno === ENOENT;
        if (!vanished || attempt === ATTEMPTS) throw error;
      }
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

/**
 * What is to be kept of the file `name` in an open directory when it is replaced; undefined when there is none. Throws
 * HookError `kernel`, or `refused` for what is no regular file.
 */
export function modelOf(directory: number, name: string, path: string): FileModel | undefined {
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

function make(directory: number, temporary: string, bytes: Uint8Array, model: FileModel, path: string): void {
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

/** Gives an open file what the model says. Changes only what differs: who owns the file but is not root may not even set what is there already. */
export function likeModel(made: number, { owner, mode, attributes, label }: FileModel, path: string): void {
  const stat = new Stat();
  succeed(fstat(made, stat), "look at", path);
  if (owner !== undefined && (owner.uid !== stat.uid || owner.gid !== stat.gid)) {
    succeed(fchown(made, owner.uid, owner.gid), "set the owner of", path);
  }
  succeed(fchmod(made, mode), "set the mode of", path);
  if (label !== undefined) fsetxattr(made, SELINUX, label);
  for (const [name, value] of attributes) {
    const present = fgetxattr(made, name);
    if (typeof present !== "number" && String(present) === String(value)) continue;
    succeed(fsetxattr(made, name, value), `set attribute ${name} of`, path);
  }
}

function succeed(result: number, operation: string, path: string): void {
  if (result < 0) throw failure(operation, path, result);
}

function failure(operation: string, path: string, result: number): HookError {
  return new HookError("kernel", operation, path, describeErrno(result), { errno: -result });
}
