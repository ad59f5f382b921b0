import { fromText } from "../bytes/text.ts";
import type { ConfiguredFolder } from "../ldconfig/configuration.ts";
import type { Log } from "../logger.ts";
import type { Root } from "../rootfs/root.ts";
import { foldersIn, readDropIn, removeDropIn } from "./drop-in-file.ts";
import { folderIdentity, isGone, normalFolder } from "./folder-argument.ts";

/**
 * The file that names the driver's folders. `00-nvcr-` is NVIDIA's beginning: it sorts after `00-compat-*`, before the
 * image's own files. The rest of its name does not change from start to start.
 */
export const dropInPath = "/etc/ld.so.conf.d/00-nvcr-cdi-hook.conf";

const dropInName = dropInPath.slice(dropInPath.lastIndexOf("/"));

/** Folders in it that are kept. */
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
  const before = readDropIn(root, dropInPath);
  const kept = foldersIn(before ?? "").filter((folder) => !isGone(root, folder));
  const wanted = withoutNamed(root, [...new Set([...kept, ...folders])].slice(0, mostFolders), named, log);
  const after = wanted.map((folder) => `${folder}\n`).join("");
  if (after === (before ?? "")) {
    log.debug(`${dropInPath}: ${before === undefined ? "not needed" : "unchanged"}`);
    return { folders: wanted, changed: false };
  }
  if (after === "") removeDropIn(root, dropInPath, log);
  else {
    root.replaceFile(dropInPath, fromText(after), 0o644);
    if (log.debugging) log.debug(`${dropInPath}: now names ${wanted.join(", ")}`);
  }
  return { folders: wanted, changed: true };
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
