import { DT_SONAME, FLAG_ELF } from "./constants.ts";
import { ending, NAME_WORDS, names, namesEnd } from "./dynamic.ts";
import { mapped, narrow, readName, size, trouble } from "./image.ts";
import type { Skip } from "./skip.ts";
import { exact64, modulo } from "./wide.ts";

/**
 * Where the soname is, without a look at any other name: a file offset, undefined when there is none, "doubtful" when
 * the outcome hangs on the other names (two sonames, a name behind the end of the file). `strings` is the file offset of
 * the string table.
 */
export function sonameOffset(strings: number): number | undefined | "doubtful" {
  if (ending !== "complete") return "doubtful";
  let soname: number | undefined;
  for (let at = 0; at < namesEnd; at += NAME_WORDS) {
    const offset = nameOffset(at, strings);
    if (offset > size || offset >= mapped()) return "doubtful";
    if (names[at] !== DT_SONAME) continue;
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
export function searchNames(
  strings: number,
  base: number,
  libraries: ReadonlyMap<string, number>,
): { readonly soname: number | undefined; readonly base: number } | Skip {
  let known = base;
  let soname: number | undefined;
  for (let at = 0; at < namesEnd; at += NAME_WORDS) {
    const offset = nameOffset(at, strings);
    if (offset > size) return { skip: "truncated" };
    if (names[at] === DT_SONAME) {
      soname = offset;
    } else if (known === FLAG_ELF) {
      const name = readName(offset);
      if (name !== undefined) known = libraries.get(name) ?? known;
      else if (trouble.skip !== "unreasonable") return trouble;
    }
    if (soname !== undefined && known !== FLAG_ELF) return { soname, base: known };
  }
  return ending === "complete" ? { soname, base: known } : { skip: ending };
}

/** Names are pointers of ldconfig, to which even a 32-bit file's offsets are added without a wrap at 2^32. */
function nameOffset(at: number, strings: number): number {
  const low = names[at + 1] ?? 0;
  if (narrow) return (strings + low) % 2 ** 32;
  if (names[at + 2] === 0) return strings + low;
  return modulo(BigInt(strings) + exact64(names, at + 1), 64);
}
