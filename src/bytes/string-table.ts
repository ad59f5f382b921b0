import { toText, writeText } from "./text.ts";

/** Strings laid out one after another, each ended by a NUL, where a string that ends another one lies inside it. */
export interface StringTable {
  readonly bytes: Uint8Array;
  /** Byte offset of each string, in the order in which the strings were given. */
  readonly offsets: Uint32Array;
}

/** Of how many strings the text is held at once. */
const AT_ONCE = 8192;

/**
 * Lays out byte strings without NUL as ldconfig of glibc 2.33 and later does. The strings are ordered by their bytes
 * from the last to the first, larger bytes first and a longer string before its own suffixes; a string that the string
 * before it ends with is placed inside that one, any other string starts after the previous string's NUL. The layout
 * depends on the set of strings only, so duplicates cost nothing and the order given does not matter.
 */
export function layOutStrings(strings: readonly string[]): StringTable {
  const count = strings.length;
  const offsets = new Uint32Array(count);
  if (count === 0) return { bytes: new Uint8Array(0), offsets };

  // What follows is a comparison of reversed strings. Reversing, comparing and splitting are done by the engine on many
  // strings at once; a loop over characters would take ten times as long.
  const reversed = reversedStrings(strings);
  const ascending = reversed.slice().sort();
  const placed = new Map<string, number>();
  const kept: string[] = [];
  let previous = "";
  /** Where the last string's NUL is. */
  let end = -1;
  for (let at = count - 1; at >= 0; at -= 1) {
    const string = ascending[at] ?? "";
    // As startsWith, in half the time: that looks for a regular expression first.
    if (end >= 0 && previous.lastIndexOf(string, 0) === 0) {
      placed.set(string, end - string.length);
    } else {
      placed.set(string, end + 1);
      end += string.length + 1;
      kept[kept.length] = string;
    }
    previous = string;
  }
  for (let at = 0; at < count; at += 1) offsets[count - 1 - at] = placed.get(reversed[at] ?? "") ?? 0;
  ascending.length = reversed.length = 0;

  const bytes = new Uint8Array(end + 1);
  let at = 1;
  for (let last = kept.length; last > 0; last -= AT_ONCE) {
    at =
      1 +
      writeText(
        kept
          .slice(Math.max(0, last - AT_ONCE), last)
          .reverse()
          .join("\0"),
        bytes,
        at,
      );
  }
  bytes.reverse();
  return { bytes, offsets };
}

/** The strings from the last to the first, each reversed. */
function reversedStrings(strings: readonly string[]): string[] {
  let reversed: string[] = [];
  for (let end = strings.length; end > 0; end -= AT_ONCE) {
    const some = reverse(strings.slice(Math.max(0, end - AT_ONCE), end).join("\0")).split("\0");
    reversed = reversed.length === 0 ? some : reversed.concat(some);
  }
  return reversed;
}

function reverse(text: string): string {
  const bytes = new Uint8Array(text.length);
  writeText(text, bytes, 0);
  return toText(bytes.reverse());
}
