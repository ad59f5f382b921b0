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
  readonly keys: readonly string[];
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
  let text = names.join("\0");
  let digits = ABOVE_ASCII;
  if (/[\x80-\xff]/.test(text)) {
    digits = ABOVE_BYTES;
    if (charSigned) text = signCharacters(text);
  }
  let unsafe = false;
  const measured = new Map<string, string>();
  text = text.replace(/\d\d+/g, (run) => {
    let number = measured.get(run);
    if (number === undefined) {
      const significant = run.replace(/^0+(?=.)/, "");
      const count = significant.length;
      unsafe ||= count > SAFE_DIGITS;
      number = count === 1 ? significant : countCharacter(digits, count) + significant;
      measured.set(run, number);
    }
    return number;
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
