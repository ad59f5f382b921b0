/** What a cache tells of a library besides its name and its path. */
export interface EntryKind {
  /** ABI and C library, as `FLAG_*` of `elf/constants.ts`; a signed 32-bit number. */
  readonly flags: number;
  /** The kernel that the library asks for, `kind << 24 | major << 16 | minor << 8 | patch`; 0 since glibc 2.36. */
  readonly osVersion: number;
  /** Legacy hardware capabilities (glibc 2.36 and older), bits 0 to 31; 0 for an entry with `hwcaps`. */
  readonly hwcapLow: number;
  /** Bits 32 to 63 of them, not negative. */
  readonly hwcapHigh: number;
  /** The name of the `glibc-hwcaps` subfolder that the library lies in; undefined for any other library. */
  readonly hwcaps: string | undefined;
  /** x86 ISA level, 0 to 1023; counts with `hwcaps` only. */
  readonly isa: number;
}

/** One line of a cache: where the dynamic linker finds a library. */
export interface CacheEntry extends EntryKind {
  /** The soname that is looked up, a byte string without NUL. */
  readonly key: string;
  /** The path of the file, a byte string without NUL. */
  readonly value: string;
}
