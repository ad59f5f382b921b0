/**
 * Byte strings: JavaScript strings whose every char code is one byte (0..255, Latin-1). File names, paths and sonames
 * are byte strings throughout, as the kernel knows no encoding. The conversions are the engine's own.
 */

declare const latin1: (bytes: Uint8Array, start: number, end: number) => string;
declare const latin1Into: (text: string, bytes: Uint8Array, at: number) => number;

/** The byte string of `bytes[start..end)`: the engine's own function, for names, of which there are thousands. */
export const textOf: (bytes: Uint8Array, start: number, end: number) => string = latin1;

/** The byte string of `bytes[start..end)`. */
export function toText(bytes: Uint8Array, start?: number, end?: number): string {
  // No default values: a function that has any takes the engine twice as long to call.
  return latin1(bytes, start ?? 0, end ?? bytes.length);
}

/** The bytes of a byte string. Throws RangeError when a char code is above 255. */
export function fromText(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  latin1Into(text, bytes, 0);
  return bytes;
}

/** How much of two texts is compared at once: the engine compares strings fast, but they are copies. */
const COMPARED_BYTES = 64 << 10;

/** Whether two arrays hold the same bytes. */
export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at += COMPARED_BYTES) {
    const end = Math.min(at + COMPARED_BYTES, one.length);
    if (toText(one, at, end) !== toText(other, at, end)) return false;
  }
  return true;
}

/**
 * Writes a byte string into `bytes` at offset `at`; returns the offset after it. Throws RangeError when it does not fit
 * or a char code is above 255; then nothing is written.
 */
export function writeText(text: string, bytes: Uint8Array, at: number): number {
  return latin1Into(text, bytes, at);
}

/** Re-encodes a JavaScript string (UTF-16) as the byte string of its UTF-8 form; lone surrogates become U+FFFD. */
export function utf8FromString(value: string): string {
  // oxlint-disable-next-line no-control-regex -- "is it ASCII" is what is asked
  if (/^[\x00-\x7f]*$/.test(value)) return value;
  let out = "";
  for (const character of value) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x80) out += character;
    else if (code < 0x800) out += String.fromCharCode(0xc0 | (code >> 6), 0x80 | (code & 0x3f));
    else if (code >= 0xd800 && code <= 0xdfff) out += "\u00ef\u00bf\u00bd";
    else if (code < 0x10000)
      out += String.fromCharCode(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    else
      out += String.fromCharCode(
        0xf0 | (code >> 18),
        0x80 | ((code >> 12) & 0x3f),
        0x80 | ((code >> 6) & 0x3f),
        0x80 | (code & 0x3f),
      );
  }
  return out;
}

/** Decodes a byte string as UTF-8 into a JavaScript string; malformed sequences become U+FFFD. */
export function stringFromUtf8(text: string): string {
  // oxlint-disable-next-line no-control-regex -- "is it ASCII" is what is asked
  if (/^[\x00-\x7f]*$/.test(text)) return text;
  let out = "";
  for (let at = 0; at < text.length;) {
    const lead = text.charCodeAt(at);
    if (lead < 0x80) {
      out += text[at];
      at += 1;
      continue;
    }
    const length = lead >= 0xf0 && lead < 0xf5 ? 4 : lead >= 0xe0 ? 3 : 2;
    let code = lead & (0xff >> (length + 1));
    let used = 1;
    while (used < length && (text.charCodeAt(at + used) & 0xc0) === 0x80) {
      code = (code << 6) | (text.charCodeAt(at + used) & 0x3f);
      used += 1;
    }
    const smallest = length === 2 ? 0x80 : length === 3 ? 0x800 : 0x10000;
    const sound =
      lead >= 0xc2 &&
      lead < 0xf5 &&
      used === length &&
      code >= smallest &&
      code <= 0x10ffff &&
      (code & ~0x7ff) !== 0xd800;
    out += sound ? String.fromCodePoint(code) : "\ufffd";
    at += used;
  }
  return out;
}
