import * as NR from "./syscalls.ts";

const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;

/** `struct timespec`: seconds and nanoseconds, 64 bits each. */
const timespec = new Uint32Array(4);

function milliseconds(clock: number): number {
  syscall(NR.clock_gettime, clock, timespec);
  const seconds = (timespec[1] ?? 0) * 2 ** 32 + (timespec[0] ?? 0);
  return seconds * 1000 + (timespec[2] ?? 0) / 1e6;
}

/** Milliseconds since some moment; never goes back (clock_gettime(2)). */
export function monotonicMilliseconds(): number {
  return milliseconds(CLOCK_MONOTONIC);
}

/** Milliseconds since 1970, on the clock of files' times. */
export function realMilliseconds(): number {
  return milliseconds(CLOCK_REALTIME);
}
