import { textOf } from "../bytes/text.ts";
import { O_CLOEXEC, O_DIRECTORY, O_RDONLY } from "../kernel/constants.ts";
import { close, getdents64, openat, unlinkat } from "../kernel/files.ts";
import { TEMPORARY_PREFIX, isLeftover } from "../kernel/temporary-name.ts";
import { NAME, entryBytes } from "./directory-records.ts";

/** Names that one look at a directory considers: a killed process leaves one, an image could bring any number. */
const MOST = 1000;

const DOT = 0x2e;
/**
 * `cdi-`, what follows the dot of a temporary name, as one word: a record begins at a multiple of 8, and the name 19 bytes
 * into it, so what follows its first byte is a word of the buffer. The engine looks through a listing for a word by itself.
 */
const AFTER_DOT = 0x2d_69_64_63;
const entryWords = new Int32Array(entryBytes.buffer);

/**
 * Removes what killed processes left in `directory` (any descriptor of it), or at least some of it when that is much. A name
 * with our own id is an earlier process' too: this is called before we make any in that directory. A process of another
 * pid namespace may be taken for gone; it notices at its rename and starts again.
 */
export function removeLeftovers(directory: number): void {
  const descriptor = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  const leftovers: string[] = [];
  let considered = 0;
  for (let used = 1; used > 0 && considered < MOST;) {
    used = getdents64(descriptor, entryBytes);
    const listed = entryWords.subarray(0, Math.max(used, 0) >> 2);
    for (let word = listed.indexOf(AFTER_DOT); word >= 0; word = listed.indexOf(AFTER_DOT, word + 1)) {
      const start = 4 * word - 1;
      if (start < NAME || entryBytes[start] !== DOT) continue;
      const name = textOf(entryBytes, start, entryBytes.indexOf(0, start));
      if (!name.startsWith(TEMPORARY_PREFIX)) continue;
      considered += 1;
      if (isLeftover(name, true)) leftovers.push(name);
    }
  }
  for (const name of leftovers) unlinkat(directory, name);
  close(descriptor);
}
