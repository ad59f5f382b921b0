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
 * - DIGIT and a digit: a number of one digit, leading zeros left out,
 * - NUMBER and the count of digits, and then the digits: a number of two digits or more.
 *
 * So numbers compare by their magnitude, and above everything else.
 */
const DIGIT = 0x200;
const NUMBER = 0x300;
/** Counts of digits are told apart up to this; no order among longer ones is right anyway. */
const MOST_DIGITS = 0x3fff;

/** The digit count up to which numbers stay below 2^31, and their comparison is one of magnitudes. */
const SAFE_DIGITS = 9;

const DIGITS = Array.from({ length: 10 }, (_, digit) => String.fromCharCode(DIGIT + digit));
const unsafeNumber = new RegExp(`[${measure(SAFE_DIGITS + 1)}-${measure(MOST_DIGITS)}]`);

export interface Collation {
  /** One key per name, in the order of the names. The character NUL does not occur in them. */
  readonly keys: readonly string[];
  /**
   * Whether a number of ten digits or more occurs. glibc computes modulo 2^32, so that its order of such names is not a
   * total one, and their keys' order is not glibc's.
   */
  readonly unsafe: boolean;
}

/** The collation keys of byte strings without NUL. */
export function collate(names: readonly string[], charSigned: boolean): Collation {
  if (names.length === 0) return { keys: [], unsafe: false };
  let text = names.join("\0");
  if (charSigned && /[\x80-\xff]/.test(text)) text = signCharacters(text);
  let unsafe = false;
  const measured = new Map<string, string>();
  text = text.replace(/[0-9]{2,}/g, (run) => {
    let number = measured.get(run);
    if (number === undefined) {
      const digits = run.replace(/^0+(?=.)/, "");
      unsafe ||= digits.length > SAFE_DIGITS;
      number = digits.length === 1 ? digits : measure(digits.length) + digits;
      measured.set(run, number);
    }
    return number;
  });
  for (let digit = 0; digit < 10; digit += 1) text = text.replaceAll(String(digit), DIGITS[digit] ?? "");
  return { keys: text.split("\0"), unsafe };
}

/** The place of the first unsafe number in a key; -1 when there is none. */
export function unsafeAt(key: string): number {
  return key.search(unsafeNumber);
}

/** Whether a number is at place `at` of a key. */
export function numberAt(key: string, at: number): boolean {
  return key.charCodeAt(at) >= DIGIT;
}

function measure(digits: number): string {
  return String.fromCharCode(NUMBER + Math.min(digits, MOST_DIGITS));
}

function signCharacters(text: string): string {
  return `${text
    .replaceAll("\x01", "\x01\x04")
    .replace(/[\x80-\xff]/g, "\x01\x02$&")
    .replaceAll("\0", "\x01\x03\0")}\x01\x03`;
}
