import { hostBigEndian, swapWords } from "../bytes/byte-order.ts";
import { layOutStrings } from "../bytes/string-table.ts";
import { fromText, writeText } from "../bytes/text.ts";
import { HookError } from "../errors.ts";
import {
  CACHE_EXTENSION_MAGIC,
  CACHE_EXTENSION_TAG_GENERATOR,
  CACHE_EXTENSION_TAG_GLIBC_HWCAPS,
  CACHE_FILE_NEW_FLAGS_ENDIAN_BIG,
  CACHE_FILE_NEW_FLAGS_ENDIAN_LITTLE,
  CACHEMAGIC,
  CACHEMAGIC_VERSION_NEW,
  DL_CACHE_HWCAP_EXTENSION,
  ENDIAN_OFFSET,
  EXTENSION_HEADER_BYTES,
  EXTENSION_OFFSET,
  EXTENSION_SECTION_BYTES,
  NEW_ENTRY_BYTES,
  NEW_HEADER_BYTES,
  OLD_ENTRY_BYTES,
  OLD_HEADER_BYTES,
} from "./constants.ts";
import type { EntryKind } from "./entry.ts";
import type { EntryList } from "./entry-list.ts";
import { foldersOf, sortEntries, type SortRules } from "./sort.ts";

/** `compat` is the old format with the new one behind it, in one file. */
export type CacheFormat = "old" | "compat" | "new";

/** The shape of a cache file, as the ldconfig that is imitated writes it. */
export interface CacheLayout extends SortRules {
  readonly format: CacheFormat;
  readonly bigEndian: boolean;
  /** The header of the new format names the byte order (glibc 2.33 and later). */
  readonly endianByte: boolean;
  /** Strings share their tails, and an extension area follows them (glibc 2.33 and later). */
  readonly extensions: boolean;
  /** The text in the extension area: `ldconfig (GNU libc) stable release version 2.36`. */
  readonly generator: string;
  /** How the target aligns 64-bit integers, in bytes. */
  readonly align: 4 | 8;
}

/**
 * The bytes of a cache file, as ldconfig writes it (`save_cache` in glibc's elf/cache.c).
 *
 * @param interned names of the `glibc-hwcaps` subfolders that were met, with libraries in them or not
 * @throws HookError "refused" for legacy capabilities in the old or compat format with extensions, where ldconfig of
 *   2.33 to 2.36 overruns its buffer
 */
export function writeCache(entries: EntryList, interned: readonly string[], layout: CacheLayout): Uint8Array {
  const kinds = entries.distinctKinds();
  if (layout.format !== "new" && layout.extensions && !kinds.every(isPlain)) {
    const reason = `legacy hardware capabilities have no right place in format ${layout.format}; format new takes them`;
    throw new HookError("refused", "write cache", "", reason);
  }
  const order = sortEntries(entries, layout, kinds);
  const folders = foldersOf(kinds);
  const strings = layout.extensions ? sharedStrings(entries, folders, interned) : plainStrings(entries, order);
  return new CacheWriter(layout, entries, order, folders, strings).write();
}

/** The string table, and where in it the entries' strings and the folders' names are. */
interface Strings {
  readonly bytes: Uint8Array;
  /** By the entries' indices. */
  readonly keys: Int32Array;
  /** The same; then the folders. */
  readonly values: Int32Array;
}

/** Since 2.33: one copy of each string, tails shared. */
function sharedStrings(entries: EntryList, folders: readonly string[], interned: readonly string[]): Strings {
  const { keys, values, apart } = entries;
  const others = folders.concat(interned);
  let tails = keys;
  if (apart.length > 0) {
    tails = keys.slice();
    for (const at of apart) {
      others.push(keys[at] ?? "");
      tails[at] = values[at] ?? "";
    }
  }
  const { bytes, offsets, tailOffsets } = layOutStrings(values, tails, others);
  const first = offsets.length - apart.length;
  apart.forEach((at, index) => (tailOffsets[at] = offsets[first + index] ?? 0));
  return { bytes, keys: tailOffsets, values: offsets };
}

