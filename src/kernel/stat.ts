import { S_IFMT } from "./constants.ts";

/** Size of `struct statx` (linux/stat.h). */
const SIZE = 256;
/** STATX_MNT_ID, which Linux says without being asked. */
const MOUNT_ID = 0x1000;
/** STATX_ATTR_MOUNT_ROOT */
const MOUNT_ROOT = 0x2000;

/** Device and inode number as one key: two names with the same key are one file. Means nothing to another process. */
export type Identity = number;

/** Inode numbers below this are part of the key; there is room for 2^13 devices above it. */
const INODES = 2 ** 40;
const DEVICES = 2 ** 13;

/** Devices in the order in which they were met. */
const devices = new Map<number, number>();
let lastMajor = -1;
let lastMinor = -1;
let lastNumber = 0;
/** What does not fit into a number by itself, numbered from -1 downwards. */
const others = new Map<string, Identity>();

/** A number, as these are looked up for every file, and a string takes ten times as long to make. */
function identify(major: number, minor: number, inodeHigh: number, inodeLow: number): Identity {
  const device = major * 0x10_0000 + minor;
  if (major !== lastMajor || minor !== lastMinor) {
    lastNumber = devices.get(device) ?? devices.size;
    devices.set(device, lastNumber);
    lastMajor = major;
    lastMinor = minor;
  }
  if (inodeHigh < INODES / 2 ** 32 && lastNumber < DEVICES) return lastNumber * INODES + inodeHigh * 2 ** 32 + inodeLow;
  const key = `${device}:${inodeHigh}:${inodeLow}`;
  const identity = others.get(key) ?? -1 - others.size;
  others.set(key, identity);
  return identity;
}

/** What is kept of an open file. */
export interface FileNumbers {
  identity: Identity;
  size: number;
  links: number;
}

/** A key that no file has. */
export function freshIdentity(): Identity {
  const identity = -1 - others.size;
  others.set(`fresh:${others.size}`, identity);
  return identity;
}

/**
 * What statx(2) says of a file. One object may be filled again and again; its getters read the last answer. The hosts
 * that this program runs on are little-endian.
 */
export class Stat {
  readonly buffer: Uint8Array = new Uint8Array(SIZE);
  readonly #words: Uint32Array = new Uint32Array(this.buffer.buffer);

  /** File type: one of the S_IF values. */
  get type(): number {
    return (this.#words[7] ?? 0) & S_IFMT;
  }

  /** Permission bits, with set-user-ID, set-group-ID and sticky: 0..0o7777. */
  get mode(): number {
    return (this.#words[7] ?? 0) & 0o7777;
  }

  get links(): number {
    return this.#words[4] ?? 0;
  }

  get uid(): number {
    return this.#words[5] ?? 0;
  }

  get gid(): number {
    return this.#words[6] ?? 0;
  }

  /** Size in bytes; exact below 2^53. */
  get size(): number {
    const high = this.#words[11] ?? 0;
    return high === 0 ? (this.#words[10] ?? 0) : high * 2 ** 32 + (this.#words[10] ?? 0);
  }

  /** The inode number; above 2^53 a neighbour of it. */
  get inode(): number {
    const high = this.#words[9] ?? 0;
    return high === 0 ? (this.#words[8] ?? 0) : high * 2 ** 32 + (this.#words[8] ?? 0);
  }

  /** Major number of the device that a device node stands for. */
  get major(): number {
    return this.#words[32] ?? 0;
  }

  /** Its minor number. */
  get minor(): number {
    return this.#words[33] ?? 0;
  }

  /** Milliseconds since 1970 at which the file's content or attributes were last changed (ctime). */
  get changed(): number {
    return ((this.#words[25] ?? 0) * 2 ** 32 + (this.#words[24] ?? 0)) * 1000 + (this.#words[26] ?? 0) / 1e6;
  }

  /** Differs from what it was when the file is another one, or has been written to: device, inode, size, mtime. */
  get content(): string {
    return [34, 35, 8, 9, 10, 11, 28, 29, 30].map((word) => this.#words[word]).join(":");
  }

  /** Differs also when its attributes or names were changed: with ctime. */
  get version(): string {
    return [this.content, this.#words[24], this.#words[25], this.#words[26]].join(":");
  }

  /** Whether this kernel tells `mountPoint`: since 5.8, as it tells the mount's id (STATX_MNT_ID). */
  get knowsMounts(): boolean {
    return ((this.#words[0] ?? 0) & MOUNT_ID) !== 0;
  }

  /** Whether something is mounted there (STATX_ATTR_MOUNT_ROOT; false on kernels before 5.8). */
  get mountPoint(): boolean {
    return ((this.#words[2] ?? 0) & MOUNT_ROOT) !== 0;
  }

  get identity(): Identity {
    const words = this.#words;
    const low = words[8] ?? 0;
    // The usual case: the first device that was met, and few inodes.
    if (lastNumber === 0 && words[9] === 0 && words[34] === lastMajor && words[35] === lastMinor) return low;
    return identify(words[34] ?? 0, words[35] ?? 0, words[9] ?? 0, low);
  }

  /** Copies what every open file is asked for, and answers its type: one call instead of five getters. */
  copyTo(file: FileNumbers): number {
    const words = this.#words;
    const size = words[10] ?? 0;
    if (lastNumber === 0 && words[9] === 0 && words[34] === lastMajor && words[35] === lastMinor) {
      file.identity = words[8] ?? 0;
    } else file.identity = this.identity;
    file.size = words[11] === 0 ? size : this.size;
    file.links = words[4] ?? 0;
    return (words[7] ?? 0) & S_IFMT;
  }
}
