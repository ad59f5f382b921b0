import { EBADF } from "./errno.ts";
import { openat, restarted } from "./files.ts";
import { AT_FDCWD, O_CLOEXEC, O_PATH } from "./constants.ts";
import * as NR from "./syscalls.ts";

const F_GETFD = 1;
const SIGPIPE = 13;
const SIGXFSZ = 25;
const SIG_DFL = 0;
const SIG_IGN = 1;

/** Ends the process. */
export function exit(status: number): never {
  syscall(NR.exit_group, status);
  throw new Error("exit_group came back");
}

/** The process' id, in its own pid namespace. */
export function getpid(): number {
  return syscall(NR.getpid);
}

/** Whether a process of that id can be seen from our pid namespace. */
export function processExists(pid: number): boolean {
  const ESRCH = 3;
  return syscall(NR.kill, pid, 0) !== -ESRCH;
}

/** Sets the file mode creation mask (umask(2)). */
export function umask(mask: number): void {
  const before = syscall(NR.umask, mask);
  inheritedMask ??= before;
}

/** The mask that our caller had set, where it has been changed. */
let inheritedMask: number | undefined;

/** Fills `bytes`, at most 256 of them, with random bytes (getrandom(2)); 0 or -errno. */
export function getrandom(bytes: Uint8Array): number {
  return Math.min(
    restarted(() => syscall(NR.getrandom, bytes, bytes.length, 0)),
    0,
  );
}

/**
 * Puts something harmless on each of the descriptors 0, 1 and 2 that the caller left closed, so that no file which we
 * open later becomes our standard error. An O_PATH descriptor needs no device: reading or writing it gives EBADF. A program
 * that this process becomes finds them closed again.
 */
export function occupyStandardDescriptors(): void {
  for (let fd = 0; fd <= 2; fd++) {
    if (syscall(NR.fcntl, fd, F_GETFD) === -EBADF) openat(AT_FDCWD, "/", O_PATH | O_CLOEXEC);
  }
}

/**
 * A reader that is gone (SIGPIPE), or a file that would grow beyond the process' limit (SIGXFSZ), must not kill us in the
 * middle of a change: writes give EPIPE and EFBIG instead.
 */
export function ignoreSignalsOfWrites(): void {
  const action = actionOf(SIG_IGN);
  const before = new Uint32Array(ACTION_WORDS);
  const ignored = SIGNALS_OF_WRITES.filter((signal) => {
    syscall(NR.rt_sigaction, signal, action, before, 8);
    return before[0] === SIG_IGN && before[1] === 0;
  });
  ignoredByCaller ??= ignored;
}

/** Undoes that, for a program that is to be started: what is ignored stays so through execve(2). */
export function heedSignalsOfWrites(): void {
  for (const signal of SIGNALS_OF_WRITES) syscall(NR.rt_sigaction, signal, actionOf(SIG_DFL), 0, 8);
}

/**
 * For a program that is to be as if it had been started instead of us: these signals and the file mode creation mask are as
 * our caller had set them, once it is executed.
 */
export function restoreInherited(): void {
  for (const signal of SIGNALS_OF_WRITES) {
    if (ignoredByCaller?.includes(signal) !== true) syscall(NR.rt_sigaction, signal, actionOf(SIG_DFL), 0, 8);
  }
  if (inheritedMask !== undefined) syscall(NR.umask, inheritedMask);
}

const SIGNALS_OF_WRITES = [SIGPIPE, SIGXFSZ];
/** struct kernel_sigaction: handler, flags, restorer (x86-64), mask. */
const ACTION_WORDS = 8;

/** Those of them that our caller ignores already: nothing else survives execve(2). */
let ignoredByCaller: readonly number[] | undefined;

function actionOf(handler: number): Uint32Array {
  const action = new Uint32Array(ACTION_WORDS);
  action[0] = handler;
  return action;
}
