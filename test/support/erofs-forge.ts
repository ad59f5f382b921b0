/** EROFS images of any block size and layout, sound or not, by the kernel's description of the format. */

export interface ForgedFile {
  /** With the file's type, as in `st_mode`. */
  readonly mode: number;
  /** The bytes of a file or the target of a link; a directory's are made of its entries. */
  readonly data?: Uint8Array;
  /** Of a directory: names, in the order in which they are written. `.` and `..` are not added. */
  readonly entries?: readonly (readonly [name: string, file: ForgedFile])[];
  readonly layout?: "plain" | "inline" | "block map" | "chunk indexes";
  /** Blocks of a chunk, as a power of two. */
  readonly chunkBits?: number;
  readonly extended?: boolean;
  readonly uid?: number;
  readonly gid?: number;
  readonly links?: number;
  /** Seconds of an extended inode. */
  readonly mtime?: number;
  /** Of a device node, as the kernel packs its numbers. */
  readonly device?: number;
  /** `i_xattr_icount`, with as many bytes behind the inode. */
  readonly attributes?: number;
  /** Overrules what the inode says. */
  readonly wild?: {
    readonly size?: bigint;
    readonly block?: number;
    readonly format?: number;
    readonly attributes?: number;
  };
}

export interface ForgedImage {
  readonly root: ForgedFile;
  readonly blockBits?: number;
  readonly buildTime?: number;
  /** Block at which the metadata begins. */
  readonly metadataBlock?: number;
  readonly checksum?: boolean;
  readonly incompatible?: number;
}

export interface Forged {
  readonly bytes: Uint8Array;
  readonly nids: ReadonlyMap<ForgedFile, number>;
}

const S_IFDIR = 0o040000;
const SUPER = 1024;
const HOLE = 0xffffffff;
/** File types of directory entries by `st_mode >> 12`. */
const fileTypes: Readonly<Record<number, number>> = { 1: 5, 2: 3, 4: 2, 6: 4, 8: 1, 10: 7, 12: 6 };

/** Where the parts of one file go. */
interface Place {
  readonly data: Buffer;
  readonly layout: NonNullable<ForgedFile["layout"]>;
  readonly head: number;
  nid: number;
  block: number;
  chunks: number[];
}

export function forgeErofs(image: ForgedImage): Forged {
  const { blockBits = 12, metadataBlock = 0 } = image;
  const blockSize = 2 ** blockBits;
  const roundUp = (value: number, to: number): number => Math.ceil(value / to) * to;

  const files: ForgedFile[] = [];
  const gather = (file: ForgedFile): void => {
    if (files.includes(file)) return;
    files.push(file);
    for (const [, child] of file.entries ?? []) gather(child);
  };
  gather(image.root);

  // What a directory's bytes are is known when all inode numbers are; how many there are, before.
  const none = new Map<ForgedFile, number>();
  const places = new Map<ForgedFile, Place>();
  let at = Math.max(metadataBlock * blockSize, roundUp(SUPER + 128, 32));
  for (const file of files) {
    const data = Buffer.from(file.data ?? directoryBytes(file, none, blockSize));
    const layout = file.layout ?? "plain";
    const head = (file.extended === true ? 64 : 32) + (file.attributes === undefined ? 0 : 8 + 4 * file.attributes);
    const unit = layout === "chunk indexes" ? 8 : 4;
    const chunks = Math.ceil(data.length / (blockSize * 2 ** (file.chunkBits ?? 0)));
    const tail = layout === "inline" ? tailLength(data, blockSize) : 0;
    const table = layout === "block map" || layout === "chunk indexes" ? chunks * unit : 0;
    if (layout === "inline" && ((at + head) % blockSize) + tail > blockSize) {
      // The head may stand at the end of a block, with the tail at the start of the next one; or all of it moves there.
      const aligned = roundUp(at + head, blockSize) - head;
      at = aligned % 32 === 0 ? aligned : roundUp(at, blockSize);
    }
    places.set(file, { data, layout, head, nid: (at - metadataBlock * blockSize) / 32, block: 0, chunks: [] });
    at = roundUp(roundUp(at + head, unit) + tail + table, 32);
  }

  let blocks = Math.ceil(at / blockSize);
  const written: [block: number, bytes: Buffer][] = [];
  const write = (bytes: Buffer): number => {
    const block = blocks;
    written.push([block, bytes]);
    blocks += Math.ceil(bytes.length / blockSize);
    return block;
  };
  const nids = new Map([...places].map(([file, { nid }]) => [file, nid]));
  for (const [file, place] of places) {
    if (file.entries !== undefined && file.data === undefined) directoryBytes(file, nids, blockSize).copy(place.data);
    const { data, layout } = place;
    if (layout === "plain") place.block = data.length === 0 ? 0 : write(data);
    else if (layout === "inline") {
      const flat = data.subarray(0, data.length - tailLength(data, blockSize));
      place.block = flat.length === 0 ? 0 : write(flat);
    } else {
      const chunkSize = blockSize * 2 ** (file.chunkBits ?? 0);
      for (let from = 0; from < data.length; from += chunkSize) {
        const chunk = data.subarray(from, from + chunkSize);
        place.chunks.push(chunk.every((byte) => byte === 0) ? HOLE : write(chunk));
      }
    }
  }

  const bytes = Buffer.alloc(blocks * blockSize);
  for (const [block, data] of written) data.copy(bytes, block * blockSize);
  for (const [file, place] of places) writeInode(bytes, metadataBlock * blockSize, blockSize, file, place);
  writeSuperblock(bytes, image, nids.get(image.root) ?? 0, blocks);
  return { bytes: new Uint8Array(bytes), nids };
}

