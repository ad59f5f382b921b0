/** JSON documents of an OCI layout, of which a few members are read and the rest is kept as it is. */
import { MOST_NAMES, hasTooManyNames } from "../bytes/json-text.ts";
import { fromText, stringFromUtf8, toText, utf8FromString } from "../bytes/text.ts";
import { HookError, hasReason } from "../errors.ts";

export type Members = Record<string, unknown>;

/** A document, with its place for messages. */
export class Document {
  readonly path: string;
  readonly members: Members;

  private constructor(path: string, members: Members) {
    this.path = path;
    this.members = members;
  }

  /** Throws HookError `format` when the bytes are no JSON object, `limit` when its members have too many names. */
  static parse(bytes: Uint8Array, path: string): Document {
    const text = toText(bytes);
    if (hasTooManyNames(text)) throw new HookError("limit", "parse", path, `more than ${MOST_NAMES} different names`);
    let value: unknown;
    try {
      value = JSON.parse(stringFromUtf8(text));
    } catch (error) {
      if (!hasReason(error)) throw error;
      throw new HookError("format", "parse", path, error instanceof SyntaxError ? error.message : "too deep", {
        cause: error,
      });
    }
    if (!isMembers(value)) throw new HookError("format", "parse", path, "not a JSON object");
    return new Document(path, value);
  }

  /** The list `name` of objects. Throws HookError `format`. */
  list(name: string): readonly Members[] {
    const value = this.members[name];
    if (!Array.isArray(value) || !value.every(isMembers)) this.fail(`${name} is not a list of objects`);
    return value;
  }

  fail(reason: string): never {
    throw new HookError("format", "parse", this.path, reason);
  }

  /** The same document with some members replaced, in their places. */
  with(members: Members): Document {
    return new Document(this.path, { ...this.members, ...members });
  }

  get bytes(): Uint8Array {
    return fromText(utf8FromString(JSON.stringify(this.members)));
  }
}

export function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A member that is a text, as a byte string; undefined when it is none. */
export function textOf(members: Members | undefined, name: string): string | undefined {
  const value = members?.[name];
  return typeof value === "string" ? utf8FromString(value) : undefined;
}

/** A member that is an object. */
export function membersOf(members: Members, name: string): Members | undefined {
  const value = members[name];
  return isMembers(value) ? value : undefined;
}
