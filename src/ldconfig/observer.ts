import type { Skip } from "../elf/skip.ts";
import type { Origin } from "./configuration.ts";
import type { Offer } from "./scan.ts";
import type { Folder } from "./search-path.ts";

/** What became of the link that an offer wants. */
export type Outcome =
  /** It is right, wants none, or is not to be touched. */
  | "kept"
  /** It is missing or wrong, and links are left alone. */
  | "unmade"
  /** It was made or replaced. */
  | "changed"
  /** A file or folder has its name. */
  | "occupied"
  | "failed";

/**
 * Somebody who follows a run: told of everything in the order of the work. Paths are as the cache would name them, results
 * are -errno.
 */
export interface Observer {
  /** A folder that is named cannot be opened. */
  missing(path: string, result: number): void;
  /** A folder is named a second time. */
  repeated(path: string, origin: Origin, first: Origin): void;
  /** A folder is about to be scanned; its entries will carry these legacy capability bits. */
  folder(folder: Folder, hwcaps: bigint): void;
  /** A file that looks like a library is none that this ldconfig takes. */
  skipped(path: string, why: Skip): void;
  /** A file that looks like a library, or what a link of such a name leads to, cannot be opened; -EISDIR for a folder. */
  unopened(path: string, result: number, isLink: boolean): void;
  /** A link leads nowhere. */
  dangling(path: string, result: number): void;
  /** Two files of one soname are of different types; the first was met first. */
  conflict(folder: Folder, first: string, second: string): void;
  /** A soname was dealt with. Links that want no link of their own are not told, but in glibc-hwcaps folders. */
  offered(folder: Folder, offer: Offer, outcome: Outcome): void;
}
