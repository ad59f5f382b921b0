/**
 * Temporary names: `.cdi-hook-PID-RANDOM`, beside what is replaced. A process that is killed between making one and renaming
 * it leaves it behind; the process' id tells it from that of a living one. No CDI reader takes such a file for a spec, as its
 * name ends in neither `.json` nor `.yaml`.
 */

import { getpid, getrandom, processExists } from "./process.ts";

export const TEMPORARY_PREFIX = ".cdi-hook-";
const NAME = /^\.cdi-hook-(\d{1,10})-[0-9a-f]{16}$/;

const random = new Uint8Array(8);
const numbers = new Uint16Array(random.buffer);

/** A name that nobody can foresee; -errno when the kernel has no random numbers. */
export function temporaryName(): string | number {
  const result = getrandom(random);
  if (result < 0) return result;
  let digits = "";
  for (let at = 0; at < numbers.length; at += 1) digits += (0x10000 + (numbers[at] ?? 0)).toString(16).slice(1);
  return `${TEMPORARY_PREFIX}${getpid()}-${digits}`;
}

/** Whether `name` is a temporary name whose process is gone; `ownIsGone` says whether one with our own id is an earlier one's. */
export function isLeftover(name: string, ownIsGone: boolean): boolean {
  const pid = Number(NAME.exec(name)?.[1] ?? 0);
  if (pid === getpid()) return ownIsGone;
  return pid > 0 && !processExists(pid);
}
