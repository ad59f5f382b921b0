/** What an archive says of one file. */

export type MemberType =
  | "file"
  | "hard link"
  | "symbolic link"
  | "character device"
  | "block device"
  | "directory"
  | "fifo";

/** Bytes of a file that stand together in the archive. Between them a file has zeros. */
export interface Piece {
  /** Where they belong in the file. */
  readonly at: number;
  /** Where they are in the archive. */
  readonly offset: number;
  readonly length: number;
}

export type Attribute = readonly [keyword: string, value: string];

export interface Member {
  readonly type: MemberType;
  /** Byte string as the archive has it: may be absolute, and have `..` in it. */
  readonly name: string;
  /** Of links: the target. Of a hard link: the name of an earlier member. */
  readonly linkName: string;
  /** 0..0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970, with a fraction when the archive has one. */
  readonly mtime: number;
  /** Of a file: its size. */
  readonly size: number;
  /** Of a file: in order and apart. */
  readonly pieces: readonly Piece[];
  /** Of a device. */
  readonly major: number;
  readonly minor: number;
  /** Of a directory: records of its extended attributes, keyword and value. */
  readonly attributes: readonly Attribute[];
  /** Whether a global header stands before it. */
  readonly hasGlobal: boolean;
  /** First byte of its headers in the archive. */
  readonly start: number;
  /** First byte behind it, padding included. */
  readonly end: number;
}

export const NO_ATTRIBUTES: readonly Attribute[] = [];