/** Before: every string as often as it is used. */
function plainStrings(entries: EntryList, order: Int32Array): Strings {
  const strings: string[] = [];
  const keys = new Int32Array(order.length);
  const values = new Int32Array(order.length);
  let end = 0;
  for (const index of order) {
    const key = entries.keys[index] ?? "";
    const value = entries.values[index] ?? "";
    keys[index] = end;
    end += key.length + 1;
    values[index] = end;
    end += value.length + 1;
    strings.push(key, value);
  }
  return { bytes: fromText(strings.length === 0 ? "" : `${strings.join("\0")}\0`), keys, values };
}

/** Where things are in the file that is being written, in bytes from its start; everything but texts is in words. */
class CacheWriter {
  readonly #layout: CacheLayout;
  readonly #entries: EntryList;
  readonly #order: Int32Array;
  readonly #folders: readonly string[];
  readonly #strings: Strings;
  /** Entries of the old part, the copy of the last one included. */
  readonly #oldCount: number;
  /** Where the new part begins. */
  readonly #base: number;
  readonly #stringsAt: number;
  readonly #extensionsAt: number;
  readonly #generatorAt: number;
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;

  constructor(
    layout: CacheLayout,
    entries: EntryList,
    order: Int32Array,
    folders: readonly string[],
    strings: Strings,
  ) {
    const { format } = layout;
    const plain = format === "new" ? 0 : entries.kinds.filter(isPlain).length;
    const hasNew = format !== "old";
    const hasExtensions = hasNew && layout.extensions;
    this.#layout = layout;
    this.#entries = entries;
    this.#order = order;
    this.#folders = folders;
    this.#strings = strings;
    // An even count keeps the new part aligned.
    this.#oldCount = format === "compat" ? plain + (plain % 2) : plain;
    this.#base = format === "new" ? 0 : OLD_HEADER_BYTES + OLD_ENTRY_BYTES * this.#oldCount;
    this.#stringsAt = this.#base + (hasNew ? NEW_HEADER_BYTES + NEW_ENTRY_BYTES * entries.length : 0);
    const stringsEnd = this.#stringsAt + strings.bytes.length;
    this.#extensionsAt = hasExtensions ? (stringsEnd + 3) & ~3 : stringsEnd;
    const directory = EXTENSION_HEADER_BYTES + EXTENSION_SECTION_BYTES * this.#sections();
    this.#generatorAt = hasExtensions ? this.#extensionsAt + directory + 4 * folders.length : stringsEnd;
    const size = this.#generatorAt + (hasExtensions ? layout.generator.length : 0);
    this.#bytes = new Uint8Array((size + 3) & ~3).subarray(0, size);
    this.#words = new Uint32Array(this.#bytes.buffer);
  }

