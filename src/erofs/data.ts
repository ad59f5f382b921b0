import type { ByteSource } from "../bytes/source.ts";
import { BLOCK_MAP_ENTRY_BYTES, CHUNK_INDEX_BLKADDR, CHUNK_INDEX_BYTES, EROFS_NULL_ADDR } from "./constants.ts";
import { broken, fill } from "./image.ts";
import type { Inode } from "./inode.ts";

const SCRATCH_BYTES = 64 << 10;
/** As much of a table of chunks as is read at once. */
const TABLE_BYTES = 512;

const scratch = new Uint8Array(SCRATCH_BYTES);

/**
 * The data of a regular file, directory or link, as Linux' `erofs_map_blocks` lays it out. Reading throws FormatError
 * where the data is not within the image, and when it is compressed. A hole is zeros.
 */
export class FileData implements ByteSource {
  readonly #source: ByteSource;
  readonly #inode: Inode;
  readonly #blockSize: number;
  /** The part of the table of chunks that was read last, and the first chunk in it. */
  #table: DataView | undefined;
  #tableStart = 0;
  readonly size: number;

  constructor(source: ByteSource, blockSize: number, inode: Inode) {
    this.#source = source;
    this.#blockSize = blockSize;
    this.#inode = inode;
    this.size = inode.size;
  }

  /** At most 64 KiB at a time. */
  read(offset: number, length: number): Uint8Array {
    const wanted = scratch.subarray(0, Math.min(length, SCRATCH_BYTES));
    return wanted.subarray(0, this.readInto(wanted, offset));
  }

  readInto(bytes: Uint8Array, offset: number): number {
    const { kind } = this.#inode.data;
    const end = Math.min(bytes.length, this.size - offset);
    if (kind === "compressed" && end > 0) this.#broken("is compressed, which is not read");
    for (let used = 0; used < end;) {
      const from = offset + used;
      used += kind === "chunks" ? this.#readChunk(bytes, used, end, from) : this.#readFlat(bytes, used, end, from);
    }
    return Math.max(end, 0);
  }

  /** Reads from byte `from` of the file into `bytes[used..end)`; how many bytes were read. */
  #readFlat(bytes: Uint8Array, used: number, end: number, from: number): number {
    const { kind, block, behind } = this.#inode.data;
    const size = this.#blockSize;
    // With its tail behind the inode, the file's last block is there, be it a whole one.
    const flat = kind === "inline" ? (Math.ceil(this.size / size) - 1) * size : this.size;
    if (from >= flat) {
      const tail = this.size - flat;
      if ((behind % size) + tail > size) this.#broken("goes beyond the block of its inode");
      return this.#copy(bytes, used, end, behind + (from - flat), tail - (from - flat));
    }
    if (kind === "plain" && block === EROFS_NULL_ADDR) return this.#zero(bytes, used, end, flat - from);
    return this.#copy(bytes, used, end, block * size + from, flat - from);
  }

  /** As #readFlat, to the end of a chunk at most. */
  #readChunk(bytes: Uint8Array, used: number, end: number, from: number): number {
    const { chunkSize } = this.#inode.data;
    const chunk = Math.floor(from / chunkSize);
    const within = from - chunk * chunkSize;
    const block = this.#blockOfChunk(chunk);
    if (block === EROFS_NULL_ADDR) return this.#zero(bytes, used, end, chunkSize - within);
    return this.#copy(bytes, used, end, block * this.#blockSize + within, chunkSize - within);
  }

  #blockOfChunk(chunk: number): number {
    const { behind, chunkSize, indexes } = this.#inode.data;
    const unit = indexes ? CHUNK_INDEX_BYTES : BLOCK_MAP_ENTRY_BYTES;
    if (
      this.#table === undefined ||
      chunk < this.#tableStart ||
      chunk >= this.#tableStart + this.#table.byteLength / unit
    ) {
      const start = Math.ceil(behind / unit) * unit + chunk * unit;
      const rest = (Math.ceil(this.size / chunkSize) - chunk) * unit;
      const table = new Uint8Array(Math.min(rest, TABLE_BYTES));
      fill(this.#source, table, start, `chunks of inode ${this.#inode.nid}`);
      this.#table = new DataView(table.buffer);
      this.#tableStart = chunk;
    }
    return this.#table.getUint32((chunk - this.#tableStart) * unit + (indexes ? CHUNK_INDEX_BLKADDR : 0), true);
  }

  #copy(bytes: Uint8Array, used: number, end: number, offset: number, available: number): number {
    const count = Math.min(end - used, available);
    fill(this.#source, bytes.subarray(used, used + count), offset, `data of inode ${this.#inode.nid}`);
    return count;
  }

  #zero(bytes: Uint8Array, used: number, end: number, available: number): number {
    const count = Math.min(end - used, available);
    bytes.fill(0, used, used + count);
    return count;
  }

  #broken(reason: string): never {
    broken(`data of inode ${this.#inode.nid}`, this.#inode.data.behind, reason);
  }
}
