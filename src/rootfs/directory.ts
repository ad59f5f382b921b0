import type { Identity } from "../kernel/stat.ts";
import type { OpenFile } from "./open-file.ts";

export type { Identity } from "../kernel/stat.ts";

export interface DirectoryEntry {
  name: string;
  /** One of the DT values; DT_UNKNOWN on file systems that do not tell. */
  type: number;
}

declare const fromListing: unique symbol;

/**
 * A name that a listing gave: a single name, none of `.`, `..`, a path. It was looked at then (listingOf), and need not be
 * again when it is handed back to the directory.
 */
export type ListedName = string & { readonly [fromListing]: true };

/** What a directory has in it, `.` and `..` left out: a column per fact, as an object per name would take twice the time. */
export interface Listing {
  readonly names: readonly ListedName[];
  /** As DirectoryEntry.type. */
  readonly types: number[];
  /** 0, or -errno of the error that ended it before its end. */
  readonly ended: number;
}

export interface FileFacts {
  /** One of the S_IF values. */
  type: number;
  /** Permission bits, 0..0o7777. */
  mode: number;
  /** Device and inode number as one key. */
  identity: Identity;
  /** Size in bytes. */
  size: number;
}

/** Which device a device node stands for. */
export interface DeviceNumber {
  major: number;
  minor: number;
}

/**
 * An open directory of a container. Its methods take single names and follow no link; those that change something answer
 * with 0 or -errno.
 */
export interface Directory extends Disposable {
  /** Path in the container, free of links. */
  readonly path: string;
  readonly identity: Identity;
  /** How many links the path led through by which it was opened. */
  readonly links: number;
  /**
   * What is in it, in the order in which the file system has it; of a directory with more than `limit` names, that many and
   * a few more. Throws nothing; an error ends the list, which has it.
   */
  list(limit?: number): Listing;
  /** What `name` is, a link itself; -errno when there is nothing. */
  stat(name: string): FileFacts | number;
  /** The numbers of the character device `name`; undefined when it is none, a link to one included. */
  characterDevice(name: string): DeviceNumber | undefined;
  /** Target of the link `name`; -EINVAL when it is none. */
  readlink(name: string): string | number;
  /** Opens the regular file `name` for reading; -ELOOP for a link, -EISDIR for a directory, -EINVAL for what else it is. */
  open(name: string): OpenFile | number;
  /** As `readlink`, of a name from a listing of this directory. */
  readlinkListed(name: ListedName): string | number;
  /** As `open`, of a name from a listing of this directory. */
  openListed(name: ListedName): OpenFile | number;
  /** Makes the link `name`, which must not exist yet (-EEXIST). */
  symlink(target: string, name: string): number;
  /** Puts a link in the place of whatever `name` is, in one step; -EISDIR for a directory. */
  replaceLink(target: string, name: string): number;
  /** Puts a file in the place of whatever `name` is, in one step; with `durable`, on the disk before it has its name. */
  replaceFile(name: string, bytes: Uint8Array, mode: number, durable: boolean): number;
  /** Removes a name that is no directory. */
  unlink(name: string): number;
  close(): void;
}

/**
 * A listing of names among which neither `.` nor `..` nor an empty one is. When one has a slash, of nothing: Linux itself ends
 * such a listing since 5.5 (verify_dirent_name), and left it to the file systems before.
 */
export function listingOf(names: string[], types: number[], ended = 0): Listing {
  return areSingle(names) ? { names, types, ended } : { names: [], types: [], ended };
}

function areSingle(names: string[]): names is ListedName[] {
  return names.join("").indexOf("/") < 0;
}

/** A listing, an object per name. */
export function entriesOf({ names, types }: Listing): DirectoryEntry[] {
  return names.map((name, at) => ({ name, type: types[at] ?? 0 }));
}

/** Whether `name` names something in a directory: what only a path, or no name at all, could say is left out. */
export function isName(name: string): boolean {
  // What sorts behind "/" is none of the three: one comparison instead of them.
  const isOrdinary = name > "/" || (name !== "" && name !== "." && name !== "..");
  return isOrdinary && name.indexOf("/") < 0 && name.indexOf("\0") < 0;
}
