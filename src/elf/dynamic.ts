/** What the dynamic section of the file at hand tells about names. */
import { DT_NEEDED, DT_NULL, DT_SONAME, DT_STRTAB } from "./constants.ts";
import { bigEndian, mapped, source } from "./image.ts";
import { DYNAMIC_BYTES } from "./limits.ts";
import { Window } from "./window.ts";

/** One read takes in the dynamic sections of ordinary libraries: 64 entries of a 64-bit one. */
const CHUNK_BYTES = 1024;

/** Words per name in `names`. */
export const NAME_WORDS = 3;
/** Names that there is room for at first. */
const NAMES = 32;

/** By tag up to DT_SONAME: 1 for those that are looked at. */
const LOOKED_AT: readonly number[] = [1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/** Tags as whole words of a 64-bit section. */
const TAG_NULL = BigInt(DT_NULL);
const TAG_NEEDED = BigInt(DT_NEEDED);
const TAG_STRTAB = BigInt(DT_STRTAB);
const TAG_SONAME = BigInt(DT_SONAME);

const chunk = new Window(CHUNK_BYTES);
const chunkBytes = chunk.bytes;
const words = chunk.words;
const pairs = chunk.pairs;

/** Whether there is a DT_STRTAB. */
export let hasStrings = false;
/** Address of the first DT_STRTAB, its low and its high word. */
export let stringsLow = 0;
export let stringsHigh = 0;

/**
 * After `readDynamic`: DT_NEEDED and DT_SONAME as they come: tag, low word and high word of the offset in the string table.
 * Only the first DT_SONAME when that is all that is asked for. Valid up to `namesEnd`.
 */
export let names: Uint32Array = new Uint32Array(NAMES * NAME_WORDS);
export let namesEnd = 0;
/** Why the section ended: DT_NULL (or all was found), the last page of the file, or this reader's limit. */
export let ending: "complete" | "outside" | "unreasonable" = "complete";

/** What only `readDynamic` knows what to make of. */
export const UNUSUAL = -2;

/**
 * Reads the section of a 64-bit little-endian library at byte `offset` as far as the string table is concerned, in a fraction
 * of the time that `readDynamic` takes: the engine searches the tags. Answers the pair of words at which it ends; UNUSUAL when
 * the first kilobyte has no DT_NULL, or the file ends there.
 */
export function readPlainDynamic(offset: number): number {
  if (source.readInto(chunkBytes, offset) < CHUNK_BYTES) return UNUSUAL;
  // Tags are at even places, values at odd ones.
  let last = pairs.indexOf(TAG_NULL);
  while (last % 2 === 1) last = pairs.indexOf(TAG_NULL, last + 1);
  if (last < 0) return UNUSUAL;
  let strings = pairs.indexOf(TAG_STRTAB);
  while (strings % 2 === 1) strings = pairs.indexOf(TAG_STRTAB, strings + 1);
  hasStrings = strings >= 0 && strings < last;
  stringsLow = words[2 * strings + 2] ?? 0;
  stringsHigh = words[2 * strings + 3] ?? 0;
  return last;
}

/**
 * After `readPlainDynamic`, which answered `last`: offset of the first soname in the string table, -1 without one; UNUSUAL when
 * it is not below `limit`.
 */
export function firstSoname(last: number, limit: number): number {
  let at = pairs.indexOf(TAG_SONAME);
  while (at % 2 === 1) at = pairs.indexOf(TAG_SONAME, at + 1);
  if (at < 0 || at > last) return -1;
  const offset = words[2 * at + 2] ?? 0;
  return offset < limit && words[2 * at + 3] === 0 ? offset : UNUSUAL;
}

/** The same of the only soname; UNUSUAL also when there are several, or when a name that is needed is not below `limit`. */
export function onlySoname(last: number, limit: number): number {
  let at = pairs.lastIndexOf(TAG_SONAME, last);
  while (at % 2 === 1) at = pairs.lastIndexOf(TAG_SONAME, at - 1);
  let needed = pairs.lastIndexOf(TAG_NEEDED, last);
  while (needed % 2 === 1) needed = pairs.lastIndexOf(TAG_NEEDED, needed - 1);
  if (pairs.indexOf(TAG_SONAME) !== at) return UNUSUAL;
  const end = 2 * (needed > at ? needed : at) + 2;
  // Usually nothing else is among them; if it is, it has to be below the limit as well.
  for (let value = 2; value <= end; value += 4) {
    if ((words[value] ?? 0) >= limit || words[value + 1] !== 0) return UNUSUAL;
  }
  return at < 0 ? -1 : (words[2 * at + 2] ?? 0);
}

/** Reads the section at byte `offset`. The size that its segment gives is not looked at: DT_NULL is its end. */
export function readDynamic(offset: number, wide: boolean, firstSonameOnly: boolean): void {
  const stride = wide ? 4 : 2;
  const low = wide && bigEndian ? 1 : 0;
  const value = wide ? 2 + low : 1;
  const otherTag = wide ? 1 - low : 0;
  hasStrings = false;
  namesEnd = 0;
  for (let read = 0; read < DYNAMIC_BYTES; read += CHUNK_BYTES) {
    const left = mapped() - offset - read;
    const end = (left < CHUNK_BYTES ? left : CHUNK_BYTES) >> 2;
    chunk.load(source, offset + read, bigEndian);
    for (let at = low; at < end; at += stride) {
      const tag = words[at] ?? 0;
      if (tag > DT_SONAME || LOOKED_AT[tag] === 0) continue;
      const entry = at - low;
      if (wide && words[entry + otherTag] !== 0) continue;
      if (tag === DT_NULL) {
        ending = "complete";
        return;
      }
      const lowWord = words[entry + value] ?? 0;
      const highWord = wide ? (words[entry + 3 - low] ?? 0) : 0;
      if (tag === DT_STRTAB) {
        if (hasStrings) continue;
        hasStrings = true;
        stringsLow = lowWord;
        stringsHigh = highWord;
      } else {
        if (firstSonameOnly && (tag === DT_NEEDED || namesEnd > 0)) continue;
        addName(tag, lowWord, highWord);
      }
      if (firstSonameOnly && hasStrings && namesEnd > 0) {
        ending = "complete";
        return;
      }
    }
    if (left < CHUNK_BYTES) {
      ending = "outside";
      return;
    }
  }
  ending = "unreasonable";
}

function addName(tag: number, lowWord: number, highWord: number): void {
  const at = namesEnd;
  if (at === names.length) {
    const larger = new Uint32Array(2 * at);
    larger.set(names);
    names = larger;
  }
  names[at] = tag;
  names[at + 1] = lowWord;
  names[at + 2] = highWord;
  namesEnd = at + NAME_WORDS;
}