  write(): Uint8Array {
    const { format, extensions, bigEndian, endianByte, generator } = this.#layout;
    const hasNew = format !== "old";
    if (format !== "new") this.#writeOldPart();
    if (hasNew) this.#writeNewPart();
    if (hasNew && extensions) this.#writeExtensions();
    if (bigEndian !== hostBigEndian) {
      swapWords(this.#words, 0, this.#stringsAt >> 2);
      swapWords(this.#words, this.#extensionsAt >> 2, this.#generatorAt >> 2);
    }
    // Texts have no byte order.
    if (format !== "new") writeText(CACHEMAGIC, this.#bytes, 0);
    if (hasNew) writeText(CACHEMAGIC_VERSION_NEW, this.#bytes, this.#base);
    if (hasNew && endianByte) {
      const mark = bigEndian ? CACHE_FILE_NEW_FLAGS_ENDIAN_BIG : CACHE_FILE_NEW_FLAGS_ENDIAN_LITTLE;
      this.#bytes[this.#base + ENDIAN_OFFSET] = mark;
    }
    this.#bytes.set(this.#strings.bytes, this.#stringsAt);
    if (hasNew && extensions) writeText(generator, this.#bytes, this.#generatorAt);
    return this.#bytes;
  }

  /** Offsets in it count from its own end. */
  #writeOldPart(): void {
    const words = this.#words;
    const { keys, values } = this.#strings;
    words[(OLD_HEADER_BYTES >> 2) - 1] = this.#oldCount;
    const strings = this.#stringsAt - this.#base + this.#padding();
    let at = OLD_HEADER_BYTES >> 2;
    for (const index of this.#order) {
      const kind = this.#entries.kinds[index];
      if (kind === undefined || !isPlain(kind)) continue;
      words[at] = kind.flags;
      words[at + 1] = strings + (keys[index] ?? 0);
      words[at + 2] = strings + (values[index] ?? 0);
      at += 3;
    }
    if (at < this.#base >> 2) words.copyWithin(at, at - 3, at);
  }

  /**
   * What ldconfig before 2.33 adds to the offsets of the old part: the padding that would align a new part. In the old
   * format there is none, and with an odd count the offsets are 4 too large for targets that align to 8: a bug of theirs.
   */
  #padding(): number {
    const { extensions, align } = this.#layout;
    return extensions ? 0 : (align - (this.#base % align)) % align;
  }

  /** Offsets in it count from its own start. */
  #writeNewPart(): void {
    const words = this.#words;
    const { bytes, keys, values } = this.#strings;
    const start = this.#base >> 2;
    words[start + 5] = this.#entries.length;
    words[start + 6] = bytes.length;
    if (this.#layout.extensions) words[(this.#base + EXTENSION_OFFSET) >> 2] = this.#extensionsAt;
    const strings = this.#stringsAt - this.#base;
    const high = this.#layout.bigEndian ? 4 : 5;
    const low = 9 - high;
    let at = start + (NEW_HEADER_BYTES >> 2);
    const order = this.#order;
    const { kinds } = this.#entries;
    let last: EntryKind | undefined;
    let flags = 0;
    let osVersion = 0;
    let lowWord = 0;
    let highWord = 0;
    /** Whether any of the last three is not zero, which most are. */
    let hasMore = false;
    for (let place = 0; place < order.length; place += 1) {
      const index = order[place] ?? 0;
      const kind = kinds[index];
      if (kind !== last && kind !== undefined) {
        const { hwcaps } = kind;
        ({ flags, osVersion } = kind);
        lowWord = hwcaps === undefined ? kind.hwcapLow : this.#folders.indexOf(hwcaps);
        highWord = hwcaps === undefined ? kind.hwcapHigh : DL_CACHE_HWCAP_EXTENSION | kind.isa;
        hasMore = osVersion !== 0 || lowWord !== 0 || highWord !== 0;
        last = kind;
      }
      words[at] = flags;
      words[at + 1] = strings + (keys[index] ?? 0);
      words[at + 2] = strings + (values[index] ?? 0);
      if (hasMore) {
        words[at + 3] = osVersion;
        words[at + low] = lowWord;
        words[at + high] = highWord;
      }
      at += NEW_ENTRY_BYTES >> 2;
    }
  }

  #sections(): number {
    return this.#folders.length > 0 ? 2 : 1;
  }

  #writeExtensions(): void {
    const words = this.#words;
    const folders = this.#strings.values.subarray(this.#entries.length);
    const sections = this.#sections();
    const names = this.#extensionsAt + EXTENSION_HEADER_BYTES + EXTENSION_SECTION_BYTES * sections;
    const nameBytes = 4 * this.#folders.length;
    let at = this.#extensionsAt >> 2;
    const put = (...values: number[]): void => {
      words.set(values, at);
      at += values.length;
    };
    put(CACHE_EXTENSION_MAGIC, sections);
    put(CACHE_EXTENSION_TAG_GENERATOR, 0, this.#generatorAt, this.#layout.generator.length);
    if (nameBytes > 0) put(CACHE_EXTENSION_TAG_GLIBC_HWCAPS, 0, names, nameBytes);
    const strings = this.#stringsAt - this.#base;
    this.#folders.forEach((_, index) => put(strings + (folders[index] ?? 0)));
  }
}

function isPlain(kind: EntryKind): boolean {
  return kind.hwcapLow === 0 && kind.hwcapHigh === 0;
}
