import { MOST_NAMES, hasTooManyNames, isEscaped } from "../bytes/json-text.ts";
import { stringFromUtf8, utf8FromString } from "../bytes/text.ts";
import { HookError, hasReason } from "../errors.ts";

/** A JSON object, and how its strings become byte strings. */
export interface JsonObject {
  readonly members: Readonly<Record<string, unknown>>;
  /** The byte string of a string from this document. */
  bytes(value: string): string;
}

/** A `\u` escape beyond ASCII; also found in `\\u0100`, which does no harm. */
const wideEscape = /\\u(?!00[0-7])/;

/**
 * Parses one JSON object from a byte string. JSON's own characters are ASCII, so the bytes are parsed as they stand and
 * names that are not UTF-8 stay what they are; only a text with escapes beyond ASCII is decoded first, as these are
 * characters, not bytes. Throws HookError `state`, or `limit` when its members have too many names; `source` is named in it.
 */
export function parseJsonObject(text: string, source: string): JsonObject {
  if (hasTooManyNames(text)) throw new HookError("limit", "parse", source, `more than ${MOST_NAMES} different names`);
  // Asked for by its first two characters: an expression would look at every byte, and a config.json has tens of kB.
  const decoded = text.includes("\\u") && wideEscape.test(text);
  let value: unknown;
  try {
    value = JSON.parse(decoded ? stringFromUtf8(text) : text);
  } catch (cause) {
    if (!hasReason(cause)) throw cause;
    throw new HookError("state", "parse", source, `not JSON: ${cause.message.slice(0, 200)}`, { cause });
  }
  if (!isObject(value)) throw new HookError("state", "parse", source, "not a JSON object");
  return { members: value, bytes: decoded ? utf8FromString : (bytes) => bytes };
}

/**
 * The object, when a text is one and nothing else, as what a runtime writes nearly always is: to parse it costs less than
 * to look for its end. Undefined of other texts, and of those with so many braces that their depth has to be looked at.
 */
export function wholeObject(text: string, source: string): JsonObject | undefined {
  if (!text.trimEnd().endsWith("}") || text.split("{").length > deepest) return undefined;
  try {
    return parseJsonObject(text, source);
  } catch {
    return undefined;
  }
}

/** Whether a JSON value is an object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Braces and strings that a state may open within each other. */
const deepest = 512;

/**
 * Finds where the first JSON object of a stream ends, without reading past it: whoever writes it may keep the stream
 * open. Give it the whole text each time there is more of it; it goes on where it stopped, so that every byte is looked
 * at once. Only braces and strings matter, as an object ends at its closing brace whatever is between.
 */
export class ObjectEnd {
  #start = 0;
  #at = 0;
  #depth = 0;
  #inString = false;

  /** Offset after the object's last byte; undefined when there is more to come. Throws HookError `state`. */
  find(text: string, source: string): number | undefined {
    if (this.#depth === 0) {
      visible.lastIndex = this.#start;
      const start = visible.exec(text)?.index ?? text.length;
      this.#start = start;
      if (start === text.length) return undefined;
      if (text[start] !== "{") throw new HookError("state", "parse", source, "not a JSON object");
      this.#at = start + 1;
      this.#depth = 1;
    }
    while (this.#at < text.length) {
      if (this.#inString) {
        const quote = text.indexOf('"', this.#at);
        if (quote < 0) {
          this.#at = text.length;
          return undefined;
        }
        this.#at = quote + 1;
        this.#inString = isEscaped(text, quote);
        continue;
      }
      token.lastIndex = this.#at;
      const found = token.exec(text);
      if (found === null) {
        this.#at = text.length;
        return undefined;
      }
      this.#at = found.index + 1;
      if (found[0] === '"') this.#inString = true;
      else if (found[0] === "{") {
        this.#depth += 1;
        if (this.#depth > deepest) throw new HookError("state", "parse", source, "nested too deeply");
      } else {
        this.#depth -= 1;
        if (this.#depth === 0) return this.#at;
      }
    }
    return undefined;
  }
}

const visible = /[^ \t\r\n]/g;
const token = /["{}]/g;
