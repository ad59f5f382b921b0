import { EFBIG, EIO } from "../rootfs/constants.ts";
import type { Identity } from "../rootfs/directory.ts";
import type { OpenFile } from "../rootfs/open-file.ts";
import type { Content } from "./node.ts";

const LONGEST_READ = 64 << 10;

const window = new Uint8Array(LONGEST_READ);

/** A regular file of an image; its bytes are read from the archive when they are asked for. */
export class ImageFile implements OpenFile {
  readonly identity: Identity;
  readonly links: number;
  readonly #content: Content;

  constructor(content: Content, facts: { identity: Identity; links: number }) {
    this.#content = content;
    ({ identity: this.identity, links: this.links } = facts);
  }

  get size(): number {
    return this.#content.size;
  }

  read(offset: number, length: number): Uint8Array {
    const bytes = window.subarray(0, Math.min(length, LONGEST_READ));
    return bytes.subarray(0, Math.max(this.readInto(bytes, offset), 0));
  }

  readInto(bytes: Uint8Array, offset: number): number {
    const { archive, size, place } = this.#content;
    const length = Math.max(Math.min(bytes.length, size - offset), 0);
    if (typeof place === "number") return readPiece(archive, bytes.subarray(0, length), place + offset);
    bytes.fill(0, 0, length);
    const end = offset + length;
    for (const piece of place) {
      const from = Math.max(piece.at, offset);
      const to = Math.min(piece.at + piece.length, end);
      if (from >= to) continue;
      const part = bytes.subarray(from - offset, to - offset);
      if (readPiece(archive, part, piece.offset + from - piece.at) < part.length) return from - offset;
    }
    return length;
  }

  readAll(limit: number): Uint8Array | number {
    if (this.size > limit) return -EFBIG;
    const bytes = new Uint8Array(this.size);
    return this.readInto(bytes, 0) === bytes.length ? bytes : -EIO;
  }

  close(): void {}

  [Symbol.dispose](): void {}
}

/** As many bytes as there are: all, unless the archive was cut off since it was opened. */
function readPiece(archive: Content["archive"], bytes: Uint8Array, offset: number): number {
  let used = 0;
  while (used < bytes.length) {
    const read = archive.readInto(bytes.subarray(used), offset + used);
    if (read <= 0) break;
    used += read;
  }
  return used;
}
