import type { ByteSource } from "../bytes/source.ts";
import { toText } from "../bytes/text.ts";
import { S_IFDIR, S_IFLNK } from "./constants.ts";
import { FileData } from "./data.ts";
import { listDirectory, type Listing, lookUp, RecentBlocks } from "./directory.ts";
import { broken } from "./image.ts";
import { type Inode, readInode } from "./inode.ts";
import { DIRECTORY_ENTRIES, TARGET_BYTES } from "./limits.ts";
import { readSuperblock, type Superblock } from "./superblock.ts";

export type { FileData } from "./data.ts";
export type { Listing } from "./directory.ts";
export type { Inode } from "./inode.ts";
export { isErofs } from "./superblock.ts";

/**
 * An EROFS image, read where it is needed, by Linux' description of the format (`Documentation/filesystems/erofs.rst`,
 * `fs/erofs/erofs_fs.h`): compact and extended inodes, data in one piece, with its tail behind the inode, or in chunks.
 * Extended attributes are passed over. Every method throws FormatError where the image is broken or of a kind that is not
 * read.
 *
 * Whatever the image says, one call takes bounded time and memory. But its directories may lead back to themselves, or
 * many of them to one: a caller that descends bounds the depth and the number of its steps.
 */
export class Erofs {
  readonly #source: ByteSource;
  readonly #superblock: Superblock;
  readonly #recent = new RecentBlocks();
  /** The root directory. */
  readonly root: Inode;

  private constructor(source: ByteSource) {
    this.#source = source;
    this.#superblock = readSuperblock(source);
    this.root = this.inode(this.#superblock.rootNid);
    if (this.root.type !== S_IFDIR) broken("root inode", 0, "is no directory");
  }

  /** Opens an image: its superblock and its root directory's inode are read. The source stays the caller's. */
  static open(source: ByteSource): Erofs {
    return new Erofs(source);
  }

  /** In bytes. */
  get blockSize(): number {
    return this.#superblock.blockSize;
  }

  inode(nid: number): Inode {
    return readInode(this.#source, this.#superblock, nid);
  }

  /** What is in a directory; of one with more than `limit` entries, that many at most. */
  list(directory: Inode, limit: number = DIRECTORY_ENTRIES): Listing {
    return listDirectory(this.#directory(directory), this.blockSize, directory.nid, limit);
  }

  /** What `name`, which is no `.` or `..`, leads to in a directory; undefined when there is no such name. */
  lookUp(directory: Inode, name: string): Inode | undefined {
    const nid = lookUp(this.#directory(directory), this.blockSize, directory.nid, name, this.#recent);
    return nid === undefined ? undefined : this.inode(nid);
  }

  /** The target of a link, a byte string. As in Linux, it ends before its first zero byte. */
  target(link: Inode): string {
    if (link.type !== S_IFLNK) broken(`inode ${link.nid}`, 0, "is no link");
    if (link.size > TARGET_BYTES) broken(`size of inode ${link.nid}`, 0, `a link of ${link.size} bytes`);
    const target = toText(this.data(link).read(0, link.size));
    const zero = target.indexOf("\0");
    return zero < 0 ? target : target.slice(0, zero);
  }

  /** The bytes of a regular file. Reading throws FormatError as the other methods do. */
  data(file: Inode): FileData {
    return new FileData(this.#source, this.blockSize, file);
  }

  #directory(inode: Inode): FileData {
    if (inode.type !== S_IFDIR) broken(`inode ${inode.nid}`, 0, "is no directory");
    return this.data(inode);
  }
}
