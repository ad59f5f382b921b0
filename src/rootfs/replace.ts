/**
 * Replacing a file or a link in a directory so that every reader finds the old one or the new one, whole: made under a
 * temporary name beside it, then renamed over it. What stood there is never opened, so a link there is replaced, not
 * followed, and its owner and mode do not matter: the new file is the caller's, as with ldconfig and `ln -f -s`.
 */

import { O_CLOEXEC, O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } from "../kernel/constants.ts";
import { ENOENT } from "../kernel/errno.ts";
import { close, fchmod, fsync, openat, renameWithin, symlinkat, unlinkat, writeAll } from "../kernel/files.ts";
import { temporaryName } from "../kernel/temporary-name.ts";

/** How often a temporary file that somebody removed is made again. */
const ATTEMPTS = 8;

/** Makes `name` by `make`, which gets a temporary name and makes a file of that name; 0 or -errno. */
function throughTemporary(directory: number, name: string, make: (temporary: string) => number): number {
  for (let attempt = 1; ; attempt++) {
    const temporary = temporaryName();
    if (typeof temporary === "number") return temporary;
    let result = make(temporary);
    if (result === 0) result = renameWithin(directory, temporary, name);
    if (result === 0) return 0;
    unlinkat(directory, temporary);
    if (result !== -ENOENT || attempt === ATTEMPTS) return result;
  }
}

/**
 * Replaces the file `name` in `directory`. `mode` is set whatever the umask says. With `durable` the bytes are on the
 * disk before the name is changed (fsync). 0 or -errno.
 */
export function replaceFileIn(
  directory: number,
  name: string,
  bytes: Uint8Array,
  mode: number,
  durable: boolean,
): number {
  return throughTemporary(directory, name, (temporary) => {
    const descriptor = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600);
    if (descriptor < 0) return descriptor;
    let result = writeAll(descriptor, bytes);
    if (result === 0) result = fchmod(descriptor, mode);
    if (result === 0 && durable) result = fsync(descriptor);
    const closed = close(descriptor);
    return result === 0 ? closed : result;
  });
}

/** Replaces whatever `name` is in `directory`, a directory excepted, by a link to `target`; 0 or -errno. */
export function replaceLinkIn(directory: number, name: string, target: string): number {
  return throughTemporary(directory, name, (temporary) => symlinkat(target, directory, temporary));
}
