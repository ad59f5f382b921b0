import { FormatError } from "../errors.ts";
import type { Attribute } from "./member.ts";
import { decimalIn } from "./number.ts";

/** Records of pax headers, by keyword. Values are byte strings, in whatever character set: `hdrcharset` changes nothing. */
export type Records = ReadonlyMap<string, string>;

export const NO_RECORDS: Records = new Map();

/** Stands for a sparse file in one of the forms that are not read. */
const OTHER_SPARSE = "GNU.sparse.";

/** The keywords of a sparse file. */
export const SPARSE: readonly string[] = [
  "GNU.sparse.major",
  "GNU.sparse.minor",
  "GNU.sparse.name",
  "GNU.sparse.realsize",
  OTHER_SPARSE,
];

/** What is made use of. The rest is not kept: a global header's records would be copied for each member behind it. */
const KEPT: ReadonlySet<string> = new Set(["path", "linkpath", "size", "uid", "gid", "mtime", ...SPARSE]);

/** Extended attributes, by their names behind it (Go's archive/tar, GNU tar, star). */
const ATTRIBUTE = "SCHILY.xattr.";

/** Records of one member. */
const MOST_RECORDS = 1000;

/** Keywords that could only be one member's. */
const OF_ONE_MEMBER: ReadonlySet<string> = new Set(["path", "linkpath", "size"]);

/**
 * The records `LENGTH KEYWORD=VALUE\n` of an extended header, over those of an earlier one; an empty value takes a record
 * away. `offset` is where the text begins in the archive. Throws FormatError.
 */
export function recordsIn(text: string, before: Records, offset: number, isGlobal: boolean): Records {
  const records = new Map(before);
  for (let at = 0; at < text.length;) {
    const space = text.indexOf(" ", at);
    if (space < 0 || space - at > 7)
      throw new FormatError("tar", "extended header", offset + at, "no length of a record");
    const length = decimalIn(text.slice(at, space), "length of a record", offset + at);
    const equals = text.indexOf("=", space);
    const end = at + length;
    if (end > text.length || text[end - 1] !== "\n" || equals < 0 || equals >= end) {
      throw new FormatError("tar", "extended header", offset + at, "a record does not have the length that it says");
    }
    const keyword = text.slice(space + 1, equals);
    const value = text.slice(equals + 1, end - 1);
    if (isGlobal && (OF_ONE_MEMBER.has(keyword) || keyword.startsWith("GNU.sparse."))) {
      throw new FormatError("tar", "global header", offset + at, `${keyword} cannot be the same for all members`);
    }
    const isKept = KEPT.has(keyword) || (!isGlobal && keyword.startsWith(ATTRIBUTE));
    const kept = isKept ? keyword : keyword.startsWith(OTHER_SPARSE) ? OTHER_SPARSE : undefined;
    if (kept !== undefined && value === "") records.delete(kept);
    else if (kept !== undefined) records.set(kept, value);
    if (records.size > MOST_RECORDS) {
      throw new FormatError("tar", "extended header", offset + at, `more than ${MOST_RECORDS} records`);
    }
    at = end;
  }
  return records;
}

/** The records of extended attributes. */
export function attributesIn(records: Records): readonly Attribute[] {
  return [...records].filter(([keyword]) => keyword.startsWith(ATTRIBUTE));
}
