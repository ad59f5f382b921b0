import { DT_SONAME, FLAG_ELF } from "./constants.ts";
import { NAME_WORDS, type DynamicSection } from "./dynamic.ts";
import type { Image } from "./image.ts";
import type { Skip } from "./skip.ts";
import { exact64 } from "./wide.ts";

/**
 * Where the soname is, without a look at any other name: a file offset, undefined when there is none, "doubtful" when
 * the outcome hangs on the other names (two sonames, a name behind the end of the file). `strings` is the file offset of
 * the string table.
 */
export function sonameOffset(image: Image, dynamic: DynamicSection, strings: number): number | undefined | "doubtful" {
  if (dynamic.end !== "complete") return "doubtful";
  let soname: number | undefined;
  for (let at = 0; at < dynamic.namesEnd; at += NAME_WORDS) {
    const offset = nameOffset(dynamic.names, at, strings, image.narrow);
    if (offset > image.size || offset >= image.mapped) return "doubtful";
    if (dynamic.names[at] !== DT_SONAME) continue;
    if (soname !== undefined) return "doubtful";
    soname = offset;
  }
  return soname;
}

/**
 * Goes through DT_NEEDED and DT_SONAME as ldconfig does: the C library is what the first known DT_NEEDED of `libraries`
 * says, the last soname counts, and the search is over as soon as both are known. `base` is what is known beforehand,
 * FLAG_ELF when nothing is. Answers the file offset of the soname, undefined without one.
 */
export function readNames(
  image: Image,
  dynamic: DynamicSection,
  strings: number,
  base: number,
  libraries: ReadonlyMap<string, number>,
): { readonly soname: number | undefined; readonly base: number } | Skip {
  let known = base;
  let soname: number | undefined;
  for (let at = 0; at < dynamic.namesEnd; at += NAME_WORDS) {
    const offset = nameOffset(dynamic.names, at, strings, image.narrow);
    if (offset > image.size) return { skip: "truncated" };
    if (dynamic.names[at] === DT_SONAME) {
      soname = offset;
    } else if (known === FLAG_ELF) {
      const name = image.name(offset);
      if (name !== undefined) known = libraries.get(name) ?? known;
      else if (image.trouble.skip !== "unreasonable") return image.trouble;
    }
    if (soname !== undefined && known !== FLAG_ELF) return { soname, base: known };
  }
  return dynamic.end === "complete" ? { soname, base: known } : { skip: dynamic.end };
}

/** Names are pointers of ldconfig, to which even a 32-bit file's offsets are added without a wrap at 2^32. */
function nameOffset(names: Uint32Array, at: number, strings: number, narrow: boolean): number {
  const low = names[at + 1] ?? 0;
  if (narrow) return (strings + low) % 2 ** 32;
  if (names[at + 2] === 0) return strings + low;
  return Number(BigInt.asUintN(64, BigInt(strings) + exact64(names, at + 1)));
}
