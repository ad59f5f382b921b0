/**
 * The cache as the dynamic linker uses it: searched where it lies, with no more of it checked than glibc's
 * elf/dl-cache.c checks. So a damaged cache gives here what it gives there.
 */
import { toText } from "../bytes/text.ts";
import { compareNames } from "../ldcache/compare-names.ts";
import {
  CACHE_EXTENSION_MAGIC,
  CACHE_EXTENSION_TAG_GLIBC_HWCAPS,
  CACHEMAGIC,
  CACHEMAGIC_VERSION_NEW,
  ENDIAN_OFFSET,
  EXTENSION_HEADER_BYTES,
  EXTENSION_OFFSET,
  EXTENSION_SECTION_BYTES,
  NEW_ENTRY_BYTES,
  NEW_HEADER_BYTES,
  OLD_ENTRY_BYTES,
  OLD_HEADER_BYTES,
} from "../ldcache/constants.ts";

/** An entry of the name that is looked up. */
export interface FoundEntry {
  readonly flags: number;
  readonly value: string;
  /** 0 in the old format. */
  readonly osVersion: number;
  readonly hwcapLow: number;
  readonly hwcapHigh: number;
}

/** Names longer than this cannot be opened. */
const NAME_LIMIT = 4096;
/** Entries that are looked through from start to end, in all searches of that kind. */
const SCANS_LIMIT = 200_000;
/** Entries of one name that are looked at. */
const ENTRIES_LIMIT = 256;

export class CacheFile {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #little: boolean;
  readonly #charSigned: boolean;
  /** Where entries begin, how many and how large they are, and what offsets of strings count from. */
  readonly #start: number;
  readonly #count: number;
  readonly #stride: number;
  readonly #base: number;
  #scans = SCANS_LIMIT;
  /** Names of `glibc-hwcaps` subfolders, by the number in an entry's hwcap field. */
  readonly folders: readonly string[];

