import { AT_SYMLINK_NOFOLLOW } from "../kernel/constants.ts";
import { EINVAL, ESTALE } from "../kernel/errno.ts";
import { renameWithin, statx, unlinkat } from "../kernel/files.ts";
import { exchangeWithin } from "../kernel/seldom.ts";
import { Stat } from "../kernel/stat.ts";

/** Knows a file whose bytes were read. */
export interface Guard {
  /** Whether that name is this file, its bytes are still those that were read, and nobody is about to write into it. */
  holds(directory: number, name: string): boolean;
}

/** How often a name may get another file while one is given back. */
const ATTEMPTS = 16;

const stat = new Stat();

function identityOf(directory: number, name: string): number {
  return statx(directory, name, AT_SYMLINK_NOFOLLOW, stat) < 0 ? Number.NaN : stat.identity;
}

/**
 * Puts `temporary`, a file of ours, in the place of the file `name` that `guard` knows. 0 when that is done; -ESTALE when
 * `name` is another file by now, or has other bytes, and so stays as it is; -errno. `temporary` may be left where this is
 * not 0.
 *
 * A plain rename would throw away what another process puts there between our look and the rename. So the two change
 * places, and what came out is looked at: when it is not what was read, it is given back by changing places again.
 */
export function exchangeGuarded(directory: number, temporary: string, name: string, guard: Guard): number {
  if (!guard.holds(directory, name)) return -ESTALE;
  const ours = identityOf(directory, temporary);
  const result = exchangeWithin(directory, temporary, name);
  if (result === -EINVAL) return renameWithin(directory, temporary, name);
  if (result < 0) return result;
  if (guard.holds(directory, temporary)) return unlinkat(directory, temporary);
  giveBack(directory, temporary, name, ours);
  return -ESTALE;
}

/**
 * Gives what is under the temporary name its place back, in which `last` was put. What comes out is that again, and can
 * go. If it is not, somebody has put a newer file there in the meantime: that one is given back in turn.
 */
function giveBack(directory: number, temporary: string, name: string, last: number): void {
  let put = last;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const held = identityOf(directory, temporary);
    if (exchangeWithin(directory, temporary, name) < 0) break; // the name is gone, as somebody wanted it
    if (identityOf(directory, temporary) === put) break;
    put = held;
  }
  unlinkat(directory, temporary);
}
