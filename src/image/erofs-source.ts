/** The files of an EROFS image as a tree that is only read. */
import type { ByteSource } from "../bytes/source.ts";
import { HookError } from "../errors.ts";
import { S_IFDIR, S_IFLNK } from "../erofs/constants.ts";
import { Erofs, type FileData, type Inode, type Listing } from "../erofs/erofs.ts";
import { DIRECTORY_ENTRIES } from "../erofs/limits.ts";
import { EFBIG, EINVAL, EISDIR, ENOENT, ENOTDIR, EUCLEAN, S_IFREG } from "../rootfs/constants.ts";
import type { DirectoryEntry, Identity } from "../rootfs/directory.ts";
import type { OpenFile } from "../rootfs/open-file.ts";
import type { NodeFacts, SourceNode } from "../rootfs/source.ts";

/** An inode takes up 32 bytes of its image, so this many numbers are enough for each image. */
const INODE_BYTES = 32;
const NOTHING = new Uint8Array(0);
const EMPTY: Listing = { entries: [], inOrder: false };
/** Identities of inodes: below all that rootfs and archives give out, each image's below the one before. */
let lowestIdentity = -(2 ** 51);

/** An open file that holds an image. */
export interface ErofsFile extends ByteSource {
  /** On the host, for messages. */
  readonly path: string;
}

/** Told of a part of the image that cannot be read, in words. */
export type Complaint = (message: string) => void;

/** An open image, and what its nodes share. */
class ErofsSource {
  readonly erofs: Erofs;
  readonly #firstIdentity: Identity;
  readonly #refusal: number;
  readonly #path: string;
  readonly #complain: Complaint;

  constructor(image: ErofsFile, refusal: number, complain: Complaint) {
    this.erofs = Erofs.open(image);
    lowestIdentity -= Math.ceil(image.size / INODE_BYTES) + 1;
    this.#firstIdentity = lowestIdentity;
    this.#refusal = refusal;
    this.#path = image.path;
    this.#complain = complain;
  }

  identity({ nid }: Inode): Identity {
    return this.#firstIdentity + nid;
  }

  /**
   * What `use` finds of a file; `otherwise` where the image is broken. Throws HookError `root` for a compressed file: what
   * would be said of an image without its files would be wrong.
   */
  attempt<Found, Otherwise>(file: Inode, use: () => Found, otherwise: Otherwise): Found | Otherwise {
    if (file.data.kind === "compressed" && hasData(file)) {
      const reason = "its files are compressed, which is not read, neither here nor by gVisor; make it without -z";
      throw new HookError("root", "read", this.#path, reason);
    }
    try {
      return use();
    } catch (error) {
      if (!(error instanceof HookError)) throw error;
      this.#complain(error.message);
      return otherwise;
    }
  }

  get refusal(): number {
    return this.#refusal;
  }
}

function hasData({ type, size }: Inode): boolean {
  return size > 0 && (type === S_IFREG || type === S_IFDIR || type === S_IFLNK);
}

/**
 * The root directory of an EROFS image. Where the image is broken its nodes answer -EUCLEAN, as Linux does, or end a list,
 * and `complain` is told; where it is compressed they throw HookError `root`. Changes are refused with `refusal`, an -errno; 0 to have them made in memory.
 * Throws FormatError when there is no root directory to be had.
 */
export function erofsTree(image: ErofsFile, refusal: number, complain: Complaint): SourceNode {
  const source = new ErofsSource(image, refusal, complain);
  return new ErofsNode(source, source.erofs.root);
}

class ErofsNode implements SourceNode {
  readonly #source: ErofsSource;
  readonly #inode: Inode;
  /** Of a directory that was listed and whose names are in order: what looking them up would find. */
  #listed: ReadonlyMap<string, number> | undefined;
  readonly facts: NodeFacts;

  constructor(source: ErofsSource, inode: Inode) {
    const { type, mode, uid, gid, size, links, nid, device } = inode;
    this.#source = source;
    this.#inode = inode;
    this.facts = {
      type,
      mode,
      uid,
      gid,
      size,
      links,
      identity: source.identity(inode),
      inode: nid,
      major: device?.major ?? 0,
      minor: device?.minor ?? 0,
      mountPoint: false,
    };
  }

  entries(limit: number): DirectoryEntry[] {
    if (this.facts.type !== S_IFDIR) return [];
    const { erofs } = this.#source;
    const most = Math.min(limit, DIRECTORY_ENTRIES);
    const { entries, inOrder } = this.#source.attempt(this.#inode, () => erofs.list(this.#inode, most), EMPTY);
    this.#listed ??= inOrder ? new Map(entries.map(({ name, nid }) => [name, nid])) : undefined;
    return entries.map(({ name, type }) => ({ name, type }));
  }

  child(name: string): SourceNode | number {
    if (this.facts.type !== S_IFDIR) return -ENOTDIR;
    const { erofs } = this.#source;
    return this.#source.attempt(
      this.#inode,
      () => {
        const nid = this.#listed?.get(name);
        const inode = nid === undefined ? erofs.lookUp(this.#inode, name) : erofs.inode(nid);
        return inode === undefined ? -ENOENT : new ErofsNode(this.#source, inode);
      },
      -EUCLEAN,
    );
  }

  readlink(): string | number {
    if (this.facts.type !== S_IFLNK) return -EINVAL;
    return this.#source.attempt(this.#inode, () => this.#source.erofs.target(this.#inode), -EUCLEAN);
  }

  open(): OpenFile | number {
    const { type } = this.facts;
    if (type !== S_IFREG) return type === S_IFDIR ? -EISDIR : -EINVAL;
    const data = this.#source.erofs.data(this.#inode);
    // What cannot be read at all is not opened.
    return this.#source.attempt(
      this.#inode,
      () => {
        data.read(0, 1);
        return new ErofsOpenFile(this.#source, this.#inode, data);
      },
      -EUCLEAN,
    );
  }

  refusal(): number {
    return this.#source.refusal;
  }
}

/** A regular file of an image. */
class ErofsOpenFile implements OpenFile {
  readonly #source: ErofsSource;
  readonly #inode: Inode;
  readonly #data: FileData;
  readonly identity: Identity;
  readonly links: number;
  readonly size: number;

  constructor(source: ErofsSource, inode: Inode, data: FileData) {
    this.#source = source;
    this.#inode = inode;
    this.#data = data;
    this.identity = source.identity(inode);
    this.links = inode.links;
    this.size = inode.size;
  }

  read(offset: number, length: number): Uint8Array {
    return this.#source.attempt(this.#inode, () => this.#data.read(offset, length), NOTHING);
  }

  readInto(bytes: Uint8Array, offset: number): number {
    return this.#source.attempt(this.#inode, () => this.#data.readInto(bytes, offset), 0);
  }

  readAll(limit: number): Uint8Array | number {
    if (this.size > limit) return -EFBIG;
    const bytes = new Uint8Array(this.size);
    return this.#source.attempt(
      this.#inode,
      () => {
        this.#data.readInto(bytes, 0);
        return bytes;
      },
      -EUCLEAN,
    );
  }

  close(): void {}

  [Symbol.dispose](): void {}
}