  private constructor(
    bytes: Uint8Array,
    little: boolean,
    charSigned: boolean,
    place: { start: number; count: number; stride: number; base: number },
  ) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#little = little;
    this.#charSigned = charSigned;
    this.#start = place.start;
    this.#count = place.count;
    this.#stride = place.stride;
    this.#base = place.base;
    this.folders = place.stride === NEW_ENTRY_BYTES ? this.#readFolders() : [];
  }

  /** The cache in these bytes; else why a dynamic linker of that byte order takes no notice of it, for a person. */
  static in(bytes: Uint8Array, bigEndian: boolean, charSigned: boolean, checksOrder: boolean): CacheFile | string {
    const little = !bigEndian;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const size = bytes.length;
    if (size === 0) return "it is empty";
    const isNew = (at: number): boolean => startsWith(bytes, CACHEMAGIC_VERSION_NEW, at);
    const newPart = (base: number): CacheFile | string => {
      const count = view.getUint32(base + CACHEMAGIC_VERSION_NEW.length, little);
      if ((size - base - NEW_HEADER_BYTES) / NEW_ENTRY_BYTES < count) {
        return `it announces ${count} entries at byte ${base + CACHEMAGIC_VERSION_NEW.length}, more than it has room for`;
      }
      const order = bytes[base + ENDIAN_OFFSET] ?? 0;
      if (checksOrder && order !== 0 && (order & 3) !== (bigEndian ? 3 : 2)) {
        return `it is of another byte order: ${order} at byte ${base + ENDIAN_OFFSET}`;
      }
      const start = base + NEW_HEADER_BYTES;
      return new CacheFile(bytes, little, charSigned, { start, count, stride: NEW_ENTRY_BYTES, base });
    };
    if (size > NEW_HEADER_BYTES && isNew(0)) return newPart(0);
    if (size <= OLD_HEADER_BYTES || !startsWith(bytes, CACHEMAGIC, 0)) return "it is no cache: another magic at byte 0";
    const count = view.getUint32(OLD_HEADER_BYTES - 4, little);
    const end = OLD_HEADER_BYTES + OLD_ENTRY_BYTES * count;
    if (end > size) return `it announces ${count} entries at byte 12, more than it has room for`;
    const aligned = Math.ceil(end / 8) * 8;
    if (size > aligned + NEW_HEADER_BYTES && isNew(aligned)) return newPart(aligned);
    return new CacheFile(bytes, little, charSigned, {
      start: OLD_HEADER_BYTES,
      count,
      stride: OLD_ENTRY_BYTES,
      base: end,
    });
  }

  get count(): number {
    return this.#count;
  }

  /**
   * All entries of a name, in the file's order: found by halving, as the entries ought to be sorted. None when the search
   * comes to an entry whose name lies outside of the file.
   */
  lookup(name: string): FoundEntry[] {
    let left = 0;
    let right = this.#count - 1;
    while (left <= right) {
      const middle = (left + right) >> 1;
      const key = this.#key(middle);
      if (key === undefined) return [];
      const order = compareNames(name, key, this.#charSigned);
      if (order === 0) return this.#neighbours(name, middle, right);
      if (order < 0) left = middle + 1;
      else right = middle - 1;
    }
    return [];
  }

  /** Names in the cache that begin so, of as many entries as may still be looked through for this. */
  keysWith(start: string): string[] {
    const found = new Set<string>();
    const end = Math.min(this.#count, this.#scans);
    this.#scans -= end;
    for (let at = 0; at < end; at += 1) {
      const offset = this.#base + this.#view.getUint32(this.#start + at * this.#stride + 4, this.#little);
      if (startsWith(this.#bytes, start, offset)) found.add(this.#key(at) ?? "");
    }
    return [...found];
  }

  #neighbours(name: string, middle: number, right: number): FoundEntry[] {
    const isSame = (at: number): boolean => {
      const key = this.#key(at);
      return key !== undefined && compareNames(name, key, this.#charSigned) === 0;
    };
    let first = middle;
    while (first > 0 && middle - first < ENTRIES_LIMIT && isSame(first - 1)) first -= 1;
    const entries: FoundEntry[] = [];
    for (let at = first; at <= right && entries.length < ENTRIES_LIMIT; at += 1) {
      if (at > middle && !isSame(at)) break;
      const entry = this.#entry(at);
      if (entry !== undefined) entries.push(entry);
    }
    return entries;
  }

  #entry(index: number): FoundEntry | undefined {
    const at = this.#start + index * this.#stride;
    const view = this.#view;
    const little = this.#little;
    const value = this.#string(view.getUint32(at + 8, little));
    if (value === undefined) return undefined;
    const flags = view.getInt32(at, little);
    if (this.#stride !== NEW_ENTRY_BYTES) return { flags, value, osVersion: 0, hwcapLow: 0, hwcapHigh: 0 };
    const [low, high] = little ? [16, 20] : [20, 16];
    return {
      flags,
      value,
      osVersion: view.getUint32(at + 12, little),
      hwcapLow: view.getUint32(at + low, little),
      hwcapHigh: view.getUint32(at + high, little),
    };
  }

  #key(index: number): string | undefined {
    return this.#string(this.#view.getUint32(this.#start + index * this.#stride + 4, this.#little));
  }

  #string(offset: number): string | undefined {
    return this.#text(this.#base + offset);
  }

  #text(start: number): string | undefined {
    if (start >= this.#bytes.length) return undefined;
    const bytes = this.#bytes.subarray(start, start + NAME_LIMIT);
    const end = bytes.indexOf(0);
    return toText(bytes, 0, end < 0 ? bytes.length : end);
  }

  /**
   * The extension area's list of folder names; empty when anything about it is wrong. The offsets count from the start of
   * the file, in compat files too, where ldconfig means them to count from the new header.
   */
  #readFolders(): string[] {
    const view = this.#view;
    const size = this.#bytes.length;
    const word = (at: number): number => view.getUint32(at, this.#little);
    const directory = word(this.#base + EXTENSION_OFFSET);
    if (directory === 0 || directory % 4 !== 0 || directory + EXTENSION_HEADER_BYTES > size) return [];
    const sections = word(directory + 4);
    const end = directory + EXTENSION_HEADER_BYTES + EXTENSION_SECTION_BYTES * sections;
    if (word(directory) !== CACHE_EXTENSION_MAGIC || end > size) return [];
    let folders: string[] = [];
    for (let at = directory + EXTENSION_HEADER_BYTES; at < end; at += EXTENSION_SECTION_BYTES) {
      const offset = word(at + 8);
      const length = word(at + 12);
      if (offset + length > size) return [];
      if (word(at) !== CACHE_EXTENSION_TAG_GLIBC_HWCAPS || offset % 4 !== 0 || length % 4 !== 0) continue;
      const count = Math.min(length / 4, ENTRIES_LIMIT);
      folders = Array.from({ length: count }, (_, index) => this.#text(word(offset + 4 * index)) ?? "");
    }
    return folders;
  }
}

function startsWith(bytes: Uint8Array, text: string, at: number): boolean {
  return at + text.length <= bytes.length && toText(bytes, at, at + text.length) === text;
}
