/** The records that getdents64(2) fills a buffer with, and the buffer: whoever lists a directory is done before the next. */

/** Offsets in `struct linux_dirent64`. */
export const LENGTH = 16;
export const TYPE = 18;
export const NAME = 19;

/** A directory of a few hundred names in one call. */
export const entryBytes: Uint8Array = new Uint8Array(32 << 10);
/** The same: a record's length is 16 bits, and its start a multiple of 8. */
export const entryHalves: Uint16Array = new Uint16Array(entryBytes.buffer);