/** As the kernel has it, the last block is behind the inode even when it is a whole one. */
function tailLength(data: Buffer, blockSize: number): number {
  return data.length === 0 ? 0 : ((data.length - 1) % blockSize) + 1;
}

function directoryBytes(file: ForgedFile, nids: ReadonlyMap<ForgedFile, number>, blockSize: number): Buffer {
  const full: Buffer[] = [];
  let block: [string, ForgedFile][] = [];
  const size = (): number => block.reduce((sum, [name]) => sum + 12 + name.length, 0);
  const flush = (last: boolean): void => {
    const bytes = Buffer.alloc(last ? size() : blockSize);
    let nameAt = block.length * 12;
    for (const [index, [name, child]] of block.entries()) {
      bytes.writeBigUInt64LE(BigInt(nids.get(child) ?? 0), index * 12);
      bytes.writeUInt16LE(nameAt, index * 12 + 8);
      bytes.writeUInt8(fileTypes[child.mode >> 12] ?? 0, index * 12 + 10);
      nameAt += bytes.write(name, nameAt, "latin1");
    }
    full.push(bytes);
    block = [];
  };
  for (const [name, child] of file.entries ?? []) {
    if (size() + 12 + name.length > blockSize) flush(false);
    block.push([name, child]);
  }
  if (block.length > 0) flush(true);
  return Buffer.concat(full);
}

function writeInode(bytes: Buffer, metadata: number, blockSize: number, file: ForgedFile, place: Place): void {
  const at = metadata + place.nid * 32;
  const { extended = false, mode, uid = 0, gid = 0, links = 1, wild = {} } = file;
  const layouts = { plain: 0, inline: 2, "block map": 4, "chunk indexes": 4 };
  const chunked = layouts[place.layout] === 4;
  const size = wild.size ?? BigInt(place.data.length);
  bytes.writeUInt16LE(wild.format ?? layouts[place.layout] * 2 + (extended ? 1 : 0), at);
  bytes.writeUInt16LE(wild.attributes ?? file.attributes ?? 0, at + 2);
  bytes.writeUInt16LE(mode, at + 4);
  const chunkFormat = (file.chunkBits ?? 0) | (place.layout === "chunk indexes" ? 0x20 : 0);
  bytes.writeUInt32LE(wild.block ?? file.device ?? (chunked ? chunkFormat : place.block), at + 16);
  if (extended) {
    bytes.writeBigUInt64LE(size, at + 8);
    bytes.writeUInt32LE(uid, at + 24);
    bytes.writeUInt32LE(gid, at + 28);
    bytes.writeBigInt64LE(BigInt(file.mtime ?? 0), at + 32);
    bytes.writeUInt32LE(links, at + 44);
  } else {
    bytes.writeUInt16LE(links, at + 6);
    bytes.writeUInt32LE(Number(size & 0xffffffffn), at + 8);
    bytes.writeUInt16LE(uid, at + 24);
    bytes.writeUInt16LE(gid, at + 26);
  }
  const behind = at + place.head;
  if (place.layout === "inline") {
    place.data.copy(bytes, behind, place.data.length - tailLength(place.data, blockSize));
  }
  for (const [index, block] of place.chunks.entries()) {
    if (place.layout === "block map") bytes.writeUInt32LE(block, Math.ceil(behind / 4) * 4 + index * 4);
    else bytes.writeUInt32LE(block, Math.ceil(behind / 8) * 8 + index * 8 + 4);
  }
}

function writeSuperblock(bytes: Buffer, image: ForgedImage, rootNid: number, blocks: number): void {
  const { blockBits = 12, checksum = true, incompatible = 0x4 } = image;
  bytes.writeUInt32LE(0xe0f5e1e2, SUPER);
  bytes.writeUInt32LE(checksum ? 1 : 0, SUPER + 8);
  bytes.writeUInt8(blockBits, SUPER + 12);
  bytes.writeUInt16LE(rootNid, SUPER + 14);
  bytes.writeBigUInt64LE(BigInt(image.buildTime ?? 0), SUPER + 24);
  bytes.writeUInt32LE(blocks, SUPER + 36);
  bytes.writeUInt32LE(image.metadataBlock ?? 0, SUPER + 40);
  bytes.writeUInt32LE(incompatible, SUPER + 80);
  if (checksum) signErofs(bytes);
}

/** Puts the right checksum into a superblock that was changed. */
export function signErofs(bytes: Uint8Array): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const blockSize = 2 ** buffer.readUInt8(SUPER + 12);
  buffer.writeUInt32LE(0, SUPER + 4);
  let sum = 0xffffffff;
  for (const byte of buffer.subarray(SUPER, blockSize > SUPER ? blockSize : SUPER + blockSize)) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ ((sum & 1) === 0 ? 0 : 0x82f63b78);
  }
  buffer.writeUInt32LE(sum >>> 0, SUPER + 4);
}

/** A directory whose names are sorted, with `.` and `..` among them as mkfs.erofs has it. */
export function forgedDirectory(
  children: readonly (readonly [name: string, file: ForgedFile])[],
  more: Partial<ForgedFile> = {},
): ForgedFile {
  const entries: [string, ForgedFile][] = children.map(([name, file]) => [name, file]);
  const directory: ForgedFile = { mode: S_IFDIR | 0o755, links: 2, ...more, entries };
  // Names of either order of bytes: they are byte strings.
  entries.push([".", directory], ["..", directory]);
  entries.sort(([one], [other]) => (one < other ? -1 : 1));
  return directory;
}
