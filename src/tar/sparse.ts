/** Files with holes: their map says which bytes the archive has (GNU tar, "Storing Sparse Files"). */
import { toText } from "../bytes/text.ts";
import { FormatError } from "../errors.ts";
import type { Blocks } from "./blocks.ts";
import { BLOCK, MOST_PIECES } from "./constants.ts";
import { SPARSE, type Records } from "./extended.ts";
import type { Piece } from "./member.ts";
import { decimalIn, numberIn } from "./number.ts";

/** In a header of GNU's own format: entries of 24 bytes, whether blocks of more entries follow, the file's size. */
const ENTRIES_AT = 386;
const ENTRIES = 4;
const MORE_AT = 482;
const SIZE_AT = 483;
/** In such a block. */
const ENTRIES_OF_BLOCK = 21;
const MORE_OF_BLOCK_AT = 504;

export interface SparseFile {
  readonly size: number;
  readonly pieces: readonly Piece[];
}

/** The file that a header of GNU's type `S` describes, its map's further blocks, and where the content begins. */
export function gnuSparse(header: string, start: number, blocks: Blocks): SparseFile & { content: number } {
  const size = numberIn(header.slice(SIZE_AT, SIZE_AT + 12), "real size", start + SIZE_AT);
  if (size < 0) throw new FormatError("tar", "real size", start + SIZE_AT, "less than nothing");
  const list: number[] = [];
  take(header, ENTRIES_AT, ENTRIES, start, list);
  let more = header.charCodeAt(MORE_AT) !== 0;
  let content = start + BLOCK;
  while (more) {
    const block = toText(blocks.read(content, BLOCK, "sparse map"));
    take(block, 0, ENTRIES_OF_BLOCK, content, list);
    more = block.charCodeAt(MORE_OF_BLOCK_AT) !== 0;
    content += BLOCK;
  }
  return { size, pieces: piecesOf(list, size, content, start), content };
}

function take(text: string, at: number, count: number, start: number, list: number[]): void {
  for (let entry = 0; entry < count; entry += 1) {
    const from = at + 24 * entry;
    if (text.charCodeAt(from) === 0) return;
    list.push(
      numberIn(text.slice(from, from + 12), "sparse map", start + from),
      numberIn(text.slice(from + 12, from + 24), "sparse map", start + from + 12),
    );
    bound(list.length / 2, start + from);
  }
}

/**
 * The file that pax records describe in version 1.0 of their form: the map stands before the content, as decimal numbers
 * a line each, padded to whole blocks. Undefined when they describe no sparse file. Throws FormatError for the older forms,
 * which GNU tar has not written since 2006.
 */
export function paxSparse(
  records: Records,
  start: number,
  content: number,
  stored: number,
  blocks: Blocks,
): (SparseFile & { name: string | undefined }) | undefined {
  const version = `${records.get("GNU.sparse.major") ?? ""}.${records.get("GNU.sparse.minor") ?? ""}`;
  if (version !== "1.0") {
    if (!SPARSE.some((keyword) => records.has(keyword))) return undefined;
    throw new FormatError("tar", "extended header", start, "a sparse file in a form other than 1.0");
  }
  const size = decimalIn(records.get("GNU.sparse.realsize") ?? "", "GNU.sparse.realsize", start);
  const lines = new Lines(blocks, content, content + stored);
  const count = lines.next();
  bound(count, content);
  const list: number[] = [];
  for (let left = 2 * count; left > 0; left -= 1) list.push(lines.next());
  return { size, pieces: piecesOf(list, size, lines.end, content), name: records.get("GNU.sparse.name") };
}

/** Numbers, one a line, read a block at a time. */
class Lines {
  readonly #blocks: Blocks;
  readonly #limit: number;
  #text = "";
  end: number;

  constructor(blocks: Blocks, start: number, limit: number) {
    this.#blocks = blocks;
    this.#limit = limit;
    this.end = start;
  }

  next(): number {
    let newline = this.#text.indexOf("\n");
    while (newline < 0) {
      if (this.#text.length > BLOCK || this.end + BLOCK > this.#limit) {
        throw new FormatError("tar", "sparse map", this.end, "the map does not end");
      }
      this.#text += toText(this.#blocks.read(this.end, BLOCK, "sparse map"));
      this.end += BLOCK;
      newline = this.#text.indexOf("\n");
    }
    const line = this.#text.slice(0, newline);
    this.#text = this.#text.slice(newline + 1);
    return decimalIn(line, "sparse map", this.end - BLOCK);
  }
}

function bound(count: number, offset: number): void {
  if (count > MOST_PIECES) throw new FormatError("tar", "sparse map", offset, `more than ${MOST_PIECES} pieces`);
}

/** Pieces of places and lengths; throws FormatError unless they are in order, apart, and inside of the file. */
function piecesOf(list: readonly number[], size: number, content: number, where: number): readonly Piece[] {
  const pieces: Piece[] = [];
  let offset = content;
  let end = 0;
  for (let entry = 0; entry < list.length; entry += 2) {
    const [at = 0, length = 0] = [list[entry], list[entry + 1]];
    if (at < end || length < 0 || at + length > size) {
      throw new FormatError("tar", "sparse map", where, "its pieces are not in order, or beyond the file's end");
    }
    if (length > 0) pieces.push({ at, offset, length });
    offset += length;
    end = at + length;
  }
  return pieces;
}
