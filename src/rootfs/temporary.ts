/**
 * Temporary names: `.cdi-hook-PID-RANDOM`, beside what is replaced. A process that is killed between making one and
 * renaming it leaves it behind; whoever next replaces something in that directory removes it, and tells it from the one
 * of a living process by the process' id.
 */

import { toText } from "../bytes/text.ts";
import { O_CLOEXEC, O_DIRECTORY, O_RDONLY } from "../kernel/constants.ts";
import { close, getdents64, openat, unlinkat } from "../kernel/files.ts";
import { getpid, getrandom, processExists } from "../kernel/process.ts";

const PREFIX = ".cdi-hook-";
const NAME = /^\.cdi-hook-(\d{1,10})-[0-9a-f]{16}$/;
const ENTRIES_BYTES = 64 << 10;
/** Names that one look at a directory considers: a killed process leaves one, an image could bring any number. */
const MOST = 1000;

/** A name that nobody can foresee; -errno when the kernel has no random numbers. */
export function temporaryName(): string | number {
  const random = new Uint8Array(8);
  const result = getrandom(random);
  if (result < 0) return result;
  let digits = "";
  for (const byte of random) digits += (byte + 0x100).toString(16).slice(1);
  return `${PREFIX}${getpid()}-${digits}`;
}

/**
 * Whether `name` is a temporary name whose process is gone. One with our own id is an earlier process' too: this is
 * asked before we make any in that directory. A process of another pid namespace may be taken for gone; it notices at
 * its rename and starts again.
 */
function isLeftover(name: string): boolean {
  const pid = Number(NAME.exec(name)?.[1] ?? 0);
  return pid > 0 && (pid === getpid() || !processExists(pid));
}

/** Removes what killed processes left in `directory` (any descriptor of it), or at least some of it when that is much. */
export function removeLeftovers(directory: number): void {
  const descriptor = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  const bytes = new Uint8Array(ENTRIES_BYTES);
  const leftovers: string[] = [];
  let considered = 0;
  for (let used = 1; used > 0 && considered < MOST;) {
    used = getdents64(descriptor, bytes);
    const text = toText(bytes, 0, Math.max(used, 0));
    for (let at = text.indexOf(PREFIX); at >= 0; at = text.indexOf(PREFIX, at + 1)) {
      const name = text.slice(at, text.indexOf("\0", at));
      considered += 1;
      if (isLeftover(name)) leftovers.push(name);
    }
  }
  for (const name of leftovers) unlinkat(directory, name);
  close(descriptor);
}
