import type { Image } from "../image/image.ts";
import { AT_FDCWD, S_IFBLK, S_IFREG } from "../kernel/constants.ts";
import { statx } from "../kernel/files.ts";
import { Stat } from "../kernel/stat.ts";
import type { Log } from "../logger.ts";
import { part } from "../part.ts";
import { KernelRoot } from "../rootfs/kernel-root.ts";
import type { Root } from "../rootfs/root.ts";
import type * as Images from "./image-entry.ts";

const images = part<typeof Images>("image");

/**
 * Opens the root filesystem that a person names on the command line: a folder, a tar archive, an EROFS image, or
 * an OCI layout as `oci:DIR[:TAG][@OS/ARCHITECTURE]`; with `mayBeOwn` also the folder that is our own root, for commands
 * that only read. Throws HookError, `root` above all.
 */
export function openRootArgument(text: string, log: Log, mayBeOwn = false): Root {
  return openImageArgument(text, log)?.root ?? KernelRoot.open(text, mayBeOwn);
}

/** Opens an image that a person names; undefined for a folder, or for nothing at all. Throws HookError. */
export function openImageArgument(text: string, log: Log): Image | undefined {
  if (!/^(?:oci|tar):/.test(text) && !isFile(text)) return undefined;
  return images().openImageByName(text, (message) => log.warn(message));
}

function isFile(path: string): boolean {
  const stat = new Stat();
  return statx(AT_FDCWD, path, 0, stat) >= 0 && (stat.type === S_IFREG || stat.type === S_IFBLK);
}
