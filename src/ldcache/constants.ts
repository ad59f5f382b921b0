/** Names and numbers of the cache file, as glibc's dl-cache.h has them. */

/** Magic of the old format; a NUL follows it. */
export const CACHEMAGIC = "ld.so-1.7.0";
/** Magic and version of the new format, without a NUL. */
export const CACHEMAGIC_VERSION_NEW = "glibc-ld.so.cache1.1";

/** Bytes of `struct cache_file` and `struct file_entry`: the old format. */
export const OLD_HEADER_BYTES = 16;
export const OLD_ENTRY_BYTES = 12;
/** Bytes of `struct cache_file_new` and `struct file_entry_new`. */
export const NEW_HEADER_BYTES = 48;
export const NEW_ENTRY_BYTES = 24;
/** Byte offset of the byte order in the new header, and of the extension directory's place. */
export const ENDIAN_OFFSET = 28;
export const EXTENSION_OFFSET = 32;

/** Values of its two low bits; 0 leaves the byte order open. */
export const CACHE_FILE_NEW_FLAGS_ENDIAN_INVALID = 1;
export const CACHE_FILE_NEW_FLAGS_ENDIAN_LITTLE = 2;
export const CACHE_FILE_NEW_FLAGS_ENDIAN_BIG = 3;
export const CACHE_FILE_NEW_FLAGS_ENDIAN_MASK = 3;

/** First word of the extension directory. */
export const CACHE_EXTENSION_MAGIC = 0xeaa42174;
/** Bytes of the directory's magic and count, and of one section of it. */
export const EXTENSION_HEADER_BYTES = 8;
export const EXTENSION_SECTION_BYTES = 16;
export const CACHE_EXTENSION_TAG_GENERATOR = 0;
export const CACHE_EXTENSION_TAG_GLIBC_HWCAPS = 1;

/** High word of the hwcap field of an entry from a `glibc-hwcaps` folder: bit 62 of the field; below it the ISA level. */
export const DL_CACHE_HWCAP_EXTENSION = 1 << 30;
export const DL_CACHE_HWCAP_ISA_LEVEL_MASK = 0x3ff;

/** The parts of an entry's flags: the C library, and the ABI. */
export const FLAG_TYPE_MASK = 0x00ff;
export const FLAG_REQUIRED_MASK = 0xff00;
export const FLAG_ELF_LIBC6 = 0x0003;
