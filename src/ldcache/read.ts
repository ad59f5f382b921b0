import { Reader } from "../bytes/reader.ts";
import { toText } from "../bytes/text.ts";
import {
  CACHE_EXTENSION_MAGIC,
  CACHE_EXTENSION_TAG_GENERATOR,
  CACHE_EXTENSION_TAG_GLIBC_HWCAPS,
  CACHE_FILE_NEW_FLAGS_ENDIAN_BIG,
  CACHE_FILE_NEW_FLAGS_ENDIAN_INVALID,
  CACHE_FILE_NEW_FLAGS_ENDIAN_LITTLE,
  CACHE_FILE_NEW_FLAGS_ENDIAN_MASK,
  CACHEMAGIC,
  CACHEMAGIC_VERSION_NEW,
  DL_CACHE_HWCAP_EXTENSION,
  DL_CACHE_HWCAP_ISA_LEVEL_MASK,
  ENDIAN_OFFSET,
  EXTENSION_HEADER_BYTES,
  EXTENSION_OFFSET,
  EXTENSION_SECTION_BYTES,
  NEW_ENTRY_BYTES,
  NEW_HEADER_BYTES,
  OLD_ENTRY_BYTES,
  OLD_HEADER_BYTES,
} from "./constants.ts";
import type { CacheEntry } from "./entry.ts";
import type { CacheFormat } from "./write.ts";

/** What a cache file says. */
export interface Cache {
  readonly format: CacheFormat;
  readonly bigEndian: boolean;
  /** The byte of the header that names the byte order: 0 when it does not, 2 for little, 3 for big. */
  readonly endianByte: number;
  /** In the file's order. From a compat file, those of its new part. */
  readonly entries: readonly CacheEntry[];
  /** Who wrote it; undefined without an extension area. */
  readonly generator: string | undefined;
  /** Names of the `glibc-hwcaps` folders that entries refer to. */
  readonly folders: readonly string[];
  /** The bytes of the string table, as a byte string; of a file of the old format, all bytes behind its entries. */
  readonly strings: string;
}

/**
 * What strings may hold altogether, as a multiple of the file's size. Strings share their tails, so that a file holds
 * more text than it has bytes: twice as much in sane ones. A file made for it holds a thousand times as much.
 */
const SHARING = 16;

/**
 * Reads a cache file of any format and byte order, written by whomever: memory and time stay within a small multiple of
 * the file's size.
 *
 * Like the loader, it takes the new part of a compat file; unlike the loader it wants all of it to be sound, and in
 * compat files reads the names of `glibc-hwcaps` folders where ldconfig writes them, which is not where the loader looks.
 * The byte order is the one that the header names, or else the one in which there is room for what the file announces.
 *
 * @throws FormatError when the file is no cache or a number in it cannot be right; an empty file is no cache
 */
export function readCache(bytes: Uint8Array): Cache {
  const reader = new Reader(bytes, "ld.so.cache");
  if (reader.has(CACHEMAGIC_VERSION_NEW, 0)) return readNewPart(reader, 0, "new");
  if (!reader.has(`${CACHEMAGIC}\0`, 0)) return reader.fail("magic", 0, "not a cache file");
  const count = oldCount(reader);
  const end = OLD_HEADER_BYTES + OLD_ENTRY_BYTES * count;
  for (const base of [Math.ceil(end / 8) * 8, end]) {
    if (reader.has(CACHEMAGIC_VERSION_NEW, base)) return readNewPart(reader, base, "compat");
  }
  return readOldPart(reader, count, end);
}

/** The number of old entries. Settles the byte order: the first in which there is room for so many. */
function oldCount(reader: Reader): number {
  for (const bigEndian of [false, true]) {
    reader.bigEndian = bigEndian;
    const count = reader.word(OLD_HEADER_BYTES - 4, "entry count");
    if (OLD_ENTRY_BYTES * count <= reader.bytes.length - OLD_HEADER_BYTES) return count;
  }
  return reader.fail("entry count", OLD_HEADER_BYTES - 4, "more entries than there is room for");
}

function readOldPart(reader: Reader, count: number, end: number): Cache {
  const words = reader.words(OLD_HEADER_BYTES, 3 * count, "entries");
  const strings = new Strings(reader, end, OLD_HEADER_BYTES, OLD_ENTRY_BYTES);
  const entries: CacheEntry[] = [];
  for (let at = 0; at < words.length; at += 3) {
    entries.push({
      key: strings.at(words[at + 1] ?? 0, "key", entries.length),
      value: strings.at(words[at + 2] ?? 0, "value", entries.length),
      flags: (words[at] ?? 0) | 0,
      osVersion: 0,
      hwcapLow: 0,
      hwcapHigh: 0,
      hwcaps: undefined,
      isa: 0,
    });
  }
  const { bigEndian } = reader;
  const table = toText(reader.bytes, end);
  return { format: "old", bigEndian, endianByte: 0, entries, generator: undefined, folders: [], strings: table };
}

