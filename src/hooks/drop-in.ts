import { fromText } from "../bytes/text.ts";
import type { ConfiguredFolder } from "../ldconfig/configuration.ts";
import type { Log } from "../logger.ts";
import type { Identity } from "../rootfs/directory.ts";
import type { Root } from "../rootfs/root.ts";
import { withoutLastSlashes } from "../rootfs/slashes.ts";
import { compatFolders } from "./cuda-compat-drop-in.ts";
import { foldersIn, readDropIn, removeDropIn } from "./drop-in-file.ts";
import { folderIdentity, isFolder, isGone, normalFolder } from "./folder-argument.ts";

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
  return isDropIn(folder.origin.file);
}

/** Whether a path of the configuration is our file's. */
export function isDropIn(path: string): boolean {
  return path.endsWith(dropInName);
}

/**
 * Brings the drop-in up to date and answers with the folders that it names now: those that it named before and that the
 * container still has, so that several hooks of one container do not undo each other, then the new ones, in the order in
 * which they were given; none that `named`, the container's own configuration and system directories, has already, unless
 * a folder of stubs comes before it there. A file that says so already is left alone; one that would be empty is removed.
 * Throws HookError when it cannot be written.
 */
export function updateDropIn(
  root: Root,
  folders: readonly string[],
  named: readonly string[],
  log: Log,
): { folders: readonly string[]; changed: boolean } {
  const before = readDropIn(root, dropInPath);
  const kept = foldersIn(before ?? "").filter((folder) => !isGone(root, folder));
  const given = [...new Set([...kept, ...folders])].slice(0, mostFolders);
  const wanted = [...withoutNamed(root, given, named, log), ...beforeStubs(root, given, named)];
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
  const identities = new Map<Identity | undefined, string>();
  // Those of the system are often configured as well: each is looked at once, and the last of equals is told.
  for (const folder of new Set(named.toReversed())) {
    const identity = folderIdentity(root, folder);
    if (!identities.has(identity)) identities.set(identity, folder);
  }
  return rest.filter((folder) => {
    const identity = folderIdentity(root, folder);
    const same = identity === undefined ? undefined : identities.get(identity);
    if (same !== undefined && log.debugging) log.debug(`folder ${folder}: searched already, as ${same}`);
    return same === undefined;
  });
}

/**
 * CUDA's stubs of the driver's libraries have its sonames and are for linking only, in folders of that name. Where `named`
 * has one before a folder of the driver's: what it has up to that folder, in its order, less the stubs.
 */
function beforeStubs(root: Root, given: readonly string[], named: readonly string[]): string[] {
  const first = named.findIndex((folder) => isStubs(folder) && isFolder(root, folder));
  if (first < 0) return [];
  const identities = named.map((folder) => folderIdentity(root, folder));
  const driver = new Set(given.map((folder) => folderIdentity(root, folder)));
  const places = [...driver].map((identity) => (identity === undefined ? -1 : identities.indexOf(identity)));
  const last = Math.max(...places);
  if (last < first) return [];
  const compat = compatFolders(root);
  return [...new Set(named.slice(0, last + 1))].filter((folder) => !isStubs(folder) && !compat.includes(folder));
}

function isStubs(folder: string): boolean {
  return withoutLastSlashes(folder).endsWith("/stubs");
}
