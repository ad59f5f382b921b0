/** What this reader takes in at most, whatever an image says. */

/** Longest target of a link, in bytes: as long as PATH_MAX lets one be. */
export const TARGET_BYTES = 4095;

/** Entries of one directory that are listed, unless the caller sets a bound of its own. */
export const DIRECTORY_ENTRIES = 500_000;

/** Bits of a block size: 512 bytes to 64 KiB. */
export const SMALLEST_BLOCK_BITS = 9;
export const LARGEST_BLOCK_BITS = 16;
