import { DT_NEEDED, DT_NULL, DT_SONAME, DT_STRTAB } from "./constants.ts";
import type { Image } from "./image.ts";
import { DYNAMIC_BYTES } from "./limits.ts";
import { Window } from "./window.ts";

/** One read takes in the dynamic sections of ordinary libraries: 64 entries of a 64-bit one. */
const CHUNK_BYTES = 1024;

/** Words per name in `DynamicSection.names`. */
export const NAME_WORDS = 3;
/** Names that there is room for at first. */
const NAMES = 32;

/** By tag up to DT_SONAME: 1 for those that are looked at. */
const LOOKED_AT: readonly number[] = [1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/** Tags as the words of a 64-bit section's entries are compared: with the high word. */
const TAG_NULL = BigInt(DT_NULL);
const TAG_NEEDED = BigInt(DT_NEEDED);
const TAG_STRTAB = BigInt(DT_STRTAB);
const TAG_SONAME = BigInt(DT_SONAME);

/** What a dynamic section tells about names. One object serves one file after another. */
export class DynamicSection {
  readonly #chunk = new Window(CHUNK_BYTES);
  readonly #words: Uint32Array = this.#chunk.words;
  readonly #pairs: BigUint64Array = this.#chunk.pairs;
  /** Whether there is a DT_STRTAB. */
  hasStrings = false;
  /** Address of the first DT_STRTAB, its low and its high word. */
  stringsLow = 0;
  stringsHigh = 0;
  /**
   * DT_NEEDED and DT_SONAME as they come: tag, low word and high word of the offset in the string table. Only the first
   * DT_SONAME when that is all that is asked for. Valid up to `namesEnd`.
   */
  names: Uint32Array = new Uint32Array(NAMES * NAME_WORDS);
  namesEnd = 0;
  /** Why the section ended: DT_NULL (or all was found), the last page of the file, or this reader's limit. */
  end: "complete" | "outside" | "unreasonable" = "complete";

  /** After `readPlain`: offset of the soname in the string table, -1 without one. */
  soname = -1;
  /** After `readPlain`: the largest offset of any name. */
  largestName = 0;

  /**
   * Reads the section of a 64-bit little-endian library at byte `offset` as far as its soname is concerned, in a fraction of
   * the time that `read` takes: the engine searches the tags. False when something is not as it is in ordinary libraries
   * (no DT_NULL in the first kilobyte, a second soname, names beyond 4 GiB); only `read` knows what to make of it then.
   */
  readPlain(image: Image, offset: number, firstSonameOnly: boolean): boolean {
    if (image.mapped - offset < CHUNK_BYTES) return false;
    this.#chunk.load(image.source, offset, false);
    const words = this.#words;
    const pairs = this.#pairs;
    // Tags are at even places, values at odd ones.
    let end = pairs.indexOf(TAG_NULL);
    while ((end & 1) === 1 && end > 0) end = pairs.indexOf(TAG_NULL, end + 1);
    let strings = pairs.indexOf(TAG_STRTAB);
    while ((strings & 1) === 1 && strings > 0) strings = pairs.indexOf(TAG_STRTAB, strings + 1);
    if (end < 0) return false;
    this.hasStrings = strings >= 0 && strings < end;
    this.stringsLow = words[2 * strings + 2] ?? 0;
    this.stringsHigh = words[2 * strings + 3] ?? 0;
    return firstSonameOnly ? this.#firstSoname(end) : this.#onlySoname(end);
  }

  /** Finds the first soname before entry `end`. */
  #firstSoname(end: number): boolean {
    const pairs = this.#pairs;
    let at = pairs.indexOf(TAG_SONAME);
    while ((at & 1) === 1 && at > 0) at = pairs.indexOf(TAG_SONAME, at + 1);
    const found = at >= 0 && at < end;
    const offset = found ? (this.#words[2 * at + 2] ?? 0) : 0;
    this.soname = found ? offset : -1;
    this.largestName = offset;
    return !found || this.#words[2 * at + 3] === 0;
  }

  /** Finds the soname before entry `end`, and the largest offset of it and the names that are needed. */
  #onlySoname(end: number): boolean {
    const words = this.#words;
    const pairs = this.#pairs;
    let soname = pairs.lastIndexOf(TAG_SONAME, end);
    while ((soname & 1) === 1 && soname > 0) soname = pairs.lastIndexOf(TAG_SONAME, soname - 1);
    let needed = pairs.lastIndexOf(TAG_NEEDED, end);
    while ((needed & 1) === 1 && needed > 0) needed = pairs.lastIndexOf(TAG_NEEDED, needed - 1);
    const last = 2 * (needed > soname ? needed : soname);
    let largest = 0;
    for (let at = 0; at <= last; at += 4) {
      const tag = words[at];
      if (tag !== DT_NEEDED && tag !== DT_SONAME) continue;
      if (words[at + 1] !== 0 || words[at + 3] !== 0) return false;
      if (tag === DT_SONAME && at < 2 * soname) return false;
      const offset = words[at + 2] ?? 0;
      if (offset > largest) largest = offset;
    }
    this.soname = soname < 0 ? -1 : (words[2 * soname + 2] ?? 0);
    this.largestName = largest;
    return true;
  }

  /** Reads the section at byte `offset`. The size that its segment gives is not looked at: DT_NULL is its end. */
  read(image: Image, offset: number, wide: boolean, firstSonameOnly: boolean): void {
    const words = this.#words;
    const stride = wide ? 4 : 2;
    const low = wide && image.bigEndian ? 1 : 0;
    const value = wide ? 2 + low : 1;
    const otherTag = wide ? 1 - low : 0;
    this.hasStrings = false;
    this.namesEnd = 0;
    for (let read = 0; read < DYNAMIC_BYTES; read += CHUNK_BYTES) {
      const left = image.mapped - offset - read;
      const end = (left < CHUNK_BYTES ? left : CHUNK_BYTES) >> 2;
      this.#chunk.load(image.source, offset + read, image.bigEndian);
      for (let at = low; at < end; at += stride) {
        const tag = words[at] ?? 0;
        if (tag > DT_SONAME || LOOKED_AT[tag] === 0) continue;
        const entry = at - low;
        if (wide && words[entry + otherTag] !== 0) continue;
        if (tag === DT_NULL) {
          this.end = "complete";
          return;
        }
        const lowWord = words[entry + value] ?? 0;
        const highWord = wide ? (words[entry + 3 - low] ?? 0) : 0;
        if (tag === DT_STRTAB) {
          if (this.hasStrings) continue;
          this.hasStrings = true;
          this.stringsLow = lowWord;
          this.stringsHigh = highWord;
        } else {
          if (firstSonameOnly && (tag === DT_NEEDED || this.namesEnd > 0)) continue;
          this.#add(tag, lowWord, highWord);
        }
        if (firstSonameOnly && this.hasStrings && this.namesEnd > 0) {
          this.end = "complete";
          return;
        }
      }
      if (left < CHUNK_BYTES) {
        this.end = "outside";
        return;
      }
    }
    this.end = "unreasonable";
  }

  #add(tag: number, lowWord: number, highWord: number): void {
    const at = this.namesEnd;
    if (at === this.names.length) {
      const larger = new Uint32Array(2 * at);
      larger.set(this.names);
      this.names = larger;
    }
    const { names } = this;
    names[at] = tag;
    names[at + 1] = lowWord;
    names[at + 2] = highWord;
    this.namesEnd = at + NAME_WORDS;
  }
}
