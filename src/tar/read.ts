/** Reading an archive: v7, ustar, pax, GNU. Headers are checked; contents are not touched. */
import type { ByteSource } from "../bytes/source.ts";
import { toText } from "../bytes/text.ts";
import { FormatError } from "../errors.ts";
import { Blocks, endsEarly } from "./blocks.ts";
import {
  BLOCK,
  FIELDS,
  GNU_MAGIC,
  LARGEST_ID,
  LONGEST_EXTENSION,
  LONGEST_NAME,
  TYPE,
  USTAR_MAGIC,
} from "./constants.ts";
import { NO_RECORDS, attributesIn, recordsIn, type Records } from "./extended.ts";
import { NO_ATTRIBUTES, type Member, type MemberType, type Piece } from "./member.ts";
import { decimalIn, numberIn } from "./number.ts";
import { gnuSparse, paxSparse } from "./sparse.ts";

const ZEROS = "\0".repeat(BLOCK);
const NO_PIECES: readonly Piece[] = [];

const TYPES: ReadonlyMap<string, MemberType> = new Map([
  [TYPE.file, "file"],
  [TYPE.oldFile, "file"],
  [TYPE.contiguous, "file"],
  [TYPE.gnuSparse, "file"],
  [TYPE.hardLink, "hard link"],
  [TYPE.symbolicLink, "symbolic link"],
  [TYPE.characterDevice, "character device"],
  [TYPE.blockDevice, "block device"],
  [TYPE.directory, "directory"],
  [TYPE.gnuDirectory, "directory"],
  [TYPE.fifo, "fifo"],
]);

/** Whether the first block of a source is a header, or the source an archive without members. */
export function isTar(source: ByteSource): boolean {
  const first = new Uint8Array(BLOCK);
  if (source.readInto(first, 0) < BLOCK) return false;
  return toText(first) === ZEROS || checksumFits(first, toText(first));
}

/**
 * The members of an archive in their order, each with what extended headers say of it. The source is read once, forwards,
 * and only where headers are. Throws FormatError, with the byte offset, for what is malformed, of an unknown type, or cut
 * off; an archive may end without its two blocks of zeros.
 */
export function* readTar(source: ByteSource): Generator<Member> {
  const blocks = new Blocks(source);
  let global = NO_RECORDS;
  let hasGlobal = false;
  let offset = 0;
  while (offset < blocks.size) {
    const start = offset;
    let records = global;
    let longName: string | undefined;
    let longLink: string | undefined;
    for (;;) {
      const bytes = blocks.read(offset, BLOCK, "header");
      const text = toText(bytes);
      if (text === ZEROS) {
        if (offset !== start) throw new FormatError("tar", "header", offset, "an extended header without a member");
        return checkEnd(blocks, offset);
      }
      if (!checksumFits(bytes, text)) throw new FormatError("tar", "checksum", offset + 148, "does not fit the header");
      const type = text.charAt(156);
      const size = sizeOf(text, offset);
      const isGlobal = type === TYPE.global;
      if (isGlobal || type === TYPE.extended || type === TYPE.extendedOfSolaris) {
        const content = extension(blocks, offset, size);
        hasGlobal ||= isGlobal;
        if (isGlobal) records = global = recordsIn(content, global, offset + BLOCK, true);
        else records = recordsIn(content, records, offset + BLOCK, false);
      } else if (type === TYPE.gnuLongName) longName = terminated(extension(blocks, offset, size));
      else if (type === TYPE.gnuLongLink) longLink = terminated(extension(blocks, offset, size));
      else if (type === TYPE.gnuVolume) extension(blocks, offset, size);
      else {
        const member = memberOf(new Header(text, offset, start, records, longName, longLink), blocks, hasGlobal);
        yield member;
        offset = member.end;
        break;
      }
      offset += BLOCK + padded(size);
      if (isGlobal || type === TYPE.gnuVolume) break;
      if (offset >= blocks.size) throw endsEarly("header", offset, BLOCK, 0);
    }
  }
}

