import { toText } from "../bytes/text.ts";
import { O_CLOEXEC, O_DIRECTORY, O_RDONLY } from "../kernel/constants.ts";
import { close, getdents64, openat, unlinkat } from "../kernel/files.ts";
import { TEMPORARY_PREFIX, isLeftover } from "../kernel/temporary-name.ts";

const ENTRIES_BYTES = 64 << 10;
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
  const bytes = new Uint8Array(ENTRIES_BYTES);
  const leftovers: string[] = [];
  let considered = 0;
  for (let used = 1; used > 0 && considered < MOST;) {
    used = getdents64(descriptor, bytes);
    const text = toText(bytes, 0, Math.max(used, 0));
    for (let at = text.indexOf(TEMPORARY_PREFIX); at >= 0; at = text.indexOf(TEMPORARY_PREFIX, at + 1)) {
      const name = text.slice(at, text.indexOf("\0", at));
      considered += 1;
      if (isLeftover(name, true)) leftovers.push(name);
    }
  }
  for (const name of leftovers) unlinkat(directory, name);
  close(descriptor);
}
