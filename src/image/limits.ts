/** What an image may be at most; what is beyond is refused. */

/** Names in one image. */
export const MOST_NAMES = 500_000;
/** Bytes of one name: what the kernel's file systems take. */
export const LONGEST_COMPONENT = 255;
/** Folders in folders. */
export const DEEPEST = 256;
/** Links followed on one path, as in the kernel. */
export const MOST_LINKS = 40;
/** Steps of all paths of an image: members, names on their ways, and eight bytes of the links on these. */
export const MOST_STEPS = 3_000_000;
/** Bytes of extended attributes of folders. */
export const MOST_ATTRIBUTE_BYTES = 16 << 20;
/** Layers of an image. */
export const MOST_LAYERS = 256;
/** Bytes of an OCI layout's index, of a manifest, of a configuration. */
export const LONGEST_DOCUMENT = 4 << 20;
/** The archives of an image may unpack to this many bytes, or so many times their size, whichever is more. */
export const SMALLEST_UNPACKED_LIMIT = 2 ** 28;
export const UNPACKED_RATIO = 200;
/** And to no more than this. */
export const LARGEST_UNPACKED = 2 ** 36;
/** Seconds that unpacking one archive may take. */
export const UNPACKING_SECONDS = 3600;
