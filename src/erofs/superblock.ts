import type { ByteSource } from "../bytes/source.ts";
import {
  EROFS_FEATURE_COMPAT_SB_CHKSUM,
  EROFS_FEATURE_INCOMPAT_48BIT,
  EROFS_FEATURE_INCOMPAT_CHUNKED_FILE,
  EROFS_FEATURE_INCOMPAT_COMPR_CFGS,
  EROFS_FEATURE_INCOMPAT_DEVICE_TABLE,
  EROFS_FEATURE_INCOMPAT_FRAGMENTS,
  EROFS_FEATURE_INCOMPAT_METABOX,
  EROFS_FEATURE_INCOMPAT_XATTR_PREFIXES,
  EROFS_FEATURE_INCOMPAT_ZERO_PADDING,
  EROFS_FEATURE_INCOMPAT_ZTAILPACKING,
  EROFS_SUPER_MAGIC_V1,
  EROFS_SUPER_OFFSET,
  SUPERBLOCK_BYTES,
} from "./constants.ts";
import { crc32c } from "./crc32c.ts";
import { broken, fill } from "./image.ts";
import { LARGEST_BLOCK_BITS, SMALLEST_BLOCK_BITS } from "./limits.ts";

/** What the superblock tells about the rest of the image. */
export interface Superblock {
  /** In bytes, a power of two. */
  readonly blockSize: number;
  /** Where inode 0 would be, in bytes from the start of the image. */
  readonly metadata: number;
  readonly rootNid: number;
  /** When the image was made, in seconds of Unix time: compact inodes count theirs from it. */
  readonly buildTime: number;
}

/**
 * Features that change nothing for a reader of whole files: the padding of compressed data, which is refused where it is
 * met; chunks, which are read; the long names of extended attributes, which are passed over.
 */
const READ =
  EROFS_FEATURE_INCOMPAT_ZERO_PADDING | EROFS_FEATURE_INCOMPAT_CHUNKED_FILE | EROFS_FEATURE_INCOMPAT_XATTR_PREFIXES;

/** Features that are refused, and what to say. */
const REFUSED: readonly (readonly [bit: number, what: string])[] = [
  [EROFS_FEATURE_INCOMPAT_COMPR_CFGS, "its data is compressed"],
  [EROFS_FEATURE_INCOMPAT_ZTAILPACKING, "its data is compressed (ztailpacking)"],
  [EROFS_FEATURE_INCOMPAT_FRAGMENTS, "its data is compressed (fragments)"],
  [EROFS_FEATURE_INCOMPAT_DEVICE_TABLE, "its data is on several devices, or compressed"],
  [EROFS_FEATURE_INCOMPAT_48BIT, "it has block addresses of 48 bits"],
  [EROFS_FEATURE_INCOMPAT_METABOX, "its metadata is compressed (metabox)"],
];

/** Offsets of the superblock's fields. */
const CHECKSUM = 4;
const FEATURE_COMPAT = 8;
const BLKSZBITS = 12;
const ROOT_NID = 14;
const BUILD_TIME = 24;
const META_BLKADDR = 40;
const FEATURE_INCOMPAT = 80;
const EXTRA_DEVICES = 86;
const DIRBLKBITS = 90;

/** Whether the bytes have an EROFS superblock's magic number where it belongs. */
export function isErofs(source: ByteSource): boolean {
  const bytes = new Uint8Array(4);
  if (source.size < EROFS_SUPER_OFFSET + SUPERBLOCK_BYTES) return false;
  if (source.readInto(bytes, EROFS_SUPER_OFFSET) !== 4) return false;
  return new DataView(bytes.buffer).getUint32(0, true) === EROFS_SUPER_MAGIC_V1;
}

/**
 * Reads the superblock, and its checksum where it has one. Throws FormatError when it is broken, and for images that this
 * reader does not know how to read: as Linux does, one with an unknown incompatible feature; and compressed ones, ones on
 * several devices, and those of the 48-bit layout.
 */
export function readSuperblock(source: ByteSource): Superblock {
  const bytes = new Uint8Array(SUPERBLOCK_BYTES);
  fill(source, bytes, EROFS_SUPER_OFFSET, "superblock");
  const view = new DataView(bytes.buffer);
  if (view.getUint32(0, true) !== EROFS_SUPER_MAGIC_V1) broken("magic", EROFS_SUPER_OFFSET, "this is no EROFS image");

  const blockBits = view.getUint8(BLKSZBITS);
  if (blockBits < SMALLEST_BLOCK_BITS || blockBits > LARGEST_BLOCK_BITS) {
    broken("blkszbits", EROFS_SUPER_OFFSET + BLKSZBITS, `is ${blockBits}: blocks have 512 bytes to 64 KiB`);
  }
  const blockSize = 2 ** blockBits;
  if ((view.getUint32(FEATURE_COMPAT, true) & EROFS_FEATURE_COMPAT_SB_CHKSUM) !== 0) {
    checkSum(source, blockSize, view.getUint32(CHECKSUM, true));
  }
  checkFeatures(view.getUint32(FEATURE_INCOMPAT, true));
  const devices = view.getUint16(EXTRA_DEVICES, true);
  if (devices !== 0)
    broken("extra_devices", EROFS_SUPER_OFFSET + EXTRA_DEVICES, `its data is on ${devices} more devices`);
  if (view.getUint8(DIRBLKBITS) !== 0) {
    broken("dirblkbits", EROFS_SUPER_OFFSET + DIRBLKBITS, "blocks of directories have a size of their own");
  }
  return {
    blockSize,
    metadata: view.getUint32(META_BLKADDR, true) * blockSize,
    rootNid: view.getUint16(ROOT_NID, true),
    buildTime: view.getUint32(BUILD_TIME, true) + view.getInt32(BUILD_TIME + 4, true) * 2 ** 32,
  };
}

/** The checksum is that of the block that holds the superblock, from the superblock on, with zeros in its place. */
function checkSum(source: ByteSource, blockSize: number, told: number): void {
  const bytes = new Uint8Array(blockSize > EROFS_SUPER_OFFSET ? blockSize - EROFS_SUPER_OFFSET : blockSize);
  fill(source, bytes, EROFS_SUPER_OFFSET, "first block");
  bytes.fill(0, CHECKSUM, CHECKSUM + 4);
  const sum = crc32c(bytes);
  if (sum === told) return;
  broken(
    "checksum",
    EROFS_SUPER_OFFSET + CHECKSUM,
    `is 0x${told.toString(16)}, that of the bytes is 0x${sum.toString(16)}`,
  );
}

function checkFeatures(features: number): void {
  const field = EROFS_SUPER_OFFSET + FEATURE_INCOMPAT;
  for (const [bit, what] of REFUSED) {
    if ((features & bit) !== 0) broken("feature_incompat", field, `${what}, which is not read`);
  }
  const unknown = (features & ~READ) >>> 0;
  if (unknown !== 0) broken("feature_incompat", field, `unknown features 0x${unknown.toString(16)}`);
}
