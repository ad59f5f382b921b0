/**
 * What this reader takes in at most. ldconfig itself has no limits but the file's size; no library that a linker made
 * comes near these.
 */

/** Longest name taken from a string table, in bytes: PATH_MAX, as no longer name can be opened. */
export const NAME_BYTES = 4096;

/** Longest dynamic section looked at, in bytes: 4,096 entries of a 64-bit library. */
export const DYNAMIC_BYTES = 64 << 10;

/** How far into a file's segments notes are looked for, in bytes: into all of them together. */
export const NOTE_BYTES = 64 << 10;

/** Longest table of program headers looked at, in bytes: Linux itself loads nothing that has a longer one (fs/binfmt_elf.c). */
export const HEADERS_BYTES = 64 << 10;
