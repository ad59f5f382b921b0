import { O_CLOEXEC, O_NONBLOCK } from "./constants.ts";
import { EAGAIN } from "./errno.ts";
import { read } from "./files.ts";
import * as NR from "./syscalls.ts";

export const SIGHUP = 1;
export const SIGINT = 2;
export const SIGTERM = 15;
export const SIGIO = 29;

const SIG_BLOCK = 0;
/** Size of the kernel's sigset_t. */
const SET_SIZE = 8;
/** Size of `struct signalfd_siginfo`, which begins with the signal's number. */
const INFO_WORDS = 32;

function setOf(signals: readonly number[]): Uint32Array {
  const set = new Uint32Array(2);
  for (const signal of signals) set[(signal - 1) >> 5] = (set[(signal - 1) >> 5] ?? 0) | (1 << ((signal - 1) & 31));
  return set;
}

/** Keeps these signals from being delivered (rt_sigprocmask(2)): they wait until they are read. 0 or -errno. */
export function blockSignals(signals: readonly number[]): number {
  return syscall(NR.rt_sigprocmask, SIG_BLOCK, setOf(signals), 0, SET_SIZE);
}

/** A descriptor from which these signals, once blocked, are read instead of being delivered (signalfd(2)); -errno. */
export function signalDescriptor(signals: readonly number[]): number {
  return syscall(NR.signalfd4, -1, setOf(signals), SET_SIZE, O_NONBLOCK | O_CLOEXEC);
}

/** The number of a signal that has come to such a descriptor; 0 when none has; -errno. */
export function readSignal(descriptor: number): number {
  const info = new Uint32Array(INFO_WORDS);
  const result = read(descriptor, new Uint8Array(info.buffer));
  if (result < 0) return result === -EAGAIN ? 0 : result;
  return info[0] ?? 0;
}
