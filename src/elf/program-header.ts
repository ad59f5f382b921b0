/**
 * A program header as words, the low one of a 64-bit value first: as 64-bit little-endian files have it. Those of other files
 * are laid out like it before anything looks at them, so that one reader serves all.
 */

export const PHDR_WORDS = 14;
/** p_type is word 0. */
export const OFFSET = 2;
export const ADDRESS = 4;
export const FILE_SIZE = 8;
export const ALIGNMENT = 12;

/** Words of a 32-bit file's header, and where its fields belong in a 64-bit one; but for p_flags, which nobody asks for. */
export const PHDR32_WORDS = 8;
const FIELDS_32 = [0, OFFSET, ADDRESS, 6, FILE_SIZE, 10, undefined, ALIGNMENT];

/** The headers of a 32-bit file. */
export function widened(words: Uint32Array, count: number): Uint32Array {
  const headers = new Uint32Array(count * PHDR_WORDS);
  FIELDS_32.forEach((to, from) => {
    if (to === undefined) return;
    for (let at = 0; at < count; at += 1) headers[at * PHDR_WORDS + to] = words[at * PHDR32_WORDS + from] ?? 0;
  });
  return headers;
}

/** The headers of a 64-bit big-endian file, whose words are as it says but come high one first. */
export function lowWordsFirst(words: Uint32Array): Uint32Array {
  const headers = words.slice();
  for (let start = 0; start < words.length; start += PHDR_WORDS) {
    for (let at = start + OFFSET; at < start + PHDR_WORDS; at += 1) headers[at] = words[at ^ 1] ?? 0;
  }
  return headers;
}
