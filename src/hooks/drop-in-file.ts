import { toText } from "../bytes/text.ts";
import type { Log } from "../logger.ts";
import { EFBIG, EINVAL, EISDIR, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, describeErrno } from "../rootfs/constants.ts";
import { kernelFailure } from "../rootfs/failure.ts";
import type { Root } from "../rootfs/root.ts";
import { ldSoConf, normalFolder } from "./folder-argument.ts";

/** Bytes of a drop-in that are read. */
const largestDropIn = 64 * 1024;

/** Nothing there, a link that leads nowhere, a directory, another kind of file, a file that is too large. */
const foreign: ReadonlySet<number> = new Set([ENOENT, ENOTDIR, ELOOP, EISDIR, EINVAL, EFBIG, ENAMETOOLONG]);

/**
 * The text of a drop-in of ours: undefined when there is none, or something that cannot be ours. What cannot be read must
 * not be lost: HookError.
 */
export function readDropIn(root: Root, path: string): string | undefined {
  const present = root.read(path, largestDropIn);
  if (typeof present !== "number") return toText(present);
  if (foreign.has(-present)) return undefined;
  throw kernelFailure("read", path, present);
}

/** A file that names only folders which are gone, or searched anyway, does no harm when it stays. */
export function removeDropIn(root: Root, path: string, log: Log): void {
  const result = root.unlink(path);
  if (result < 0) log.warn(`remove ${path}: ${describeErrno(result)}`);
  else log.debug(`${path}: no longer needed, removed`);
}

/** The folders that a drop-in of ours names; whatever else is in it was not written by us and does not stay. */
export function foldersIn(text: string): string[] {
  return text
    .split("\n")
    .filter((line) => line !== "" && normalFolder(line) === line && !ldSoConf.forbidden.test(line));
}
