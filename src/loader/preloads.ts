/** Which libraries are preloaded: LD_PRELOAD, then /etc/ld.so.preload (ld.so(8)); musl has the first only. */
import { toText } from "../bytes/text.ts";
import type { Root } from "../rootfs/root.ts";
import type { DynamicLinker } from "./dynamic-linker.ts";

const FILE_LIMIT = 1 << 20;
const MOST_NAMES = 256;

/** The names in the order in which they are loaded. `preload`: LD_PRELOAD. */
export function preloadNames(root: Root, { kind, preloadPath }: DynamicLinker, preload: string | undefined): string[] {
  const names = (preload ?? "").split(kind === "musl" ? /[ :\t\n\v\f\r]+/ : /[ :]+/);
  const file = preloadPath === "" ? 0 : root.read(preloadPath, FILE_LIMIT);
  const all = typeof file === "object" ? names.concat(namesInFile(file)) : names;
  return all.filter((name) => name !== "").slice(0, MOST_NAMES);
}

const NEWLINE = 0x0a;
const SPACE = 0x20;
const HASH = 0x23;
/** Space, tab, newline, colon. */
const SEPARATORS: ReadonlySet<number | undefined> = new Set([SPACE, 0x09, NEWLINE, 0x3a]);

/**
 * The words of the file (glibc's elf/rtld.c, dl_main). It is a string of C but for a word at its very end, which is read for
 * itself. Changes the bytes.
 */
function namesInFile(bytes: Uint8Array): string[] {
  blankComments(bytes);
  let end = bytes.length;
  while (end > 0 && !SEPARATORS.has(bytes[end - 1])) end -= 1;
  const string = toText(bytes, 0, end).split("\0", 1)[0] ?? "";
  return [...string.split(/[: \t\n]+/), ...toText(bytes, end, bytes.length).split("\0", 1)];
}

/**
 * Comments become spaces, but not all: each takes what is in front of its end from the bytes that are looked at, which are
 * still counted from the start of the file. A comment further back stays, and its words are names.
 */
function blankComments(bytes: Uint8Array): void {
  let rest = bytes.length;
  for (let at = bytes.indexOf(HASH); at >= 0 && at < rest; at = bytes.indexOf(HASH, at)) {
    rest -= at;
    const newline = bytes.indexOf(NEWLINE, at);
    const length = newline < 0 ? rest : Math.min(newline - at, rest);
    bytes.fill(SPACE, at, at + length);
    rest -= length;
  }
}
