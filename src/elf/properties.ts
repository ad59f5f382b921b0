import { GNU_PROPERTY_X86_ISA_1_NEEDED, NT_GNU_PROPERTY_TYPE_0 } from "./constants.ts";
import { gnuName, OUT_OF_BYTES, roundUp } from "./notes.ts";

/**
 * The x86 ISA level that a library needs: the number of the highest bit in GNU_PROPERTY_X86_ISA_1_NEEDED, 0 when it is
 * the baseline or nothing is said (x86 psABI, "program property"; `elf/readelflib.c` since glibc 2.33). Only the first
 * property note counts. `words` are the first bytes of a PT_GNU_PROPERTY segment of `size` bytes, or fewer; OUT_OF_BYTES
 * when they end too early.
 *
 * @param wordSize 8 or 4, to which notes and properties are padded
 */
export function isaLevel(words: Uint32Array, size: number, wordSize: number, bigEndian: boolean): number {
  const gnu = gnuName(bigEndian);
  for (let at = 0; at + 12 < size;) {
    // Compared as bytes: a note may be 2^32 long, and the word there would be the first again.
    if (at + 16 > words.byteLength) return OUT_OF_BYTES;
    const word = at >>> 2;
    const nameSize = words[word] ?? 0;
    const descriptionSize = words[word + 1] ?? 0;
    if (nameSize === 4 && words[word + 2] === NT_GNU_PROPERTY_TYPE_0 && words[word + 3] === gnu) {
      if (descriptionSize < 8 || descriptionSize % wordSize !== 0) return 0;
      return neededLevel(words, at + 16, descriptionSize, wordSize);
    }
    at = roundUp(roundUp(at + 12 + nameSize, wordSize) + descriptionSize, wordSize);
  }
  return 0;
}

/** The properties of one note: type, size and data each, types ascending. Whatever is out of order ends the search. */
function neededLevel(words: Uint32Array, start: number, length: number, wordSize: number): number {
  const end = start + length;
  let last = 0;
  for (let at = start; end - at >= 8;) {
    if (at + 8 > words.byteLength) return OUT_OF_BYTES;
    const word = at >>> 2;
    const type = words[word] ?? 0;
    const size = words[word + 1] ?? 0;
    at += 8;
    if (type < last || type > GNU_PROPERTY_X86_ISA_1_NEEDED || end - at < size) return 0;
    if (type === GNU_PROPERTY_X86_ISA_1_NEEDED) {
      if (size !== 4) return 0;
      if (word + 3 > words.length) return OUT_OF_BYTES;
      const bits = words[word + 2] ?? 0;
      return bits === 0 ? 0 : 31 - Math.clz32(bits);
    }
    last = type;
    at += roundUp(size, wordSize);
  }
  return 0;
}
