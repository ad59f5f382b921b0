import { descendingOrder } from "./order.ts";
import { toText, writeText } from "./text.ts";

/** Strings laid out one after another, each ended by a NUL, where a string that ends another one lies inside it. */
export interface StringTable {
  readonly bytes: Uint8Array;
  /** Byte offset of each string, in the order in which the strings were given. */
  readonly offsets: Int32Array;
  /** Byte offset of each tail. */
  readonly tailOffsets: Int32Array;
}

/** Of how many strings the text is held at once. */
const AT_ONCE = 8192;

/**
 * Lays out byte strings without NUL as ldconfig of glibc 2.33 and later does. The strings are ordered by their bytes
 * from the last to the first, larger bytes first and a longer string before its own suffixes; a string that the string
 * before it ends with is placed inside that one, any other string starts after the previous string's NUL. The layout
 * depends on the set of strings only, so duplicates cost nothing and the order given does not matter.
 *
 * @param tails as many as `strings`: `tails[i]` is the end of `strings[i]`, as a library's name is of its path. So it needs
 *   no sorting: it lies inside the last string of the order that ends with it.
 * @param others further strings; their offsets stand behind those of `strings`
 */
export function layOutStrings(
  strings: readonly string[],
  tails: readonly string[],
  others: readonly string[],
): StringTable {
  if (others.length === 0) return layOutEnds(strings, tails);
  return layOutEnds(strings.concat(others), tails.concat(others));
}

function layOutEnds(strings: readonly string[], ends: readonly string[]): StringTable {
  // A comparison of reversed strings. Reversing, comparing and splitting are done by the engine on many strings at once;
  // a loop over characters would take ten times as long.
  const order = descendingOrder(reversedStrings(strings).reverse());
  const count = order.length;
  const offsets = new Int32Array(count);
  const tailOffsets = new Int32Array(count);
  const kept: string[] = [];
  /** Places in the order of strings whose tail the next string ends with, too. */
  const shared: number[] = [];
  let above = "";
  let tail = "";
  /** Where the last string's NUL is. */
  let end = -1;
  for (let at = 0; at < count; at += 1) {
    const index = order[at] ?? 0;
    const string = strings[index] ?? "";
    let isInside = false;
    if (at > 0) {
      const longer = string.length - tail.length;
      if (longer < 0) isInside = tail.endsWith(string);
      // As endsWith, in half the time: that looks for a regular expression first.
      else if (string.indexOf(tail, longer) !== -1) {
        isInside = above.endsWith(string);
        shared.push(at - 1);
      }
    }
    if (!isInside) {
      end += string.length + 1;
      kept[kept.length] = string;
    }
    above = string;
    tail = ends[index] ?? "";
    offsets[index] = end - string.length;
    tailOffsets[index] = end - tail.length;
  }
  for (let last = shared.length - 1; last >= 0; last -= 1) {
    const at = shared[last] ?? 0;
    const index = order[at] ?? 0;
    const below = order[at + 1] ?? 0;
    tail = ends[index] ?? "";
    if (ends[below] === tail) tailOffsets[index] = tailOffsets[below] ?? 0;
    else {
      const lowest = order[lastWithEnd(strings, order, at + 1, tail)] ?? 0;
      tailOffsets[index] = (offsets[lowest] ?? 0) + (strings[lowest] ?? "").length - tail.length;
    }
  }
  return { bytes: textOf(kept, end + 1), offsets, tailOffsets };
}

/** The last place in the order at which a string ends with `tail`. Those stand together, and one of them is at `known`. */
function lastWithEnd(strings: readonly string[], order: Int32Array, known: number, tail: string): number {
  let low = known;
  let high = order.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((strings[order[middle] ?? 0] ?? "").endsWith(tail)) low = middle;
    else high = middle;
  }
  return low;
}

/** The strings, each ended by a NUL. */
function textOf(strings: readonly string[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (let first = 0; first < strings.length; first += AT_ONCE) {
    at = 1 + writeText(joined(strings, first, first + AT_ONCE), bytes, at);
  }
  return bytes;
}

/** The strings from the last to the first, each reversed. */
function reversedStrings(strings: readonly string[]): string[] {
  let reversed: string[] = [];
  for (let end = strings.length; end > 0; end -= AT_ONCE) {
    const some = reverse(joined(strings, Math.max(0, end - AT_ONCE), end)).split("\0");
    reversed = reversed.length === 0 ? some : reversed.concat(some);
  }
  return reversed;
}

/** Some of the strings, with NULs between. The engine copies an array slowly, so it does not where all are wanted. */
function joined(strings: readonly string[], start: number, end: number): string {
  return (start === 0 && end >= strings.length ? strings : strings.slice(start, end)).join("\0");
}

function reverse(text: string): string {
  const bytes = new Uint8Array(text.length);
  writeText(text, bytes, 0);
  return toText(bytes.reverse());
}
