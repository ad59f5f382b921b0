import { toText } from "../bytes/text.ts";
import { DIRENT_BYTES, DIRENT_FILE_TYPE, DIRENT_NAMEOFF, EROFS_NAME_LEN } from "./constants.ts";
import type { FileData } from "./data.ts";
import { broken, fill } from "./image.ts";

/** A name in a directory of an image. */
export interface DirectoryEntry {
  readonly name: string;
  readonly nid: number;
  /** One of the DT values, as the directory says: the inode may say otherwise. DT_UNKNOWN where the image does not tell. */
  readonly type: number;
}

/** DT values by the image's file types: unknown, regular, directory, character and block device, FIFO, socket, link. */
const DT_TYPES: readonly number[] = [0, 8, 4, 2, 6, 1, 12, 10];

/**
 * One block of a directory, which is complete in itself: entries, then their names in the same order. The first name's
 * offset tells how many entries there are.
 */
class DirectoryBlock {
  readonly #view: DataView;
  readonly #text: string;
  readonly #nid: number;
  /** Byte offset of the block in the directory. */
  readonly #start: number;
  /** At least 1. */
  readonly count: number;

  /** Reads block `index`. Throws FormatError when it is broken. */
  constructor(data: FileData, blockSize: number, nid: number, index: number) {
    const bytes = new Uint8Array(Math.min(blockSize, data.size - index * blockSize));
    this.#nid = nid;
    this.#start = index * blockSize;
    fill(data, bytes, this.#start, `directory ${nid}`);
    this.#view = new DataView(bytes.buffer);
    this.#text = toText(bytes);
    const names = bytes.length < DIRENT_BYTES ? 0 : this.#nameOffset(0);
    if (names < DIRENT_BYTES || names >= bytes.length || names % DIRENT_BYTES !== 0) {
      this.#broken(DIRENT_NAMEOFF, `names cannot begin at ${names}`);
    }
    this.count = names / DIRENT_BYTES;
  }

  #nameOffset(entry: number): number {
    return this.#view.getUint16(entry * DIRENT_BYTES + DIRENT_NAMEOFF, true);
  }

  /** The name of an entry. Throws FormatError when it could not be a name. */
  name(entry: number): string {
    const text = this.#text;
    const start = this.#nameOffset(entry);
    let end = text.length;
    if (entry + 1 < this.count) end = this.#nameOffset(entry + 1);
    else {
      // What is behind the last name is filled with zeros.
      const zero = text.indexOf("\0", start);
      if (zero >= 0) end = zero;
    }
    const length = end - start;
    if (start < this.count * DIRENT_BYTES || length < 1 || length > EROFS_NAME_LEN || end > text.length) {
      this.#broken(entry * DIRENT_BYTES, `a name cannot be at ${start} to ${end}`);
    }
    const name = text.slice(start, end);
    if (name.indexOf("/") >= 0 || name.indexOf("\0") >= 0) {
      this.#broken(start, "a name has a slash or a zero byte in it");
    }
    return name;
  }

  /** `within` counts from the start of the block; the error tells the offset in the directory. */
  #broken(within: number, reason: string): never {
    broken(`directory ${this.#nid}`, this.#start + within, reason);
  }

  nid(entry: number): number {
    const at = entry * DIRENT_BYTES;
    return this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * 2 ** 32;
  }

  type(entry: number): number {
    return DT_TYPES[this.#view.getUint8(entry * DIRENT_BYTES + DIRENT_FILE_TYPE)] ?? 0;
  }
}

/**
 * The blocks of one directory that were looked at last: names are looked up one after the other, and halving begins at
 * the same blocks each time.
 */
export class RecentBlocks {
  readonly #blocks = new Map<number, DirectoryBlock>();
  #nid: number | undefined;

  get(data: FileData, blockSize: number, nid: number, index: number): DirectoryBlock {
    if (this.#nid !== nid) this.#blocks.clear();
    this.#nid = nid;
    let block = this.#blocks.get(index);
    if (block === undefined) {
      block = new DirectoryBlock(data, blockSize, nid, index);
      if (this.#blocks.size === MOST_BLOCKS) this.#blocks.clear();
      this.#blocks.set(index, block);
    }
    return block;
  }
}

/** Enough for the way to one name, twice, among 500,000. */
const MOST_BLOCKS = 32;

/** What is in a directory. */
export interface Listing {
  /** But `.` and `..`, each name once, as the image has them. */
  readonly entries: DirectoryEntry[];
  /** Whether all names are sorted by their bytes, as they have to be: then each is found, and leads where its entry says. */
  readonly inOrder: boolean;
}

/**
 * Lists a directory; of one with more than `limit` entries, that many at most. Throws FormatError when the directory is
 * broken.
 */
export function listDirectory(data: FileData, blockSize: number, nid: number, limit: number): Listing {
  const entries: DirectoryEntry[] = [];
  /** The names so far, once they turn out not to be in order. */
  let names: Set<string> | undefined;
  let last = "";
  let seen = 0;
  for (let index = 0; index * blockSize < data.size && seen < limit; index += 1) {
    const block = new DirectoryBlock(data, blockSize, nid, index);
    for (let entry = 0; entry < block.count && seen < limit; entry += 1) {
      const name = block.name(entry);
      seen += 1;
      if (name <= last) names ??= new Set(entries.map((one) => one.name));
      last = name;
      if (name === "." || name === ".." || names?.has(name) === true) continue;
      names?.add(name);
      entries.push({ name, nid: block.nid(entry), type: block.type(entry) });
    }
  }
  return { entries, inOrder: names === undefined };
}

/**
 * The inode number that `name` leads to in a directory, undefined when there is none. Searches by halving, among blocks
 * by their first names and then within one, as gVisor does: in an image whose names are not in order, those are found that
 * a program in its container would find. (Linux halves too, but compares less of each name, and finds others there.) Throws
 * FormatError when the directory is broken where it is looked at.
 */
export function lookUp(
  data: FileData,
  blockSize: number,
  nid: number,
  name: string,
  recent: RecentBlocks,
): number | undefined {
  let found: DirectoryBlock | undefined;
  let low = 0;
  let high = Math.ceil(data.size / blockSize) - 1;
  while (low <= high) {
    const middle = low + Math.floor((high - low) / 2);
    const block = recent.get(data, blockSize, nid, middle);
    const first = block.name(0);
    if (name === first) return block.nid(0);
    if (name > first) {
      found = block;
      low = middle + 1;
    } else high = middle - 1;
  }
  if (found === undefined) return undefined;
  low = 1;
  high = found.count - 1;
  while (low <= high) {
    const middle = low + Math.floor((high - low) / 2);
    const other = found.name(middle);
    if (name === other) return found.nid(middle);
    if (name > other) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}
