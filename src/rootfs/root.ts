import type { Directory, FileFacts, Identity } from "./directory.ts";
import type { OpenFile } from "./open-file.ts";

/**
 * A container's root filesystem, however it is seen: as the kernel shows it (kernel-root.ts), or as a tree in memory over
 * something that is only read (virtual-root.ts). Every path is a byte string as a program in the container would write it;
 * a relative one starts at `from`, by default `/`. Links are followed inside the root. Methods that look answer with
 * -errno when there is nothing to see; methods that change throw HookError.
 */
export interface Root extends Disposable {
  /** What the root is on the host, for messages: a path. */
  readonly hostPath: string;
  readonly identity: Identity;
  /** Opens a directory for reading its entries. */
  directory(path: string, from?: string): Directory | number;
  /** What the path leads to, links followed; -ELOOP when these and `links`, that were followed before, are more than 40. */
  stat(path: string, from?: string, links?: number): FileFacts | number;
  /** What the path names; a link there is not followed. */
  lstat(path: string, from?: string): FileFacts | number;
  /**
   * Opens a regular file for reading, links followed. -EISDIR for a directory, -EINVAL for whatever else is no regular
   * file: that is not opened at all, as opening a device can have effects.
   */
  open(path: string, from?: string): OpenFile | number;
  /**
   * As `open`, but a regular file whose identity is in `known` is not opened: its facts are the answer. `links` as `stat`
   * has it.
   */
  openUnlessKnown(
    path: string,
    from: string,
    known: { has(identity: Identity): boolean },
    links: number,
  ): OpenFile | FileFacts | number;
  /** The bytes of a regular file of at most `limit` bytes (-EFBIG above it). */
  read(path: string, limit: number): Uint8Array | number;
  /** The directory that holds the last component of `path`, and that component; missing parents are made, mode 0755. */
  makeParents(path: string): { directory: Directory; name: string };
  /**
   * Puts `bytes` in the place of whatever `path` names, in one step, parents made as needed; see Directory.replaceFile.
   * Throws HookError `kernel`; nothing is left half-written.
   */
  replaceFile(path: string, bytes: Uint8Array, mode: number, durable?: boolean): void;
  /** Removes a name that is no directory; 0 or -errno. */
  unlink(path: string): number;
  /**
   * Sets the mode, 0..0o7777, of what the path leads to, links followed; nothing is opened. Whether it was another mode
   * before, or -errno: -EACCES on the kernel's own file systems, -EOPNOTSUPP where the kernel is older than 6.6 and /proc
   * is not to be had.
   */
  setMode(path: string, mode: number): boolean | number;
  /**
   * The path by which what has this path now will be found: the same, unless links lead there that exist in memory only.
   * Undefined where no link does.
   */
  readonly lasting?: ((path: string) => string) | undefined;
  /** The paths of links that exist in memory only, themselves free of links. */
  readonly unmadeLinks?: readonly string[];
  /** The root on which mounts can be made: this one, or what it is laid over; undefined before the mounts are there. */
  readonly real: Root | undefined;
  /** Notes that a file with these bytes would be mounted there; false where that is not only noted. */
  noteMount(path: string, bytes: Uint8Array): boolean;
  close(): void;
}
