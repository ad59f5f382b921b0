/** What is looked at in a JSON text before a parser gets it. */

/** Members of one name count once: a config.json has some hundred names, and a megabyte of the same few. */
export const MOST_NAMES = 4096;

/** Shorter texts have no room for names that would take long. */
const SHORT = 128 << 10;

const colon = /[ \t\r\n]*:/y;

/**
 * Whether the members of a text have more than MOST_NAMES different names. The engine makes a property of each, whose hash
 * is a polynomial: of names that were made to have one hash, each takes as long as all before it.
 */
export function hasTooManyNames(text: string): boolean {
  if (text.length < SHORT) return false;
  const names = new Set<string>();
  let start = text.indexOf('"');
  while (start >= 0) {
    let end = text.indexOf('"', start + 1);
    while (end >= 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
    if (end < 0) return false;
    colon.lastIndex = end + 1;
    if (colon.test(text)) names.add(text.slice(start + 1, end));
    if (names.size > MOST_NAMES) return true;
    start = text.indexOf('"', end + 1);
  }
  return false;
}

/** Whether the quote at `at` follows an odd number of backslashes. */
export function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === "\\") backslashes += 1;
  return backslashes % 2 === 1;
}
