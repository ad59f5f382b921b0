import { EINTR } from "./errno.ts";
import * as NR from "./syscalls.ts";

export const POLLIN = 1;
export const POLLOUT = 4;

/** A descriptor and what is waited for: POLLIN, POLLOUT. */
export type Awaited = readonly [fd: number, events: number];

/**
 * Waits until something can be done with one of the descriptors, or for so many milliseconds. What poll(2) says of each,
 * 0 for nothing, as it is for all when the time is over or a signal came; -errno for a failure.
 */
export function poll(list: readonly Awaited[], milliseconds: number): readonly number[] | number {
  const words = new Int32Array(2 * list.length); // struct pollfd: descriptor, events and answered events
  list.forEach(([fd, events], at) => words.set([fd, events], 2 * at));
  const rest = Math.max(0, milliseconds);
  const time = Uint32Array.of(rest / 1000, 0, (rest % 1000) * 1e6, 0); // struct timespec
  const result = syscall(NR.ppoll, words, list.length, time, 0, 8);
  if (result < 0 && result !== -EINTR) return result;
  return list.map((_, at) => (result <= 0 ? 0 : (words[2 * at + 1] ?? 0) >>> 16));
}
