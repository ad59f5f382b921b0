import { NR } from "./syscalls.ts";

const CLOCK_MONOTONIC = 1;

/** Milliseconds since some moment; never goes back (clock_gettime(2)). */
export function monotonicMilliseconds(): number {
  const time = new Uint32Array(4); // struct timespec: 64-bit seconds and nanoseconds
  syscall(NR.clock_gettime, CLOCK_MONOTONIC, time);
  return (time[0] ?? 0) * 1000 + (time[2] ?? 0) / 1e6;
}
