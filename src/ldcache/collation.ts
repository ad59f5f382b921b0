import { hostBigEndian } from "../bytes/byte-order.ts";
import { toText, writeText } from "../bytes/text.ts";

/**
 * Collation keys: strings whose plain comparison is glibc's comparison of names (`compareNames`). They are made for all
 * names at once, by the engine's own operations on one long string.
 *
 * A key consists of these, in ascending order:
 *
 * - `\x01\x02` and a byte above 127, where `char` is signed,
 * - `\x01\x03`, the end of a name, where `char` is signed and such bytes occur (elsewhere the end needs no sign),
 * - `\x01\x04`, the byte 1, where the above are in use,
 * - any other byte but a digit, as itself,
 * - for a number of one digit, leading zeros left out: its digit, moved to one of ten characters above all bytes,
 * - for a longer number: a character that tells how many digits it has, and then the digits, moved as well.
 *
 * So numbers compare by their magnitude, and above everything else. Where all names are ASCII, the characters "above all
 * bytes" are those from 0xe0 on, as strings of small characters are faster.
 */
const ABOVE_ASCII = 0xe0;
const ABOVE_BYTES = 0x200;
/** How far above the ten digits the characters for counts of digits are. */
const COUNTS = 0x10;
/** Counts of digits are told apart up to this; no order among longer ones is right anyway. */
const MOST_DIGITS = 15;

/** The digit count up to which numbers stay below 2^31, and their comparison is one of magnitudes. */
const SAFE_DIGITS = 9;

/** Names made comparable. */
export interface Collation {
  /** One key per name, in the order of the names. The character NUL does not occur in them. */
  readonly keys: string[];
  /** The smallest of the characters that numbers begin with. */
  readonly digits: number;
  /**
   * Whether a number of ten digits or more occurs. glibc computes modulo 2^32, so that its order of such names is not a
   * total one, and their keys' order is not glibc's.
   */
  readonly unsafe: boolean;
}

/** The collation keys of byte strings without NUL. */
export function collate(names: readonly string[], charSigned: boolean): Collation {
  if (names.length === 0) return { keys: [], digits: ABOVE_ASCII, unsafe: false };
  const text = names.join("\0");
  return collateAscii(text) ?? collateBytes(text, charSigned);
}

/**
 * As `collate`: the digits are moved by arithmetic, four characters at a time; numbers stay small enough for the engine's
 * fast ways. Finds where longer numbers begin, too. Undefined when a character is above 127.
 */
function collateAscii(text: string): Collation | undefined {
  const count = (text.length + 3) >> 2;
  const words = new Int32Array(count);
  const bytes = new Uint8Array(words.buffer);
  writeText(text, bytes, 0);
  /** The mark of the character of a word that comes first, and of the one that comes last. */
  const first = hostBigEndian ? 0x40000000 : 0x40;
  const last = 0x40000040 ^ first;
  /** Words in which a second digit stands. */
  const pairs: number[] = [];
  let before = 0;
  for (let at = 0; at < count; at += 1) {
    const word = words[at] ?? 0;
    if ((word & LETTER_BITS) === LETTERS) {
      before = 0;
      continue;
    }
    if ((word & NOT_ASCII) !== 0) return undefined;
    // With 0x30 taken away by bits, digits are below 10, half of them is below 5, and what is above becomes 0x40 or more.
    const digits = ~((((word ^ 0x30303030) >>> 1) & 0x3f3f3f3f) + 0x3b3b3b3b) & 0x40404040;
    if (digits !== 0) {
      // 0xb0, from "0" to ABOVE_ASCII, is added where there is a digit.
      words[at] = word + (digits << 1) + (digits >> 1) + (digits >> 2);
      if ((digits & (digits >> 8)) !== 0 || ((digits & first) !== 0 && (before & last) !== 0)) pairs[pairs.length] = at;
    }
    before = digits;
  }
  return { ...measured(bytes, text.length, pairs), digits: ABOVE_ASCII };
}

/** The top bits of four characters; as a small integer, like all numbers here, as the engine is slow with others. */
const NOT_ASCII = 0x80808080 | 0;
/** The bits of four characters that tell that all are ASCII and from "@" on; and what they are then. */
const LETTER_BITS = 0xc0c0c0c0 | 0;
const LETTERS = 0x40404040;

/** Puts the count of digits before each longer number, and takes its leading zeros away. `pairs` as `collateAscii` has it. */
function measured(bytes: Uint8Array, length: number, pairs: readonly number[]): Pick<Collation, "keys" | "unsafe"> {
  const text = toText(bytes, 0, length);
  const pieces: string[] = [];
  let unsafe = false;
  let done = 0;
  /** The end of the last number. */
  let end = 0;
  for (let pair = 0; pair < pairs.length; pair += 1) {
    const word = 4 * (pairs[pair] ?? 0);
    // From the character before the word on, where its second digit may be the second of a number.
    for (let start = Math.max(end, word - 1); start < word + 3; start += 1) {
      if (((bytes[start] ?? 0) & (bytes[start + 1] ?? 0)) < ABOVE_ASCII) continue;
      pieces[pieces.length] = text.slice(done, start);
      end = start + 2;
      while ((bytes[end] ?? 0) >= ABOVE_ASCII) end += 1;
      while (start < end - 1 && bytes[start] === ABOVE_ASCII) start += 1;
      const count = end - start;
      unsafe ||= count > SAFE_DIGITS;
      if (count > 1) pieces[pieces.length] = countCharacter(ABOVE_ASCII, count);
      done = start;
      start = end - 1;
    }
  }
  pieces[pieces.length] = text.slice(done);
  return { keys: pieces.join("").split("\0"), unsafe };
}

/** As `collate`, where characters above 127 occur. */
function collateBytes(names: string, charSigned: boolean): Collation {
  const digits = ABOVE_BYTES;
  let unsafe = false;
  let text = charSigned ? signCharacters(names) : names;
  text = text.replace(/\d\d+/g, (run) => {
    const significant = run.replace(/^0+(?=.)/, "");
    const count = significant.length;
    unsafe ||= count > SAFE_DIGITS;
    return count === 1 ? significant : countCharacter(digits, count) + significant;
  });
  for (let digit = 0; digit < 10; digit += 1) {
    text = text.replaceAll(String(digit), String.fromCharCode(digits + digit));
  }
  return { keys: text.split("\0"), digits, unsafe };
}

/** Finds the first unsafe number of a key: the character that tells its count of digits. */
export function unsafeNumber({ digits }: Collation): RegExp {
  return new RegExp(`[${countCharacter(digits, SAFE_DIGITS + 1)}-${countCharacter(digits, MOST_DIGITS)}]`);
}

/** Whether a number is at place `at` of a key. */
export function numberAt(key: string, at: number, digits: number): boolean {
  return key.charCodeAt(at) >= digits;
}

function countCharacter(digits: number, count: number): string {
  return String.fromCharCode(digits + COUNTS + Math.min(count, MOST_DIGITS));
}

function signCharacters(text: string): string {
  return `${text
    .replaceAll("\x01", "\x01\x04")
    .replace(/[\x80-\xff]/g, "\x01\x02$&")
    .replaceAll("\0", "\x01\x03\0")}\x01\x03`;
}
