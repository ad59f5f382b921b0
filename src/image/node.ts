import type { ByteSource } from "../bytes/source.ts";
import { EINVAL, EISDIR, ENOENT, ENOTDIR, S_IFDIR } from "../rootfs/constants.ts";
import type { DirectoryEntry } from "../rootfs/directory.ts";
import type { OpenFile } from "../rootfs/open-file.ts";
import type { NodeFacts, SourceNode } from "../rootfs/source.ts";
import type { Attribute, Piece } from "../tar/member.ts";
import { ImageFile } from "./file.ts";

/** Where a regular file's bytes are. */
export interface Content {
  readonly archive: ByteSource;
  readonly size: number;
  /** Where the whole of it stands in the archive, or its pieces do. */
  readonly place: number | readonly Piece[];
}

/** Identities of files of images: below all that rootfs gives out. */
const FIRST_IDENTITY = -(2 ** 50);
let made = 0;

/** What many files have in common: neighbours share one. */
export interface Owned {
  /** One of the S_IF values. */
  readonly type: number;
  /** 0..0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds since 1970, not before. */
  readonly mtime: number;
  /** Of a folder: records of extended attributes. */
  readonly attributes: readonly Attribute[];
}

/** What is a device's only. */
export interface Device {
  readonly major: number;
  readonly minor: number;
}

/** A file, folder or link of an image by one of its names. */
export class ImageNode implements SourceNode {
  owned: Owned;
  /** Of a file, of a link, of a device. */
  readonly detail: Content | string | Device | undefined;
  /** Of a directory. */
  readonly children: Map<string, ImageNode> | undefined;
  /** The last layer that put something there or below. */
  layer: number;
  /** The same file by the name that it had first; undefined when it is this one. */
  readonly #first: ImageNode | undefined;
  readonly #number: number;
  #names = 1;
  #sorted = false;

  /** `same` when this is another name of a file. */
  constructor(owned: Owned, detail: ImageNode["detail"], layer: number, same?: ImageNode) {
    this.owned = owned;
    this.detail = detail;
    this.layer = layer;
    this.children = owned.type === S_IFDIR ? new Map() : undefined;
    this.#first = same === undefined ? undefined : (same.#first ?? same);
    if (this.#first === undefined) made += 1;
    else this.#first.#names += 1;
    this.#number = this.#first === undefined ? made : this.#first.#number;
  }

  /** How many names the file has. */
  get names(): number {
    return (this.#first ?? this).#names;
  }

  /** This name is gone. */
  forget(): void {
    (this.#first ?? this).#names -= 1;
  }

  isSameAs(other: ImageNode): boolean {
    return this.#number === other.#number;
  }

  get facts(): NodeFacts {
    const { owned, detail } = this;
    const { type, mode, uid, gid } = owned;
    const { major, minor } = typeof detail === "object" && "major" in detail ? detail : NO_DEVICE;
    return {
      type,
      mode,
      uid,
      gid,
      identity: FIRST_IDENTITY - this.#number,
      size: typeof detail === "string" ? detail.length : (this.#content?.size ?? 0),
      links: this.names,
      inode: this.#number,
      major,
      minor,
      mountPoint: false,
    };
  }

  /** By the bytes of their names, as an archive has no order of a file system. */
  entries(limit: number): DirectoryEntry[] {
    const { children } = this;
    if (children === undefined) return [];
    this.#sort(children);
    const entries: DirectoryEntry[] = [];
    for (const [name, node] of children) {
      if (entries.length > limit) break;
      // DT_REG is S_IFREG shifted, and so on (dirent.h, IFTODT).
      entries.push({ name, type: node.owned.type >> 12 });
    }
    return entries;
  }

  /** Once: a folder may be listed by any number of links, a few names at a time. */
  #sort(children: Map<string, ImageNode>): void {
    if (this.#sorted) return;
    this.#sorted = true;
    const names = [...children.keys()].sort();
    const nodes = names.map((name) => children.get(name));
    children.clear();
    names.forEach((name, at) => {
      const node = nodes[at];
      if (node !== undefined) children.set(name, node);
    });
  }

  child(name: string): ImageNode | number {
    return this.children === undefined ? -ENOTDIR : (this.children.get(name) ?? -ENOENT);
  }

  readlink(): string | number {
    return typeof this.detail === "string" ? this.detail : -EINVAL;
  }

  open(): OpenFile | number {
    const content = this.#content;
    if (content === undefined) return this.children === undefined ? -EINVAL : -EISDIR;
    return new ImageFile(content, this.facts);
  }

  get #content(): Content | undefined {
    const { detail } = this;
    return typeof detail === "object" && "archive" in detail ? detail : undefined;
  }

  refusal(): number {
    return 0;
  }
}

const NO_DEVICE: Device = { major: 0, minor: 0 };
