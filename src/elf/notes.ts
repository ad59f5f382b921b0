import { NT_GNU_ABI_TAG } from "./constants.ts";

/** The notes go on behind what can be read. */
export const OUT_OF_BYTES = -1;

/** `GNU` and its NUL as one word. */
export function gnuName(bigEndian: boolean): number {
  return bigEndian ? 0x474e5500 : 0x00554e47;
}

/** An ABI note: header, name, and four words that tell the kernel's kind and version. */
const ABI_NOTE_BYTES = 32;

/**
 * The kernel that an ABI note asks for, as `kind << 24 | major << 16 | minor << 8 | patch`, 0 when there is no such note
 * (Linux Standard Base, "NOTE section"; `elf/readelflib.c` until glibc 2.35). `words` are the first bytes of a PT_NOTE
 * segment of `size` bytes, or fewer. OUT_OF_BYTES when they end before the segment does and no note was found.
 *
 * @param alignment 4 or 8, to which names and descriptions are padded
 * @param separate glibc 2.26 and older: name and description are padded one by one, not their place in the segment
 */
export function abiNoteVersion(
  words: Uint32Array,
  size: number,
  alignment: number,
  separate: boolean,
  bigEndian: boolean,
): number {
  const gnu = gnuName(bigEndian);
  for (let at = 0; ;) {
    // Compared as bytes: a note may be 2^32 long, and the word there would be the first again.
    if (at + ABI_NOTE_BYTES > words.byteLength) return OUT_OF_BYTES;
    const word = at >>> 2;
    const nameSize = words[word] ?? 0;
    const descriptionSize = words[word + 1] ?? 0;
    const isAbiNote =
      nameSize === 4 && descriptionSize === 16 && words[word + 2] === NT_GNU_ABI_TAG && words[word + 3] === gnu;
    if (isAbiNote) return version(words, word + 4);
    const length = separate
      ? 12 + roundUp(nameSize, alignment) + roundUp(descriptionSize, alignment)
      : roundUp(roundUp(12 + nameSize, alignment) + descriptionSize, alignment);
    if (size - at - ABI_NOTE_BYTES < length) return 0;
    at += length;
  }
}

function version(words: Uint32Array, at: number): number {
  const kind = words[at] ?? 0;
  const major = (words[at + 1] ?? 0) & 0xff;
  const minor = (words[at + 2] ?? 0) & 0xff;
  const patch = (words[at + 3] ?? 0) & 0xff;
  return ((kind << 24) | (major << 16) | (minor << 8) | patch) >>> 0;
}

/** Not with bit operations: the sum of two sizes has more than 32 bits. */
export function roundUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}
