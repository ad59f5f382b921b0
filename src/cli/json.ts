import { utf8FromString } from "../bytes/text.ts";
import { writeOutput } from "./output.ts";

/** What a JSON document of ours may hold. Its texts are byte strings, member names included. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** One character of well-formed UTF-8 (Unicode 15, table 3-7), or a byte that is none. */
const characters =
  // oxlint-disable-next-line no-control-regex -- every byte is one or the other
  /[\x00-\x7f]+|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}|[\x80-\xff]/g;

/**
 * A byte string as text that loses nothing: its UTF-8 decoded, and a byte that is no UTF-8 as U+DC00 plus the byte, which
 * JSON writes as `\udcXX` (Python's `surrogateescape`, PEP 383: `os.fsencode` gives the bytes back).
 */
export function jsonText(bytes: string): string {
  // oxlint-disable-next-line no-control-regex -- "is it ASCII" is what is asked
  if (/^[\x00-\x7f]*$/.test(bytes)) return bytes;
  return bytes.replace(characters, (found) => {
    const [first = 0, second = 0, third = 0, fourth = 0] = Array.from(found, (byte) => byte.charCodeAt(0));
    if (first < 0x80) return found;
    switch (found.length) {
      case 1:
        return String.fromCharCode(0xdc00 + first);
      case 2:
        return String.fromCharCode(((first & 0x1f) << 6) | (second & 0x3f));
      case 3:
        return String.fromCharCode(((first & 0x0f) << 12) | ((second & 0x3f) << 6) | (third & 0x3f));
      default:
        return String.fromCodePoint(
          ((first & 0x07) << 18) | ((second & 0x3f) << 12) | ((third & 0x3f) << 6) | (fourth & 0x3f),
        );
    }
  });
}

/** Writes one JSON document to stdout, indented, with a newline. Throws HookError `kernel`. */
export function writeJson(document: Json): void {
  const text = JSON.stringify(document, undefined, 2);
  // oxlint-disable-next-line no-control-regex -- "is it ASCII" is what is asked: then there is nothing to decode
  const isPlain = /^[\x00-\x7f]*$/.test(text);
  writeOutput(isPlain ? text : utf8FromString(JSON.stringify(decoded(document), undefined, 2)));
  writeOutput("\n");
}

function decoded(value: Json): Json {
  if (typeof value === "string") return jsonText(value);
  if (typeof value !== "object" || value === null) return value;
  if (isList(value)) return value.map(decoded);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [jsonText(name), decoded(member)]));
}

function isList(value: readonly Json[] | { readonly [name: string]: Json }): value is readonly Json[] {
  return Array.isArray(value);
}
