/**
 * Programs of the machine: found in its usual folders, started with what they need and no more, bounded in time and
 * output. Nothing of a container is ever started, and no hook has this file in it.
 */

import { toText } from "../bytes/text.ts";
import { HookError } from "../errors.ts";
import { monotonicMilliseconds } from "../kernel/clock.ts";
import { EINTR, describeErrno } from "../kernel/errno.ts";
import { close, read, write } from "../kernel/files.ts";
import { POLLIN, POLLOUT, poll, type Awaited } from "../kernel/poll.ts";
import { exit, heedSignalsOfWrites, ignoreSignalsOfWrites, restoreInherited } from "../kernel/process.ts";
import {
  duplicate,
  execve,
  fork,
  killGroup,
  layOutVectors,
  limitFileSize,
  pipe,
  releaseVectors,
  standAlone,
  wait,
  type Ended,
  type Pipe,
  type Vectors,
} from "../kernel/spawn.ts";
import { hostHas, readHostFile } from "./file.ts";

/** Where the programs of a machine are; NixOS has its own place. PATH, which anyone may have set, is not asked. */
export const programFolders: readonly string[] = [
  "/usr/local/sbin",
  "/usr/local/bin",
  "/usr/sbin",
  "/usr/bin",
  "/sbin",
  "/bin",
  "/run/current-system/sw/bin",
];

/** Bytes of standard output or standard error that are kept unless more is asked for. */
const usualOutputLimit = 1 << 20;
/** Bytes at a time; the first is what a pipe takes without blocking when poll(2) says that it takes anything. */
const writeSize = 4096;
const readSize = 64 << 10;
/** Milliseconds between two looks at a program that has closed its output and goes on. */
const pause = 5;
const tickPause = 100;
const environmentLimit = 4 << 20;

export interface ProgramOptions {
  /** `NAME=value` each; none by default. */
  readonly environment?: readonly string[];
  /** Bytes, or a descriptor that the program reads from; nothing by default. */
  readonly stdin?: Uint8Array | number;
  /** A descriptor that takes standard output instead of the result's `stdout`. */
  readonly stdout?: number;
  /** The program and what it started is killed after this time. */
  readonly timeoutSeconds: number;
  /** Bytes of `stdout` and of `stderr` at most; 1 MiB by default. Beyond it the program is killed. */
  readonly outputLimit?: number;
  /** How many bytes the files that it writes may grow to: SIGXFSZ (25) ends it beyond. */
  readonly fileSizeLimit?: number;
  /** Called again and again while it runs, every tenth of a second or more often. */
  readonly tick?: (() => void) | undefined;
}

export interface ProgramResult extends Ended {
  /** Byte strings. */
  readonly stdout: string;
  readonly stderr: string;
}

/** The path of the program `name` in the first of the folders that has it; undefined when none has. */
export function findProgram(name: string, folders: readonly string[] = programFolders): string | undefined {
  return folders.map((folder) => `${folder}/${name}`).find((path) => hostHas(path));
}

/** The process' own environment as it was at its start, `NAME=value` each. Throws HookError `program` without /proc. */
export function ownEnvironment(): readonly string[] {
  const text = readHostFile("/proc/self/environ", "program", environmentLimit);
  return text.split("\0").filter((variable) => variable !== "");
}

/**
 * Ends this program and goes on as another one: same process id, descriptors (ours are closed on execve, those that we
 * were started with stay), working directory, umask, signals that our caller ignores. `words[0]` is the name that it sees.
 * Comes back only by HookError `program`.
 */
export function becomeProgram(path: string, words: readonly string[], environment: readonly string[]): never {
  const vectors = vectorsOf(path, words, environment);
  restoreInherited();
  const result = execve(path, vectors);
  ignoreSignalsOfWrites();
  releaseVectors(vectors);
  throw new HookError("program", "start", path, describeErrno(result), { errno: -result });
}

/**
 * Runs a program to its end. It gets `path` as its name, `words` as arguments, no descriptor of ours, and no variable but
 * those given. How it ended is for the caller to judge. Throws HookError `program` when it cannot be started or takes too
 * long, `limit` when it writes too much.
 */
export function runProgram(path: string, words: readonly string[], options: ProgramOptions): ProgramResult {
  const vectors = vectorsOf(path, [path, ...words], options.environment ?? []);
  try {
    using running = new Running(path, vectors, options);
    return running.finish();
  } finally {
    releaseVectors(vectors);
  }
}

function vectorsOf(path: string, words: readonly string[], environment: readonly string[]): Vectors {
  const vectors = layOutVectors(words, environment);
  if (typeof vectors === "number") throw new HookError("program", "start", path, describeErrno(vectors));
  return vectors;
}

/** A copy of this process on its way to be another program, then that program. */
class Running implements Disposable {
  readonly #path: string;
  readonly #options: ProgramOptions;
  readonly #open = new Set<number>();
  #pid = 0;
  readonly #stdin: Pipe;
  readonly #stdout: Pipe;
  readonly #stderr: Pipe;
  /** Tells of an execve that failed: closed by one that does not. */
  readonly #news: Pipe;

