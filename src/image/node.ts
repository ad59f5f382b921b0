import type { ByteSource } from "../bytes/source.ts";
import { EINVAL, EISDIR, ENOENT, ENOTDIR, S_IFDIR, S_IFLNK, S_IFREG } from "../rootfs/constants.ts";
import type { DirectoryEntry } from "../rootfs/directory.ts";
import type { OpenFile } from "../rootfs/open-file.ts";
import type { NodeFacts, SourceNode } from "../rootfs/source.ts";
import type { Piece } from "../tar/member.ts";
import { ImageFile } from "./file.ts";

/** Where a regular file's bytes are. */
export interface Content {
  readonly archive: ByteSource;
  readonly size: number;
  readonly pieces: readonly Piece[];
}

/** Identities of files of images: below all that rootfs gives out. */
const FIRST_IDENTITY = -(2 ** 50);
let made = 0;

export interface NodeValues {
  /** One of the S_IF values. */
  readonly type: number;
  /** 0..0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds since 1970, not before. */
  readonly mtime: number;
  /** Of a link. */
  readonly target?: string;
  /** Of a regular file. */
  readonly content?: Content;
  /** Of a device. */
  readonly major?: number;
  readonly minor?: number;
}

/** A file, folder or link of an image by one of its names. */
export class ImageNode implements SourceNode {
  values: NodeValues;
  /** Of a directory. */
  readonly children: Map<string, ImageNode> | undefined;
  /** The last layer that put something there or below. */
  layer: number;
  /** The same file by the name that it had first. */
  readonly #first: ImageNode;
  readonly #number: number;
  #names = 0;

  /** `same` when this is another name of a file. */
  constructor(values: NodeValues, layer: number, same?: ImageNode) {
    this.values = values;
    this.layer = layer;
    this.children = values.type === S_IFDIR ? new Map() : undefined;
    this.#first = same === undefined ? this : same.#first;
    if (same === undefined) made += 1;
    this.#number = same === undefined ? made : same.#number;
    this.#first.#names += 1;
  }

  /** How many names the file has. */
  get names(): number {
    return this.#first.#names;
  }

  /** This name is gone. */
  forget(): void {
    this.#first.#names -= 1;
  }

  isSameAs(other: ImageNode | undefined): boolean {
    return other !== undefined && this.#first === other.#first;
  }

  get facts(): NodeFacts {
    const { type, mode, uid, gid, target, content, major = 0, minor = 0 } = this.values;
    return {
      type,
      mode,
      uid,
      gid,
      identity: FIRST_IDENTITY - this.#number,
      size: content?.size ?? target?.length ?? 0,
      links: this.names,
      inode: this.#number,
      major,
      minor,
      mountPoint: false,
    };
  }

  /** By the bytes of their names, as an archive has no order of a file system. */
  entries(limit: number): DirectoryEntry[] {
    const names = [...(this.children?.keys() ?? [])].sort();
    return names.slice(0, limit + 1).map((name) => {
      const node = this.children?.get(name);
      // DT_REG is S_IFREG shifted, and so on (dirent.h, IFTODT).
      return { name, type: (node?.values.type ?? 0) >> 12, inode: node === undefined ? 0 : node.#number };
    });
  }

  child(name: string): ImageNode | number {
    return this.children === undefined ? -ENOTDIR : (this.children.get(name) ?? -ENOENT);
  }

  readlink(): string | number {
    return this.values.type === S_IFLNK ? (this.values.target ?? "") : -EINVAL;
  }

  open(): OpenFile | number {
    const { type, content } = this.values;
    if (type !== S_IFREG) return type === S_IFDIR ? -EISDIR : -EINVAL;
    return new ImageFile(content ?? NOTHING, this.facts);
  }

  refusal(): number {
    return 0;
  }
}

const NOTHING: Content = {
  archive: { size: 0, read: () => new Uint8Array(0), readInto: () => 0 },
  size: 0,
  pieces: [],
};
