/**
 * Writing archives: ustar, with a pax header before a member that does not fit into it. The same members give the same
 * bytes: no name of a user, no clock, no process id.
 */
import { writeText } from "../bytes/text.ts";
import { BLOCK, FIELDS, TYPE, USTAR_MAGIC, USTAR_VERSION } from "./constants.ts";
import type { Attribute } from "./member.ts";

export interface NewMember {
  readonly type: "file" | "symbolic link" | "directory";
  readonly name: string;
  readonly linkName?: string;
  /** 0..0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds since 1970, not before. */
  readonly mtime: number;
  /** Records of extended attributes. */
  readonly attributes?: readonly Attribute[];
  /** Of a file: its content. */
  readonly bytes?: Uint8Array;
}

const FLAGS: Readonly<Record<NewMember["type"], string>> = {
  file: TYPE.file,
  "symbolic link": TYPE.symbolicLink,
  directory: TYPE.directory,
};

/** The largest number in an octal field of so many bytes, the last of which is NUL. */
const largest = (length: number): number => 8 ** (length - 1) - 1;

/**
 * A member's bytes in an archive, padded to whole blocks. `isExplicit` says that what a global header might tell of owner
 * and time is told of this one.
 */
export function memberBytes(member: NewMember, isExplicit = false): Uint8Array {
  const name = member.type === "directory" ? `${member.name}/` : member.name;
  const { linkName = "", attributes = [], bytes = new Uint8Array(0) } = member;
  const records = [
    ...(name.length > FIELDS.name[1] ? [record("path", name)] : []),
    ...(linkName.length > FIELDS.linkName[1] ? [record("linkpath", linkName)] : []),
    ...(["uid", "gid", "mtime"] as const)
      .filter((field) => isExplicit || member[field] > largest(FIELDS[field][1]))
      .map((field) => record(field, String(member[field]))),
    ...(isExplicit ? [record("uname", ""), record("gname", "")] : []),
    ...attributes.map(([keyword, value]) => record(keyword, value)),
  ].join("");
  const headers =
    records === "" ? [] : [header("x", { ...member, name: "PaxHeader", mode: 0o644 }, "PaxHeader", "", records.length)];
  const pieces = [
    ...headers,
    ...(records === "" ? [] : [textBlocks(records)]),
    header(FLAGS[member.type], member, name, linkName, bytes.length),
    bytes,
  ];
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const all = new Uint8Array(Math.ceil(length / BLOCK) * BLOCK);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** What an archive ends with. */
export function endOfArchive(): Uint8Array {
  return new Uint8Array(2 * BLOCK);
}

/** `LENGTH KEYWORD=VALUE\n`, where the length counts its own digits. */
function record(keyword: string, value: string): string {
  const rest = ` ${keyword}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length += 1;
  return `${length}${rest}`;
}

function textBlocks(text: string): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(text.length / BLOCK) * BLOCK);
  writeText(text, bytes, 0);
  return bytes;
}

function header(flag: string, member: NewMember, name: string, linkName: string, size: number): Uint8Array {
  const bytes = new Uint8Array(BLOCK);
  const put = (field: keyof typeof FIELDS, text: string): void => {
    writeText(text.slice(0, FIELDS[field][1]), bytes, FIELDS[field][0]);
  };
  const number = (field: keyof typeof FIELDS, value: number): void => {
    const digits = FIELDS[field][1] - 1;
    put(
      field,
      Math.min(value, largest(digits + 1))
        .toString(8)
        .padStart(digits, "0"),
    );
  };
  put("name", name);
  number("mode", member.mode);
  number("uid", member.uid);
  number("gid", member.gid);
  number("size", size);
  number("mtime", member.mtime);
  put("checksum", " ".repeat(FIELDS.checksum[1]));
  put("type", flag);
  put("linkName", linkName);
  put("magic", USTAR_MAGIC + USTAR_VERSION);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  put("checksum", `${sum.toString(8).padStart(6, "0")}\0 `);
  return bytes;
}