function readNewPart(reader: Reader, base: number, format: "compat" | "new"): Cache {
  reader.need(base, NEW_HEADER_BYTES, "header");
  const endianByte = reader.bytes[base + ENDIAN_OFFSET] ?? 0;
  reader.bigEndian = byteOrder(reader, base, endianByte);
  const start = base + NEW_HEADER_BYTES;
  const count = reader.word(base + 20, "entry count");
  const words = reader.words(start, (NEW_ENTRY_BYTES >> 2) * count, "entries");
  const table = start + NEW_ENTRY_BYTES * count;
  const tableBytes = reader.word(base + 24, "string table length");
  reader.need(table, tableBytes, "string table");

  const strings = new Strings(reader, base, start, NEW_ENTRY_BYTES);
  const extensions = readExtensions(reader, base, strings);
  const high = reader.bigEndian ? 4 : 5;
  const low = 9 - high;
  const entries: CacheEntry[] = [];
  for (let at = 0; at < words.length; at += NEW_ENTRY_BYTES >> 2) {
    const hwcapHigh = words[at + high] ?? 0;
    const hwcapLow = words[at + low] ?? 0;
    const tagged = (hwcapHigh & ~DL_CACHE_HWCAP_ISA_LEVEL_MASK) === DL_CACHE_HWCAP_EXTENSION;
    const hwcaps = tagged ? extensions.folders[hwcapLow] : undefined;
    entries.push({
      key: strings.at(words[at + 1] ?? 0, "key", entries.length),
      value: strings.at(words[at + 2] ?? 0, "value", entries.length),
      flags: (words[at] ?? 0) | 0,
      osVersion: words[at + 3] ?? 0,
      // An entry whose folder has no name keeps its bits as they are.
      hwcapLow: hwcaps === undefined ? hwcapLow : 0,
      hwcapHigh: hwcaps === undefined ? hwcapHigh : 0,
      hwcaps,
      isa: hwcaps === undefined ? 0 : hwcapHigh & DL_CACHE_HWCAP_ISA_LEVEL_MASK,
    });
  }
  return {
    format,
    bigEndian: reader.bigEndian,
    endianByte,
    entries,
    ...extensions,
    strings: reader.text(table, tableBytes, "string table"),
  };
}

/** Whether the new part is big-endian: as its header says, or else as there is room for its entries and strings. */
function byteOrder(reader: Reader, base: number, endianByte: number): boolean {
  const order = endianByte & CACHE_FILE_NEW_FLAGS_ENDIAN_MASK;
  if (order === CACHE_FILE_NEW_FLAGS_ENDIAN_LITTLE) return false;
  if (order === CACHE_FILE_NEW_FLAGS_ENDIAN_BIG) return true;
  if (order === CACHE_FILE_NEW_FLAGS_ENDIAN_INVALID) reader.fail("byte order", base + ENDIAN_OFFSET, "neither");
  reader.bigEndian = false;
  const [count = 0, tableBytes = 0] = reader.words(base + 20, 2, "entry count");
  return NEW_HEADER_BYTES + NEW_ENTRY_BYTES * count + tableBytes > reader.bytes.length - base;
}

function readExtensions(
  reader: Reader,
  base: number,
  strings: Strings,
): { readonly generator: string | undefined; readonly folders: readonly string[] } {
  const directory = reader.word(base + EXTENSION_OFFSET, "extension directory offset");
  let generator: string | undefined;
  const folders: string[] = [];
  if (directory === 0) return { generator, folders };
  const magic = reader.word(directory, "extension magic");
  if (magic !== CACHE_EXTENSION_MAGIC) reader.fail("extension magic", directory, `0x${magic.toString(16)}`);
  const count = reader.word(directory + 4, "extension count");
  const sections = reader.words(
    directory + EXTENSION_HEADER_BYTES,
    (EXTENSION_SECTION_BYTES >> 2) * count,
    "extensions",
  );
  for (let at = 0; at < sections.length; at += EXTENSION_SECTION_BYTES >> 2) {
    const tag = sections[at];
    const offset = sections[at + 2] ?? 0;
    const length = sections[at + 3] ?? 0;
    if (tag === CACHE_EXTENSION_TAG_GENERATOR && generator === undefined) {
      generator = reader.text(offset, length, "generator");
    } else if (tag === CACHE_EXTENSION_TAG_GLIBC_HWCAPS && folders.length === 0) {
      if (length % 4 !== 0) reader.fail("hwcaps names", offset, `${length} bytes`);
      reader
        .words(offset, length >>> 2, "hwcaps names")
        .forEach((name, index) => folders.push(strings.at(name, "hwcaps name", index)));
    }
  }
  return { generator, folders };
}

/** The strings of a file, each read once, of a limited length altogether. */
class Strings {
  readonly #reader: Reader;
  /** What offsets count from, and where the entries are that they stand in. */
  readonly #base: number;
  readonly #entries: number;
  readonly #entryBytes: number;
  readonly #text: string;
  readonly #known = new Map<number, string>();
  #left: number;

  constructor(reader: Reader, base: number, entries: number, entryBytes: number) {
    this.#reader = reader;
    this.#base = base;
    this.#entries = entries;
    this.#entryBytes = entryBytes;
    this.#text = toText(reader.bytes);
    this.#left = SHARING * reader.bytes.length;
  }

  /** The string at `offset`; `field` of entry `index` is where the offset comes from. */
  at(offset: number, field: string, index: number): string {
    const known = this.#known.get(offset);
    if (known !== undefined) return known;
    const start = this.#base + offset;
    const end = start < this.#text.length ? this.#text.indexOf("\0", start) : -1;
    if (end < 0) this.#fail(field, index, `no string at byte ${start}`);
    this.#left -= end - start;
    if (this.#left < 0) this.#fail(field, index, "too much text for a file of this size");
    const string = this.#text.slice(start, end);
    this.#known.set(offset, string);
    return string;
  }

  #fail(field: string, index: number, reason: string): never {
    return this.#reader.fail(`${field} of entry ${index}`, this.#entries + this.#entryBytes * index, reason);
  }
}
