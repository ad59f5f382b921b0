import type { DirectoryEntry, FileFacts } from "./directory.ts";
import type { OpenFile } from "./open-file.ts";

/** All that is known of a file without opening it. */
export interface NodeFacts extends FileFacts {
  readonly uid: number;
  readonly gid: number;
  /** How many names it has. */
  readonly links: number;
  /** The inode number by itself. */
  readonly inode: number;
  /** Of a device: its numbers. */
  readonly major: number;
  readonly minor: number;
  /** Something is mounted there: its name can be neither replaced nor removed. */
  readonly mountPoint: boolean;
}

/** An extended attribute (xattr(7)): its name, and its value. */
export type Attribute = readonly [name: string, value: Uint8Array];

/**
 * One file, folder or link of a file system that is only read: a folder of the host, an image, an archive. Nothing is
 * resolved: names are single, links are text. Who walks there bounds depth and steps.
 */
export interface SourceNode {
  readonly facts: NodeFacts;
  /**
   * Of a directory: its entries without `.` and `..`, about `limit` of them at most; nothing of whatever else. `broken` is
   * told the -errno of an error that ends them before their end.
   */
  entries(limit: number, broken?: (result: number) => void): DirectoryEntry[];
  /** Of a directory: what has that name; -ENOENT, -ENOTDIR, or another -errno. */
  child(name: string): SourceNode | number;
  /** Of a link: its text; -EINVAL of whatever else. */
  readlink(): string | number;
  /** Of a regular file: its content; -EINVAL of whatever else, -EISDIR of a directory. */
  open(): OpenFile | number;
  /** Of a directory: 0, or the -errno by which it would refuse a change. */
  refusal(): number;
  /** Of a directory or regular file: its extended attributes, or -errno. Without it, they are not known. */
  attributes?(): readonly Attribute[] | number;
}
