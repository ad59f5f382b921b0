import { DT_NEEDED, DT_NULL, DT_SONAME, DT_STRTAB } from "./constants.ts";
import type { Image } from "./image.ts";
import { DYNAMIC_BYTES } from "./limits.ts";
import { Window } from "./window.ts";

/** One read takes in the dynamic sections of ordinary libraries: 64 entries of a 64-bit one. */
const CHUNK_BYTES = 1024;

const chunk = new Window(CHUNK_BYTES);

/** By tag up to DT_SONAME: which entries are looked at further. */
const LOOKED_AT: readonly boolean[] = Array.from({ length: DT_SONAME + 1 }, (_, tag) =>
  [DT_NULL, DT_NEEDED, DT_STRTAB, DT_SONAME].includes(tag),
);

/** What a dynamic section tells about names. */
export interface Dynamic {
  /** Address of the first DT_STRTAB as low and high word; empty when there is none. */
  readonly stringTable: readonly number[];
  /**
   * DT_NEEDED and DT_SONAME as they come: tag, low word and high word of the offset in the string table. Only the first
   * DT_SONAME when that is all that is asked for.
   */
  readonly names: readonly number[];
  /** Why the section ended: DT_NULL (or all was found), the last page of the file, or this reader's limit. */
  readonly end: "complete" | "outside" | "unreasonable";
}

/** Reads the dynamic section at byte `offset`. The size that its segment gives is not looked at: DT_NULL is its end. */
export function readDynamic(image: Image, offset: number, wide: boolean, firstSonameOnly: boolean): Dynamic {
  const { words } = chunk;
  const stride = wide ? 4 : 2;
  const low = wide ? image.low : 0;
  const value = wide ? 2 + low : 1;
  const otherTag = wide ? 1 - low : 0;
  const stringTable: number[] = [];
  const names: number[] = [];
  for (let read = 0; read < DYNAMIC_BYTES; read += CHUNK_BYTES) {
    const left = image.mapped - offset - read;
    const end = (left < CHUNK_BYTES ? left : CHUNK_BYTES) >> 2;
    chunk.load(image.source, offset + read, image.bigEndian);
    for (let at = low; at < end; at += stride) {
      const tag = words[at] ?? -1;
      if (LOOKED_AT[tag] !== true || (firstSonameOnly && tag === DT_NEEDED)) continue;
      const entry = at - low;
      if (wide && words[entry + otherTag] !== 0) continue;
      if (tag === DT_NULL) return { stringTable, names, end: "complete" };
      const target = tag === DT_STRTAB ? stringTable : names;
      if (target.length > 0 && (firstSonameOnly || tag === DT_STRTAB)) continue;
      if (target === names) names.push(tag);
      target.push(words[entry + value] ?? 0, wide ? (words[entry + 3 - low] ?? 0) : 0);
      if (firstSonameOnly && names.length > 0 && stringTable.length > 0) return { stringTable, names, end: "complete" };
    }
    if (left < CHUNK_BYTES) return { stringTable, names, end: "outside" };
  }
  return { stringTable, names, end: "unreasonable" };
}
