/** Values of the tar formats: ustar and pax (POSIX.1-2017, pax, "EXTENDED DESCRIPTION"), GNU's (tar.h of GNU tar). */

/** Everything in an archive is padded to blocks of this many bytes. */
export const BLOCK = 512;

/** Offsets and lengths of a header's fields. */
export const FIELDS = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  linkName: [157, 100],
  magic: [257, 8],
  major: [329, 8],
  minor: [337, 8],
  prefix: [345, 155],
} as const;

export const USTAR_MAGIC = "ustar\0";
export const USTAR_VERSION = "00";
export const GNU_MAGIC = "ustar  \0";

/** Type flags. */
export const TYPE = {
  file: "0",
  oldFile: "\0",
  contiguous: "7",
  hardLink: "1",
  symbolicLink: "2",
  characterDevice: "3",
  blockDevice: "4",
  directory: "5",
  fifo: "6",
  extended: "x",
  extendedOfSolaris: "X",
  global: "g",
  gnuLongName: "L",
  gnuLongLink: "K",
  gnuSparse: "S",
  gnuDirectory: "D",
  gnuVolume: "V",
} as const;

/** Bytes of an extended header, or of a long name, at most. */
export const LONGEST_EXTENSION = 1 << 20;
/** Bytes of a name or a link's target at most: what the kernel takes, without the NUL. */
export const LONGEST_NAME = 4095;
/** 2^32 - 1 is nobody: to chown(2) it means that the owner stays. */
export const LARGEST_ID = 2 ** 32 - 2;
/** Pieces of a sparse file at most. */
export const MOST_PIECES = 65_536;
