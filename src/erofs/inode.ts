import type { ByteSource } from "../bytes/source.ts";
import {
  EROFS_CHUNK_FORMAT_BLKBITS_MASK,
  EROFS_CHUNK_FORMAT_INDEXES,
  EROFS_INODE_CHUNK_BASED,
  EROFS_INODE_COMPRESSED_COMPACT,
  EROFS_INODE_COMPRESSED_FULL,
  EROFS_INODE_FLAT_INLINE,
  EROFS_INODE_FLAT_PLAIN,
  INODE_COMPACT_BYTES,
  INODE_EXTENDED_BYTES,
  INODE_SLOT,
  S_IFBLK,
  S_IFCHR,
  S_IFMT,
} from "./constants.ts";
import { broken, fill } from "./image.ts";
import type { Superblock } from "./superblock.ts";

/** A file of an image, of whatever type. */
export interface Inode {
  /** The inode number, and where the inode is: see INODE_SLOT. */
  readonly nid: number;
  /** One of the S_IF values. */
  readonly type: number;
  /** Permission bits, 0..0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes, as the image has it: of a hostile one any number below 2^53. */
  readonly size: number;
  /** How many names it has, as the image has it. */
  readonly links: number;
  /** Seconds of Unix time. */
  readonly mtime: number;
  /** Of a device node, otherwise undefined. */
  readonly device: { readonly major: number; readonly minor: number } | undefined;
  readonly data: DataLayout;
}

/** Where the data of an inode is; what it says about devices, FIFOs and sockets means nothing. */
export interface DataLayout {
  readonly kind: "plain" | "inline" | "chunks" | "compressed";
  /** The first block's address, of data that is in one piece. */
  readonly block: number;
  /** Where the data's tail, or the table of chunks, is: behind the inode and its extended attributes; bytes. */
  readonly behind: number;
  /** Of chunks: the size of one in bytes, and whether their table has indexes, otherwise addresses of blocks. */
  readonly chunkSize: number;
  readonly indexes: boolean;
}

const KINDS: ReadonlyMap<number, DataLayout["kind"]> = new Map([
  [EROFS_INODE_FLAT_PLAIN, "plain"],
  [EROFS_INODE_COMPRESSED_FULL, "compressed"],
  [EROFS_INODE_FLAT_INLINE, "inline"],
  [EROFS_INODE_COMPRESSED_COMPACT, "compressed"],
  [EROFS_INODE_CHUNK_BASED, "chunks"],
]);

/** FIFO, character device, directory, block device, regular file, link, socket. */
const TYPES: ReadonlySet<number> = new Set([1, 2, 4, 6, 8, 10, 12].map((type) => type << 12));

const bytes = new Uint8Array(INODE_EXTENDED_BYTES);
const view = new DataView(bytes.buffer);

/** Offsets of the fields that both forms have in the same place, and of the others in each form. */
const XATTR_ICOUNT = 2;
const MODE = 4;
const SIZE = 8;
const UNION = 16;
const COMPACT = { links: 6, mtime: 12, uid: 24, gid: 26 };
const EXTENDED = { uid: 24, gid: 28, mtime: 32, links: 44 };

/** Reads an inode. Throws FormatError when there can be none of that number, or what is there is none. */
export function readInode(source: ByteSource, superblock: Superblock, nid: number): Inode {
  const at = superblock.metadata + nid * INODE_SLOT;
  fill(source, bytes.subarray(0, INODE_COMPACT_BYTES), at, `inode ${nid}`);
  const format = view.getUint16(0, true);
  const extended = (format & 1) !== 0;
  const length = extended ? INODE_EXTENDED_BYTES : INODE_COMPACT_BYTES;
  if (extended) fill(source, bytes.subarray(INODE_COMPACT_BYTES), at + INODE_COMPACT_BYTES, `inode ${nid}`);

  const kind = KINDS.get(format >> 1);
  if (kind === undefined) broken(`format of inode ${nid}`, at, `0x${format.toString(16)} is not known`);
  const mode = view.getUint16(MODE, true);
  const type = mode & S_IFMT;
  if (!TYPES.has(type)) broken(`mode of inode ${nid}`, at + MODE, `0o${mode.toString(8)} is no type of a file`);
  const size = view.getUint32(SIZE, true) + (extended ? view.getUint32(SIZE + 4, true) * 2 ** 32 : 0);
  if (!Number.isSafeInteger(size)) broken(`size of inode ${nid}`, at + SIZE, "is beyond 2^53");

  const union = view.getUint32(UNION, true);
  const attributes = view.getUint16(XATTR_ICOUNT, true);
  return {
    nid,
    type,
    mode: mode & 0o7777,
    uid: extended ? view.getUint32(EXTENDED.uid, true) : view.getUint16(COMPACT.uid, true),
    gid: extended ? view.getUint32(EXTENDED.gid, true) : view.getUint16(COMPACT.gid, true),
    size,
    links: extended ? view.getUint32(EXTENDED.links, true) : view.getUint16(COMPACT.links, true),
    mtime: extended
      ? view.getUint32(EXTENDED.mtime, true) + view.getInt32(EXTENDED.mtime + 4, true) * 2 ** 32
      : superblock.buildTime + view.getUint32(COMPACT.mtime, true),
    device: type === S_IFCHR || type === S_IFBLK ? deviceOf(union) : undefined,
    data: {
      kind,
      block: union,
      // The extended attributes: a header of 12 bytes, then words; their number counts the header as one.
      behind: at + length + (attributes === 0 ? 0 : 8 + 4 * attributes),
      ...(kind === "chunks" ? chunksOf(union & 0xffff, superblock, nid, at) : NO_CHUNKS),
    },
  };
}

const NO_CHUNKS = { chunkSize: 0, indexes: false };

function chunksOf(format: number, superblock: Superblock, nid: number, at: number): typeof NO_CHUNKS {
  if ((format & ~(EROFS_CHUNK_FORMAT_BLKBITS_MASK | EROFS_CHUNK_FORMAT_INDEXES)) !== 0) {
    broken(`chunk format of inode ${nid}`, at + UNION, `0x${format.toString(16)} is not known`);
  }
  return {
    chunkSize: superblock.blockSize * 2 ** (format & EROFS_CHUNK_FORMAT_BLKBITS_MASK),
    indexes: (format & EROFS_CHUNK_FORMAT_INDEXES) !== 0,
  };
}

/** As Linux packs a device's numbers into 32 bits (`new_decode_dev`). */
function deviceOf(packed: number): { major: number; minor: number } {
  return { major: (packed >>> 8) & 0xfff, minor: (packed & 0xff) | ((packed >>> 12) & 0xfff00) };
}
