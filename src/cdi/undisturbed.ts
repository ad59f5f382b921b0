import type { Guard } from "../host/exchange.ts";
import { pause } from "../host/wait.ts";
import { withoutWriters } from "../host/writers.ts";

/** How often a spec is looked at again that somebody else writes, and the milliseconds in between. */
const attempts = 4;
const between = 100;

/**
 * Does something to a spec that nobody else writes, with the guard by which it is to be replaced: what another process puts
 * in its place meanwhile is not lost. `work` answers undefined when the guard held no longer, and is done again then;
 * undefined when somebody kept writing. Where there is no such file, it has no guard.
 */
export function undisturbed<T>(path: string, work: (guard: Guard | undefined) => T | undefined): T | undefined {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    if (attempt > 1) pause(between);
    let result: T | undefined;
    const found = withoutWriters(path, (guard) => {
      result = work(guard);
    });
    if (found === "absent") return work(undefined);
    if (result !== undefined) return result;
  }
  return undefined;
}
