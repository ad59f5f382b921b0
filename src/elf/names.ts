import { DT_SONAME, FLAG_ELF } from "./constants.ts";
import { NAME_WORDS, type DynamicSection } from "./dynamic.ts";
import type { Image } from "./image.ts";
import type { Skip } from "./skip.ts";
import { addWords } from "./wide.ts";

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
 * FLAG_ELF when nothing is.
 */
export function readNames(
  image: Image,
  dynamic: DynamicSection,
  strings: number,
  base: number,
  libraries: ReadonlyMap<string, number>,
): { readonly soname: string | undefined; readonly base: number } | Skip {
  let known = base;
  let soname: number | undefined;
  for (let at = 0; at < dynamic.namesEnd; at += NAME_WORDS) {
    const offset = nameOffset(dynamic.names, at, strings, image.narrow);
    if (offset > image.size) return { skip: "truncated" };
    if (dynamic.names[at] === DT_SONAME) {
      soname = offset;
    } else if (known === FLAG_ELF) {
      const name = image.name(offset);
      if (typeof name === "string") known = libraries.get(name) ?? known;
      else if (name.skip !== "unreasonable") return name;
    }
    if (soname !== undefined && known !== FLAG_ELF) return finish(image, soname, known);
  }
  return dynamic.end === "complete" ? finish(image, soname, known) : { skip: dynamic.end };
}

function finish(
  image: Image,
  soname: number | undefined,
  base: number,
): { readonly soname: string | undefined; readonly base: number } | Skip {
  if (soname === undefined) return { soname, base };
  const name = image.name(soname);
  return typeof name === "string" ? { soname: name, base } : name;
}

/** Names are pointers of ldconfig, to which even a 32-bit file's offsets are added without a wrap at 2^32. */
function nameOffset(names: Uint32Array, at: number, strings: number, narrow: boolean): number {
  const low = names[at + 1] ?? 0;
  const high = names[at + 2] ?? 0;
  if (!narrow && high === 0) return strings + low;
  return addWords(strings >>> 0, Math.floor(strings / 2 ** 32), low, high, !narrow);
}