/** The archive ends at two blocks of zeros, or at one that is the last. */
function checkEnd(blocks: Blocks, offset: number): void {
  if (offset + 2 * BLOCK > blocks.size) return;
  if (toText(blocks.read(offset + BLOCK, BLOCK, "header")) === ZEROS) return;
  throw new FormatError("tar", "header", offset, "one block of zeros, and then no end");
}

function sizeOf(text: string, offset: number): number {
  const size = numberIn(text.slice(124, 136), "size", offset + 124);
  if (size < 0) throw new FormatError("tar", "size", offset + 124, "less than nothing");
  return size;
}

function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

function extension(blocks: Blocks, offset: number, size: number): string {
  if (size > LONGEST_EXTENSION) {
    throw new FormatError("tar", "size", offset + 124, `an extension of more than ${LONGEST_EXTENSION} bytes`);
  }
  return toText(blocks.read(offset + BLOCK, size, "extended header"));
}

function terminated(text: string): string {
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}

/** The last header of a member, with what those before it say. */
class Header {
  readonly text: string;
  readonly offset: number;
  readonly start: number;
  readonly records: Records;
  readonly longName: string | undefined;
  readonly longLink: string | undefined;

  constructor(
    text: string,
    offset: number,
    start: number,
    records: Records,
    longName: string | undefined,
    longLink: string | undefined,
  ) {
    this.text = text;
    this.offset = offset;
    this.start = start;
    this.records = records;
    this.longName = longName;
    this.longLink = longLink;
  }

  field(name: keyof typeof FIELDS): string {
    const [at, length] = FIELDS[name];
    return terminated(this.text.slice(at, at + length));
  }

  number(name: "mode" | "uid" | "gid" | "mtime" | "major" | "minor"): number {
    const [at, length] = FIELDS[name];
    return numberIn(this.text.slice(at, at + length), name, this.offset + at);
  }

  /** An extended header's number, else the header's own. */
  recorded(name: "uid" | "gid" | "mtime"): number {
    const record = this.records.get(name);
    return record === undefined ? this.number(name) : decimalIn(record, name, this.start, name === "mtime");
  }

  /** An owner's number, as the kernel has them. */
  owner(name: "uid" | "gid"): number {
    const id = this.recorded(name);
    if (id < 0 || id > LARGEST_ID) this.fail(name, `${id} is no number of an owner`);
    return id;
  }

  get name(): string {
    const name = this.records.get("path") ?? this.longName;
    if (name !== undefined) return name;
    const prefix = this.text.startsWith(USTAR_MAGIC, 257) ? this.field("prefix") : "";
    return prefix === "" ? this.field("name") : `${prefix}/${this.field("name")}`;
  }

  get linkName(): string {
    return this.records.get("linkpath") ?? this.longLink ?? this.field("linkName");
  }

  /** A path without NUL that the kernel could take. */
  path(name: string, field: string): string {
    if (name.length > LONGEST_NAME) this.fail(field, `longer than ${LONGEST_NAME} bytes`);
    if (name.includes("\0")) this.fail(field, "holds a NUL");
    return name;
  }

  fail(field: string, reason: string): never {
    throw new FormatError("tar", field, this.offset, reason);
  }
}

