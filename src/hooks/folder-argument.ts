import { isTrouble } from "../ldconfig/trouble.ts";
import type { Log } from "../logger.ts";
import { ELOOP, ENOENT, ENOTDIR } from "../rootfs/constants.ts";
import type { Identity } from "../rootfs/directory.ts";
import { kernelFailure } from "../rootfs/failure.ts";
import type { Root } from "../rootfs/root.ts";
import { withoutLastSlashes } from "../rootfs/slashes.ts";

/** What a file that names folders, one after the other, cannot hold in a name, and how that is told. */
export interface FolderGrammar {
  readonly forbidden: RegExp;
  readonly file: string;
}

/**
 * A line of ld.so.conf (ldconfig.c, parse_conf): a line ends at a newline, a NUL or `#`; white space at its end is not
 * part of it. `=` would begin a library type where glibc is older than 2.37, so it is not taken either.
 */
export const ldSoConf: FolderGrammar = { forbidden: /[\n\0#=]|[ \t\v\f\r]$/, file: "ld.so.conf" };

/** An entry of musl's path file (musl, ldso/dynlink.c): entries end at a newline or `:`. */
export const muslPathFile: FolderGrammar = { forbidden: /[\n\0:]/, file: "ld-musl-*.path" };

/**
 * A folder as the command line gives it, in the form in which configuration files of images name folders: absolute, no
 * slash at its end. Undefined for the root itself and for nothing.
 */
export function normalFolder(argument: string): string | undefined {
  const path = withoutLastSlashes(argument);
  if (path === "") return undefined;
  return path.startsWith("/") ? path : `/${path}`;
}

/**
 * The folders of a command line that can be named in a configuration file and that the container has, each once. One that
 * cannot be named is warned of; one that the container does not have is left out, as it would have nothing to load. Throws
 * HookError `kernel` for one that may well be there.
 */
export function usableFolders(root: Root, values: readonly string[], grammar: FolderGrammar, log: Log): string[] {
  const folders = new Set<string>();
  for (const value of values) {
    const folder = normalFolder(value);
    if (folder === undefined || folders.has(folder)) continue;
    if (grammar.forbidden.test(folder)) {
      log.warn(`--folder ${folder} is skipped: ${grammar.file} cannot name it`);
      continue;
    }
    const directory = root.directory(folder);
    if (typeof directory === "number") {
      if (isTrouble(directory)) throw kernelFailure("open folder", folder, directory);
      if (log.debugging) log.debug(`folder ${folder}: not a directory of the container, skipped`);
    } else {
      directory.close();
      folders.add(folder);
    }
  }
  return [...folders];
}

/** Whether the path leads to a directory of the container. */
export function isFolder(root: Root, path: string): boolean {
  return folderIdentity(root, path) !== undefined;
}

/** Whether a path certainly leads to no directory of the container; false when it cannot be looked at. */
export function isGone(root: Root, path: string): boolean {
  const directory = root.directory(path);
  if (typeof directory === "number") return [ENOENT, ENOTDIR, ELOOP].includes(-directory);
  directory.close();
  return false;
}

/** Device and inode number of the directory that a path of the container leads to. */
export function folderIdentity(root: Root, path: string): Identity | undefined {
  const directory = root.directory(path);
  if (typeof directory === "number") return undefined;
  directory.close();
  return directory.identity;
}
