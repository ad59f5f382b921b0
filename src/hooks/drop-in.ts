import { fromText, toText } from "../bytes/text.ts";
import { HookError } from "../errors.ts";
import type { ConfiguredFolder } from "../ldconfig/configuration.ts";
import type { Log } from "../logger.ts";
import { EFBIG, EINVAL, EISDIR, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, describeErrno } from "../rootfs/constants.ts";
import type { Root } from "../rootfs/root.ts";
import { folderIdentity, isGone, ldSoConf, normalFolder } from "./folder-argument.ts";

/**
 * The file that names the driver's folders. `00-nvcr-` is NVIDIA's beginning: it sorts after `00-compat-*`, before the
 * image's own files. The rest of its name does not change from start to start.
 */
export const dropInPath = "/etc/ld.so.conf.d/00-nvcr-cdi-hook.conf";

const dropInName = dropInPath.slice(dropInPath.lastIndexOf("/"));

/** Bytes of a drop-in that are read, and folders in it that are kept. */
const largestDropIn = 64 * 1024;
const mostFolders = 256;

/** Whether a folder of the configuration was named by our file. */
export function isOurs(folder: ConfiguredFolder): boolean {
  return folder.origin.file.endsWith(dropInName);
}

/**
 * Brings the drop-in up to date and answers with the folders that it names now: those that it named before and that the
 * container still has, so that several hooks of one container do not undo each other, then the new ones, in the order in
 * which they were given; none that `named`, the container's own configuration and system directories, has already. A
 * file that says so already is left alone; one that would be empty is removed. Throws HookError when it cannot be
 * written.
 */
export function updateDropIn(
  root: Root,
  folders: readonly string[],
  named: readonly string[],
  log: Log,
): { folders: readonly string[]; changed: boolean } {
  const before = readDropIn(root);
  const kept = foldersIn(before ?? "").filter((folder) => !isGone(root, folder));
  const wanted = withoutNamed(root, [...new Set([...kept, ...folders])].slice(0, mostFolders), named, log);
  const after = wanted.map((folder) => `${folder}\n`).join("");
  if (after === (before ?? "")) {
    log.debug(`${dropInPath}: ${before === undefined ? "not needed" : "unchanged"}`);
    return { folders: wanted, changed: false };
  }
  if (after === "") removeDropIn(root, log);
  else {
    root.replaceFile(dropInPath, fromText(after), 0o644);
    if (log.debugging) log.debug(`${dropInPath}: now names ${wanted.join(", ")}`);
  }
  return { folders: wanted, changed: true };
}

/** Undefined when there is none, or something that cannot be ours. What cannot be read must not be lost: HookError. */
function readDropIn(root: Root): string | undefined {
  const present = root.read(dropInPath, largestDropIn);
  if (typeof present !== "number") return toText(present);
  if (foreign.has(-present)) return undefined;
  throw new HookError("kernel", "read", dropInPath, describeErrno(present));
}

/** Nothing there, a link that leads nowhere, a directory, another kind of file, a file that is too large. */
const foreign: ReadonlySet<number> = new Set([ENOENT, ENOTDIR, ELOOP, EISDIR, EINVAL, EFBIG, ENAMETOOLONG]);

/** A file that names only folders which are gone, or searched anyway, does no harm when it stays. */
function removeDropIn(root: Root, log: Log): void {
  const result = root.unlink(dropInPath);
  if (result < 0) log.warn(`remove ${dropInPath}: ${describeErrno(result)}`);
  else log.debug(`${dropInPath}: no longer needed, removed`);
}

/** The folders that a drop-in of ours names; whatever else is in it was not written by us and does not stay. */
export function foldersIn(text: string): string[] {
  return text
    .split("\n")
    .filter((line) => line !== "" && normalFolder(line) === line && !ldSoConf.forbidden.test(line));
}

/** By name first; only what that leaves is compared by what the names lead to. */
function withoutNamed(root: Root, folders: readonly string[], named: readonly string[], log: Log): string[] {
  const names = new Set(named.map(normalFolder));
  const rest = folders.filter((folder) => !names.has(folder));
  if (rest.length === 0) return rest;
  const identities = new Map(named.map((folder) => [folderIdentity(root, folder), folder]));
  return rest.filter((folder) => {
    const identity = folderIdentity(root, folder);
    const same = identity === undefined ? undefined : identities.get(identity);
    if (same !== undefined && log.debugging) log.debug(`folder ${folder}: searched already, as ${same}`);
    return same === undefined;
  });
}