function memberOf(header: Header, blocks: Blocks, hasGlobal: boolean): Member {
  const { text, offset, records } = header;
  const flag = text.charAt(156);
  let type = TYPES.get(flag);
  let name = header.name;
  if (type === undefined) header.fail("type", `${JSON.stringify(flag)} is not a type that is known`);
  const isOld = !text.startsWith("ustar", 257);
  if (type === "file" && name.endsWith("/") && (isOld || flag !== TYPE.gnuSparse)) type = "directory";
  const hasContent = type === "file" || flag === TYPE.gnuDirectory;
  const record = records.get("size");
  const stored = record === undefined ? sizeOf(text, offset) : decimalIn(record, "size", header.start);

  let content = offset + BLOCK;
  let { size, pieces }: { size: number; pieces: readonly Piece[] } = { size: 0, pieces: NO_PIECES };
  if (type === "file" && flag === TYPE.gnuSparse) {
    if (!text.startsWith(GNU_MAGIC, 257)) header.fail("type", "a sparse file in an archive that is not GNU's");
    ({ size, pieces, content } = gnuSparse(text, offset, blocks));
  } else if (type === "file") {
    const sparse = paxSparse(records, header.start, content, stored, blocks);
    if (sparse !== undefined) ({ size, pieces, name = name } = sparse);
    else {
      size = stored;
      pieces = size === 0 ? NO_PIECES : [{ at: 0, offset: content, length: size }];
    }
  }
  const kept = hasContent ? stored : 0;
  if (kept > blocks.size - content) throw endsEarly("content", content, kept, blocks.size - content);
  const last = pieces.at(-1);
  if (last !== undefined && last.offset + last.length > content + kept) {
    header.fail("sparse map", "there are fewer bytes than it says");
  }
  const isDevice = type === "character device" || type === "block device";
  return {
    type,
    name: header.path(name, "name"),
    linkName: type === "hard link" || type === "symbolic link" ? header.path(header.linkName, "link name") : "",
    mode: header.number("mode") & 0o7777,
    uid: header.owner("uid"),
    gid: header.owner("gid"),
    mtime: header.recorded("mtime"),
    size,
    pieces,
    major: isDevice ? header.number("major") : 0,
    minor: isDevice ? header.number("minor") : 0,
    attributes: type === "directory" && records.size > 0 ? attributesIn(records) : NO_ATTRIBUTES,
    hasGlobal,
    start: header.start,
    // What is cut off in the padding behind the last member is not missed.
    end: content + padded(kept),
  };
}

const block = new Uint8Array(BLOCK);
const blockWords = new Uint32Array(block.buffer);

/**
 * Whether the header's checksum is the sum of its bytes, with spaces in its own place; bytes unsigned, or signed as some
 * old programs have them.
 */
function checksumFits(bytes: Uint8Array, text: string): boolean {
  const field = text.slice(148, 156);
  const digits = terminated(field).trim();
  if (!/^[0-7]+$/.test(digits)) return false;
  const told = parseInt(digits, 8);
  block.set(bytes);
  let sum = sumOfName(text) + sumOfSpan(100, 124, text) + sumOfWords(124, 148) + sumOfSpan(156, BLOCK, text) + 8 * 0x20;
  if (told === sum) return true;
  const negative = text.replace(/[\0-\x7f]+/g, "").length - field.replace(/[\0-\x7f]+/g, "").length;
  sum -= 256 * negative;
  return told === sum;
}

/** A name's bytes up to its end, when nothing is behind it. */
function sumOfName(text: string): number {
  const end = text.indexOf("\0");
  const isClean = end < 100 && text.startsWith(ZEROS.slice(0, 100 - end), end);
  return sumOfWords(0, isClean ? Math.ceil(end / 4) * 4 : 100);
}

/** Sums of fields that one member has as the one before it. */
const spans = new Map<string, number>();
const MOST_SPANS = 100;

function sumOfSpan(from: number, to: number, text: string): number {
  const key = text.slice(from, to);
  let sum = spans.get(key);
  if (sum === undefined) {
    sum = sumOfWords(from, to);
    if (spans.size === MOST_SPANS) spans.clear();
    spans.set(key, sum);
  }
  return sum;
}

/** The sum of some bytes of `block`; of a word's four, two are added at once. */
function sumOfWords(from: number, to: number): number {
  let even = 0;
  let odd = 0;
  for (let at = from >> 2; at < to >> 2; at += 1) {
    const word = blockWords[at] ?? 0;
    even += word & 0x00ff_00ff;
    odd += (word >>> 8) & 0x00ff_00ff;
  }
  return (even & 0xffff) + (even >>> 16) + (odd & 0xffff) + (odd >>> 16);
}
