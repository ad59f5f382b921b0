import { textOf } from "../bytes/text.ts";
import { O_CLOEXEC, O_DIRECTORY, O_RDONLY } from "../kernel/constants.ts";
import { close, getdents64, openat, unlinkat } from "../kernel/files.ts";
import { TEMPORARY_PREFIX, isLeftover } from "../kernel/temporary-name.ts";
import { LENGTH, NAME, entryBytes, entryHalves } from "./directory-records.ts";

const FIRST = TEMPORARY_PREFIX.charCodeAt(0);
const SECOND = TEMPORARY_PREFIX.charCodeAt(1);
/** Names that one look at a directory considers: a killed process leaves one, an image could bring any number. */
const MOST = 1000;

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
    for (let at = 0; at < used; at += entryHalves[(at + LENGTH) >> 1] ?? 0) {
      if (entryBytes[at + NAME] !== FIRST || entryBytes[at + NAME + 1] !== SECOND) continue;
      const start = at + NAME;
      const name = textOf(entryBytes, start, entryBytes.indexOf(0, start));
      if (!name.startsWith(TEMPORARY_PREFIX)) continue;
      considered += 1;
      if (isLeftover(name, true)) leftovers.push(name);
    }
  }
  for (const name of leftovers) unlinkat(directory, name);
  close(descriptor);
}