  constructor(path: string, vectors: Vectors, options: ProgramOptions) {
    this.#path = path;
    this.#options = options;
    try {
      [this.#stdin, this.#stdout, this.#stderr, this.#news] = [this.#pipe(), this.#pipe(), this.#pipe(), this.#pipe()];
      const pid = fork();
      if (pid < 0) throw this.#failure(pid);
      if (pid === 0) this.#become(vectors);
      this.#pid = pid;
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
    for (const fd of [this.#stdin.output, this.#stdout.input, this.#stderr.input, this.#news.input]) this.#close(fd);
    if (!(options.stdin instanceof Uint8Array)) this.#close(this.#stdin.input);
  }

  #pipe(): Pipe {
    const ends = pipe();
    if (typeof ends === "number") throw this.#failure(ends);
    this.#open.add(ends.output).add(ends.input);
    return ends;
  }

  #close(fd: number): void {
    if (this.#open.delete(fd)) close(fd);
  }

  #failure(result: number): HookError {
    return new HookError("program", "start", this.#path, describeErrno(result), { errno: -result });
  }

  /** In the copy. Whatever happens, it leaves here. */
  #become(vectors: Vectors): never {
    let result = -EINTR;
    try {
      standAlone();
      heedSignalsOfWrites();
      const { stdin, stdout, fileSizeLimit } = this.#options;
      const sources = [typeof stdin === "number" ? stdin : this.#stdin.output, stdout ?? this.#stdout.input];
      result = [...sources, this.#stderr.input].reduce(
        (worst, from, to) => (worst < 0 ? worst : duplicate(from, to)),
        fileSizeLimit === undefined ? 0 : limitFileSize(fileSizeLimit),
      );
      if (result >= 0) result = execve(this.#path, vectors);
    } finally {
      write(this.#news.input, Uint8Array.of(-result));
      exit(127);
    }
  }

  /** Feeds it, reads it, waits for it. */
  finish(): ProgramResult {
    const deadline = monotonicMilliseconds() + 1000 * this.#options.timeoutSeconds;
    const news = new Uint8Array(1);
    if (read(this.#news.output, news) === 1) throw this.#failure(-(news[0] ?? 0));
    const [out, errors] = [new Output(this.#stdout.output), new Output(this.#stderr.output)];
    let input = this.#options.stdin instanceof Uint8Array ? this.#options.stdin : new Uint8Array(0);
    if (input.length === 0) this.#close(this.#stdin.input);
    for (;;) {
      const awaited: Awaited[] = [out, errors].filter(({ fd }) => this.#open.has(fd)).map(({ fd }) => [fd, POLLIN]);
      if (awaited.length === 0) break;
      if (this.#open.has(this.#stdin.input)) awaited.push([this.#stdin.input, POLLOUT]);
      const ready = poll(awaited, this.#left(deadline, tickPause));
      if (typeof ready === "number") throw this.#failure(ready);
      ready.forEach((events, at) => {
        const fd = awaited[at]?.[0] ?? -1;
        if (events === 0) return;
        if (fd === this.#stdin.input) {
          const written = write(fd, input.subarray(0, writeSize));
          input = input.subarray(Math.max(written, 0));
          if (written < 0 || input.length === 0) this.#close(fd); // one that reads no further is its own affair
        } else if (!(fd === out.fd ? out : errors).take()) this.#close(fd);
      });
      const limit = this.#options.outputLimit ?? usualOutputLimit;
      if (Math.max(out.length, errors.length) > limit) {
        throw new HookError("limit", "run", this.#path, `it writes more than ${limit} bytes`);
      }
    }
    this.#close(this.#stdin.input);
    return { ...this.#wait(deadline), stdout: out.text, stderr: errors.text };
  }

  /** Milliseconds to wait, at most `longest`; throws HookError `program` behind the deadline. */
  #left(deadline: number, longest: number): number {
    this.#options.tick?.();
    const left = deadline - monotonicMilliseconds();
    if (left > 0) return Math.min(left, longest);
    throw new HookError("program", "run", this.#path, `killed after ${this.#options.timeoutSeconds} s`);
  }

  #wait(deadline: number): Ended {
    for (;;) {
      const ended = wait(this.#pid, false);
      if (typeof ended === "number") throw this.#failure(ended);
      if (ended !== undefined) {
        this.#pid = 0;
        return ended;
      }
      poll([], this.#left(deadline, pause));
    }
  }

  /** Nothing of it goes on, and no zombie stays. */
  [Symbol.dispose](): void {
    for (const fd of this.#open) close(fd);
    this.#open.clear();
    if (this.#pid === 0) return;
    killGroup(this.#pid);
    wait(this.#pid, true);
    this.#pid = 0;
  }
}

/** What comes out of a pipe. */
class Output {
  readonly fd: number;
  text = "";
  readonly #buffer = new Uint8Array(readSize);

  constructor(fd: number) {
    this.fd = fd;
  }

  get length(): number {
    return this.text.length;
  }

  /** Whether there was something. */
  take(): boolean {
    const length = read(this.fd, this.#buffer);
    if (length > 0) this.text += toText(this.#buffer, 0, length);
    return length > 0;
  }
}
