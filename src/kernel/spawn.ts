/**
 * Starting programs. Only host/program.ts imports this. Each wrapper answers with a number >= 0, or with -errno.
 *
 * `fork` makes a copy of the whole process, interpreter included, in which the same TypeScript goes on: that is safe as
 * the process has one thread, so nothing is locked or half-changed in the copy. The copy ends in `execve` or `exit`.
 */

import { writeText } from "../bytes/text.ts";
import { O_CLOEXEC } from "./constants.ts";
import { E2BIG, EINTR, EIO } from "./errno.ts";
import { close, restarted, write } from "./files.ts";
import * as NR from "./syscalls.ts";

export const SIGKILL = 9;

const SIGCHLD = 17;
const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const F_SETFD = 2;
const WNOHANG = 1;
const PR_SET_PDEATHSIG = 1;
const RLIMIT_FSIZE = 1;
/** What a pipe takes at once on every kernel. */
const PIPE_BUF = 4096;
/** Bytes of all words and pointers at most: what the kernel takes under the widest limit of the stack (execve(2)). */
const LONGEST_VECTORS = 6 << 20;

/** fork(2): 0 in the copy, its process id in the original. */
export function fork(): number {
  return syscall(NR.clone, SIGCHLD, 0, 0, 0, 0);
}

/** A program's words and environment, laid out in memory as execve(2) wants them. */
export interface Vectors {
  /** Addresses. */
  readonly words: number;
  readonly environment: number;
  /** Where the memory begins, and its bytes. */
  readonly base: number;
  readonly length: number;
}

/**
 * Lays out byte strings without NUL. Pointers need addresses, which typed arrays do not tell; so the memory is a mapping
 * of its own, whose address the kernel tells, and it is filled by reading from a pipe. All of it is known here: what is
 * read into the mapping is as long as the mapping.
 */
export function layOutVectors(words: readonly string[], environment: readonly string[]): Vectors | number {
  const pointers = 8 * (words.length + environment.length + 2);
  const text = [...words, ...environment, ""].join("\0");
  const length = pointers + text.length + 1;
  if (length > LONGEST_VECTORS) return -E2BIG;
  const base = syscall(NR.mmap, 0, length, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
  if (base < 0) return base;
  const bytes = new Uint8Array(length);
  const table = new Uint32Array(bytes.buffer, 0, pointers / 4); // the hosts are little-endian
  let at = base + pointers;
  let slot = 0;
  for (const list of [words, environment]) {
    for (const word of list) {
      table.set([at, at / 2 ** 32], slot);
      slot += 2;
      at += word.length + 1;
    }
    slot += 2; // the NULL behind the last
  }
  writeText(text, bytes, pointers);
  const result = fill(base, bytes);
  if (result < 0) {
    syscall(NR.munmap, base, length);
    return result;
  }
  return { words: base, environment: base + 8 * (words.length + 1), base, length };
}

function fill(address: number, bytes: Uint8Array): number {
  const ends = pipe();
  if (typeof ends === "number") return ends;
  let result = 0;
  for (let at = 0; at < bytes.length && result >= 0; at += PIPE_BUF) {
    const piece = bytes.subarray(at, at + PIPE_BUF);
    result = write(ends.input, piece);
    if (result >= 0) result = restarted(() => syscall(NR.read, ends.output, address + at, piece.length));
    if (result >= 0 && result !== piece.length) result = -EIO;
  }
  close(ends.input);
  close(ends.output);
  return Math.min(result, 0);
}

export function releaseVectors(vectors: Vectors): void {
  syscall(NR.munmap, vectors.base, vectors.length);
}

/** execve(2): comes back only with -errno. */
export function execve(path: string, vectors: Vectors): number {
  return syscall(NR.execve, path, vectors.words, vectors.environment);
}

/** A pipe whose ends are closed on execve: what is written to `input` comes out of `output`. */
export interface Pipe {
  readonly output: number;
  readonly input: number;
}

export function pipe(): Pipe | number {
  const ends = new Int32Array(2);
  const result = syscall(NR.pipe2, ends, O_CLOEXEC);
  return result < 0 ? result : { output: ends[0] ?? -1, input: ends[1] ?? -1 };
}

/** `to` becomes the same open file as `from`, and stays open in the next program (dup3(2)). */
export function duplicate(from: number, to: number): number {
  return restarted(() => (from === to ? syscall(NR.fcntl, to, F_SETFD, 0) : syscall(NR.dup3, from, to, 0)));
}

/** How a process ended. */
export interface Ended {
  /** Exit status; -1 when a signal ended it. */
  readonly status: number;
  /** The signal's number; 0 when it exited by itself. */
  readonly signal: number;
}

/** wait4(2) for one child, which is waited for when `block` says so; undefined while it runs. */
export function wait(pid: number, block: boolean): Ended | number | undefined {
  const status = new Int32Array(1);
  const call = (): number => syscall(NR.wait4, pid, status, block ? 0 : WNOHANG, 0);
  let result = call();
  while (result === -EINTR) result = call();
  if (result <= 0) return result < 0 ? result : undefined;
  const word = status[0] ?? 0;
  const signal = word & 0x7f;
  return signal === 0 ? { status: (word >> 8) & 0xff, signal } : { status: -1, signal };
}

/** Sends SIGKILL to a process that leads a group of its own, and to all of the group. */
export function killGroup(pid: number): void {
  syscall(NR.kill, -pid, SIGKILL);
  syscall(NR.kill, pid, SIGKILL);
}

/** In a copy of the process: leads a group of its own, and ends when the original ends. */
export function standAlone(): void {
  syscall(NR.setpgid, 0, 0);
  syscall(NR.prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

/** Sets the bytes that a file may grow to by our writes (RLIMIT_FSIZE); SIGXFSZ is what comes of more. */
export function limitFileSize(bytes: number): number {
  const limit = Uint32Array.of(bytes, bytes / 2 ** 32, bytes, bytes / 2 ** 32); // soft and hard
  return syscall(NR.prlimit64, 0, RLIMIT_FSIZE, limit, 0);
}
