/**
 * Values of the EROFS format, under the names that they have in Linux's `fs/erofs/erofs_fs.h`. All numbers of an image
 * are little-endian.
 */

export const EROFS_SUPER_MAGIC_V1 = 0xe0f5e1e2;
/** Where the superblock is, and how long it is, in bytes. */
export const EROFS_SUPER_OFFSET = 1024;
export const SUPERBLOCK_BYTES = 128;

export const EROFS_FEATURE_COMPAT_SB_CHKSUM = 0x0001;

export const EROFS_FEATURE_INCOMPAT_ZERO_PADDING = 0x0001;
export const EROFS_FEATURE_INCOMPAT_COMPR_CFGS = 0x0002;
export const EROFS_FEATURE_INCOMPAT_CHUNKED_FILE = 0x0004;
/** One bit for two features: a table of further devices, or a second algorithm of compression. */
export const EROFS_FEATURE_INCOMPAT_DEVICE_TABLE = 0x0008;
export const EROFS_FEATURE_INCOMPAT_ZTAILPACKING = 0x0010;
export const EROFS_FEATURE_INCOMPAT_FRAGMENTS = 0x0020;
export const EROFS_FEATURE_INCOMPAT_XATTR_PREFIXES = 0x0040;
export const EROFS_FEATURE_INCOMPAT_48BIT = 0x0080;
export const EROFS_FEATURE_INCOMPAT_METABOX = 0x0100;

/** An inode begins at a multiple of this, in bytes from the start of the metadata; that multiple is its number. */
export const INODE_SLOT = 32;
export const INODE_COMPACT_BYTES = 32;
export const INODE_EXTENDED_BYTES = 64;

/** Data layouts of an inode. */
export const EROFS_INODE_FLAT_PLAIN = 0;
export const EROFS_INODE_COMPRESSED_FULL = 1;
export const EROFS_INODE_FLAT_INLINE = 2;
export const EROFS_INODE_COMPRESSED_COMPACT = 3;
export const EROFS_INODE_CHUNK_BASED = 4;

export const EROFS_CHUNK_FORMAT_BLKBITS_MASK = 0x1f;
export const EROFS_CHUNK_FORMAT_INDEXES = 0x20;
/** Bytes of an entry of the block map, and of a chunk index; where the block's address is in the latter. */
export const BLOCK_MAP_ENTRY_BYTES = 4;
export const CHUNK_INDEX_BYTES = 8;
export const CHUNK_INDEX_BLKADDR = 4;

/** The address of a block that is not there: all of it is zero. */
export const EROFS_NULL_ADDR = 0xffffffff;

/** A directory entry, and its fields, in bytes. */
export const DIRENT_BYTES = 12;
export const DIRENT_NAMEOFF = 8;
export const DIRENT_FILE_TYPE = 10;
export const EROFS_NAME_LEN = 255;

/** File types, as in `st_mode & S_IFMT`. */
export const S_IFMT = 0o170000;
export const S_IFCHR = 0o020000;
export const S_IFDIR = 0o040000;
export const S_IFBLK = 0o060000;
export const S_IFLNK = 0o120000;
