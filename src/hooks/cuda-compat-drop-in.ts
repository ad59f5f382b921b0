import type { ConfiguredFolder } from "../ldconfig/configuration.ts";
import type { Root } from "../rootfs/root.ts";
import { foldersIn, readDropIn } from "./drop-in-file.ts";

/**
 * The file that names the folder of the compatibility libraries. `00-compat-` is NVIDIA's beginning: it sorts before
 * `00-nvcr-*`, which names the driver's folders, and before the image's own files.
 */
export const compatDropInPath = "/etc/ld.so.conf.d/00-compat-cdi-hook.conf";

const name = compatDropInPath.slice(compatDropInPath.lastIndexOf("/"));

/** Whether a folder of the configuration was named by that file. */
export function isCompat(folder: ConfiguredFolder): boolean {
  return folder.origin.file.endsWith(name);
}

/** The folders that the file names; none when there is no such file. Throws HookError when it cannot be read. */
export function compatFolders(root: Root): string[] {
  return foldersIn(readDropIn(root, compatDropInPath) ?? "");
}
