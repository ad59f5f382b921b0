/**
 * Why a file is not indexed. ldconfig says something about some of these and leaves others out without a word:
 *
 * - `empty`         no byte in it ("is empty, not checked")
 * - `too-small`     smaller than an ELF header, and begins like one ("is too small, not checked")
 * - `small`         smaller than an ELF header, and something else (nothing is said)
 * - `not-elf`       other magic bytes ("is not an ELF file")
 * - `linker-script` the same, but the first 512 bytes are those of a linker script (nothing is said)
 * - `not-shared`    not ET_DYN in this byte order: programs, objects, files of the other endianness (nothing is said)
 * - `machine`       an e_machine that this ldconfig does not index ("is for unknown machine N")
 * - `class`         an EI_CLASS that this ldconfig does not index
 * - `abi`           e_flags that this ldconfig does not index
 * - `truncated`     something begins behind the end of the file ("is truncated")
 * - `outside`       something reaches behind the last page of the file, where ldconfig itself would crash
 * - `no-dynamic`    no PT_DYNAMIC, or an empty one (nothing is said)
 * - `no-strings`    no DT_STRTAB (nothing is said)
 * - `unreasonable`  a name or a dynamic section beyond what this reader takes in (`limits.ts`)
 */
export type SkipReason =
  | "empty"
  | "too-small"
  | "small"
  | "not-elf"
  | "linker-script"
  | "not-shared"
  | "machine"
  | "class"
  | "abi"
  | "truncated"
  | "outside"
  | "no-dynamic"
  | "no-strings"
  | "unreasonable";

/** A file that is not indexed, and why. */
export interface Skip {
  readonly skip: SkipReason;
  /** e_machine of a file that is left out for it. */
  readonly machine?: number;
}
