/** The records that getdents64(2) fills a buffer with, and the buffer: whoever lists a directory is done before the next. */

/** Offsets in `struct linux_dirent64`. */
export const LENGTH = 16;
export const TYPE = 18;
export const NAME = 19;

/** A directory of a few hundred names in one call. */
export const entryBytes: Uint8Array = new Uint8Array(32 << 10);
/** The same: a record begins with the low and the high word of the inode number, its length is half a word. */
export const entryWords: Uint32Array = new Uint32Array(entryBytes.buffer);
