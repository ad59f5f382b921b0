import { FormatError } from "../errors.ts";

/**
 * A number field: octal digits, ended by NULs or spaces, with spaces before them; or, when the first bit is set, the
 * field as one number in two's complement, most significant byte first, without that bit (GNU's base 256). `text` is the
 * field as a byte string. Throws FormatError for anything else, and for what is beyond 2^53.
 */
export function numberIn(text: string, field: string, offset: number): number {
  const known = seen.get(text);
  if (known !== undefined) return known;
  const value = parsed(text, field, offset);
  if (seen.size === MOST_SEEN) seen.clear();
  seen.set(text, value);
  return value;
}

/** Members of one archive have the same owners, modes and times over and over: finding them is faster than parsing. */
const seen = new Map<string, number>();
const MOST_SEEN = 1000;

function parsed(text: string, field: string, offset: number): number {
  if (text.charCodeAt(0) >= 0x80) return base256(text, field, offset);
  const end = text.indexOf("\0");
  const digits = (end < 0 ? text : text.slice(0, end)).trim();
  if (digits === "") return 0;
  if (!/^[0-7]+$/.test(digits)) throw new FormatError("tar", field, offset, "not an octal number");
  return bounded(parseInt(digits, 8), field, offset);
}

function base256(text: string, field: string, offset: number): number {
  const first = text.charCodeAt(0);
  let value = first & 0x40 ? (first & 0x7f) - 0x80 : first & 0x7f;
  for (let at = 1; at < text.length; at += 1) value = value * 256 + text.charCodeAt(at);
  return bounded(value, field, offset);
}

/** A decimal number of an extended header, with a fraction where `fraction` allows it. Throws FormatError. */
export function decimalIn(text: string, field: string, offset: number, fraction = false): number {
  if (!(fraction ? /^-?\d{1,20}(?:\.\d*)?$/ : /^\d{1,20}$/).test(text)) {
    throw new FormatError("tar", field, offset, "not a decimal number");
  }
  return bounded(Number(text), field, offset);
}

function bounded(value: number, field: string, offset: number): number {
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) throw new FormatError("tar", field, offset, "the number is too large");
  return value;
}
