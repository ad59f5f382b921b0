import { EINTR } from "./errno.ts";
import { NR } from "./syscalls.ts";

const POLLIN = 1;

/**
 * Waits until one of the descriptors can be read, at most so many milliseconds (ppoll(2)). Which of them can be, as
 * indices; none when the time is over or a signal came; -errno.
 */
export function waitReadable(descriptors: readonly number[], milliseconds: number): readonly number[] | number {
  const polled = new Int32Array(descriptors.length * 2); // struct pollfd: descriptor, events and answered events
  for (const [at, fd] of descriptors.entries()) {
    polled[at * 2] = fd;
    polled[at * 2 + 1] = POLLIN;
  }
  const rest = Math.max(0, milliseconds);
  const timeout = new Uint32Array([Math.floor(rest / 1000), 0, Math.floor((rest % 1000) * 1e6), 0]);
  const result = syscall(NR.ppoll, polled, descriptors.length, timeout, 0, 8);
  if (result < 0) return result === -EINTR ? [] : result;
  return descriptors.flatMap((_, at) => ((polled[at * 2 + 1] ?? 0) >> 16 === 0 ? [] : [at]));
}
