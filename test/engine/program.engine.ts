/** Starting programs: on the engine only, as a process with threads, which Node is, must not fork. */
import { describe, expect, onTestFinished, test } from "vitest";
import { becomeProgram, findProgram, ownEnvironment, runProgram, type ProgramResult } from "../../src/host/program.ts";
import { HookError } from "../../src/errors.ts";
import { AT_FDCWD, O_CLOEXEC, O_CREAT, O_RDONLY, O_RDWR } from "../../src/kernel/constants.ts";
import { monotonicMilliseconds } from "../../src/kernel/clock.ts";
import { close, openat } from "../../src/kernel/files.ts";
import { exit, getpid, ignoreSignalsOfWrites, processExists } from "../../src/kernel/process.ts";
import { fork, pipe, wait } from "../../src/kernel/spawn.ts";
import { scratchDescriptor } from "../support/kernel-scratch.ts";

const SIGPIPE = 13;
const SIGKILL = 9;
const SIGXFSZ = 25;

function shell(script: string, options: Partial<Parameters<typeof runProgram>[2]> = {}): ProgramResult {
  return runProgram("/bin/sh", ["-c", script], { timeoutSeconds: 20, ...options });
}

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return error instanceof HookError ? `${error.code} ${error.errno} ${error.message}` : String(error);
  }
  return "nothing";
}

function closeAtEnd(fd: number): void {
  onTestFinished(() => {
    close(fd);
  });
}

/** Opens the root directory until the descriptor has a number that a program would not reach by itself. */
function descriptorBeyond(number: number): number {
  for (;;) {
    const fd = openat(AT_FDCWD, "/", O_RDONLY | O_CLOEXEC);
    closeAtEnd(fd);
    if (fd > number) return fd;
  }
}

/** Descriptors of this process that are open. */
function openDescriptors(): number {
  return runProgram("/bin/ls", [`/proc/${getpid()}/fd`], { timeoutSeconds: 20 }).stdout.split("\n").length;
}

describe("runProgram", () => {
  test("tells status and output", () => {
    expect(shell("echo out; echo err >&2; exit 3")).toEqual({
      status: 3,
      signal: 0,
      stdout: "out\n",
      stderr: "err\n",
    });
  });

  test("tells the signal", () => {
    expect(shell("kill -9 $$")).toEqual({ status: -1, signal: SIGKILL, stdout: "", stderr: "" });
  });

  test("passes words as they are, bytes that are no UTF-8 and empty ones included", () => {
    const words = ["", "\xff\xe9\x01", "a b", "'", "", "x".repeat(100_000)];
    const { stdout } = runProgram("/usr/bin/printf", ["[%s]", ...words], { timeoutSeconds: 20 });
    expect(stdout).toBe(words.map((word) => `[${word}]`).join(""));
  });

  test("passes no variable but those given", () => {
    expect(runProgram("/usr/bin/env", [], { timeoutSeconds: 20 }).stdout).toBe("");
    const environment = ["A=1", "B=\xff", "EMPTY="];
    expect(runProgram("/usr/bin/env", [], { environment, timeoutSeconds: 20 }).stdout).toBe("A=1\nB=\xff\nEMPTY=\n");
  });

  test("passes none of our descriptors", () => {
    const far = descriptorBeyond(100);
    const list = runProgram("/bin/ls", ["/proc/self/fd"], { timeoutSeconds: 20 }).stdout.split("\n");
    expect(list.slice(0, 3)).toEqual(["0", "1", "2"]);
    expect(list.includes(String(far))).toBe(false);
  });

  test("keeps none of its own", () => {
    shell("true");
    const before = openDescriptors();
    for (let round = 0; round < 5; round += 1) shell("true");
    codeOf(() => runProgram("/nowhere", [], { timeoutSeconds: 20 }));
    expect(openDescriptors()).toBe(before);
  });

  test("feeds standard input, more than a pipe holds, while it reads", () => {
    const bytes = new Uint8Array(300_000).fill(0x61);
    const { stdout } = runProgram("/bin/cat", [], { stdin: bytes, timeoutSeconds: 60 });
    expect(stdout === "a".repeat(300_000)).toBe(true);
    expect(shell("cat").stdout).toBe("");
  });

  test("does not mind one that reads nothing", () => {
    ignoreSignalsOfWrites();
    expect(shell("exit 4", { stdin: new Uint8Array(300_000) }).status).toBe(4);
  });

  test("takes descriptors for input and output", () => {
    const directory = scratchDescriptor();
    const file = openat(directory, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0o600);
    closeAtEnd(file);
    expect(shell("printf 'some text'", { stdout: file }).stdout).toBe("");
    const again = openat(directory, "file", O_RDONLY | O_CLOEXEC);
    closeAtEnd(again);
    expect(shell("cat", { stdin: again }).stdout).toBe("some text");
  });

  test("a program may be killed by its writes, though we ignore these signals", () => {
    ignoreSignalsOfWrites();
    expect(shell("kill -PIPE $$; echo ignored")).toEqual({ status: -1, signal: SIGPIPE, stdout: "", stderr: "" });
  });

  test("files do not grow beyond the limit", () => {
    const file = openat(scratchDescriptor(), "file", O_RDWR | O_CREAT | O_CLOEXEC, 0o600);
    closeAtEnd(file);
    const { signal } = runProgram("/bin/cat", ["/dev/zero"], {
      stdout: file,
      fileSizeLimit: 2 ** 20,
      timeoutSeconds: 60,
    });
    expect(signal).toBe(SIGXFSZ);
  });

  test("who waits for one is told that it runs", () => {
    let ticks = 0;
    const tick = (): void => {
      ticks += 1;
    };
    shell("sleep 0.5", { tick });
    expect(ticks).toBeGreaterThan(3);
    shell("exec >&- 2>&-; sleep 0.2", { tick });
    expect(ticks).toBeGreaterThan(8);
  });

  test("one that takes too long is killed, with what it started", () => {
    const started = monotonicMilliseconds();
    const message = codeOf(() => shell("sleep 600 & echo $!; wait", { timeoutSeconds: 0.3 }));
    expect(message).toBe("program 0 run /bin/sh: killed after 0.3 s");
    expect(codeOf(() => shell("exec >&- 2>&-; sleep 600", { timeoutSeconds: 0.3 }))).toBe(message);
    expect(codeOf(() => shell("sleep 600 & exit 0", { timeoutSeconds: 0.3 }))).toBe(message);
    expect(monotonicMilliseconds() - started).toBeLessThan(60_000);
  });

  test("one that writes too much is killed", () => {
    const limit = { outputLimit: 100_000 };
    expect(codeOf(() => shell("while :; do echo yes; done", limit))).toBe(
      "limit 0 run /bin/sh: it writes more than 100000 bytes",
    );
    expect(codeOf(() => shell("while :; do echo yes >&2; done", limit))).toMatch(/^limit /);
  });

  test("one that cannot be started is told by its reason", () => {
    expect(codeOf(() => runProgram("/nowhere", [], { timeoutSeconds: 20 }))).toBe(
      "program 2 start /nowhere: no such file or directory (ENOENT)",
    );
    expect(codeOf(() => runProgram("/etc/passwd", [], { timeoutSeconds: 20 }))).toMatch(/^program 13 .*EACCES/);
    expect(codeOf(() => runProgram("/bin/true", ["x".repeat(3 << 20)], { timeoutSeconds: 20 }))).toMatch(/E2BIG/);
    expect(codeOf(() => runProgram("/bin/true", ["x".repeat(200_000)], { timeoutSeconds: 20 }))).toMatch(/E2BIG/);
  });
});

test("a program is found in the folders given, in their order, whatever PATH says", () => {
  expect(findProgram("sh", ["/nowhere", "/bin"])).toBe("/bin/sh");
  expect(findProgram("sh")).toMatch(/^\/(?:usr\/)?bin\/sh$/);
  expect(findProgram("no-such-program")).toBeUndefined();
});

test("our own environment is known", () => {
  expect(ownEnvironment()).toContain("ENGINE_TEST=\xc3\xbc");
});

describe("becomeProgram", () => {
  /** What a copy of this process that becomes the program writes to standard output, and how it ends. */
  function become(path: string, words: readonly string[]): unknown {
    const ends = pipe();
    if (typeof ends === "number") throw new Error(`pipe: ${ends}`);
    ignoreSignalsOfWrites();
    const pid = fork();
    if (pid === 0) {
      try {
        becomeProgram(path, words, ["A=b"]);
      } finally {
        exit(99);
      }
    }
    close(ends.input);
    close(ends.output);
    return wait(pid, true);
  }

  test("goes on as the program", () => {
    expect(become("/bin/sh", ["another name", "-c", 'test "$0$A" = "another nameb" && exit 7'])).toEqual({
      status: 7,
      signal: 0,
    });
  });

  test("signals of writes are heeded again", () => {
    expect(become("/bin/sh", ["sh", "-c", "kill -PIPE $$; exit 1"])).toEqual({ status: -1, signal: SIGPIPE });
  });

  test("comes back when there is none", () => {
    expect(become("/nowhere", ["nowhere"])).toEqual({ status: 99, signal: 0 });
  });
});

test("a program ends with the one that started it", () => {
  const ends = pipe();
  if (typeof ends === "number") throw new Error(`pipe: ${ends}`);
  const directory = scratchDescriptor();
  const pid = fork();
  if (pid === 0) {
    const file = openat(directory, "pid", O_RDWR | O_CREAT | O_CLOEXEC, 0o600);
    codeOf(() => shell("echo $$; exec sleep 600", { stdout: file, timeoutSeconds: 600 }));
    exit(0);
  }
  const read = (): string => {
    const file = openat(directory, "pid", O_RDONLY | O_CLOEXEC);
    if (file < 0) return "";
    const { stdout } = runProgram("/bin/cat", [], { stdin: file, timeoutSeconds: 20 });
    close(file);
    return stdout.trim();
  };
  const deadline = monotonicMilliseconds() + 20_000;
  while (read() === "" && monotonicMilliseconds() < deadline);
  const child = Number(read());
  expect(processExists(child)).toBe(true);
  runProgram("/bin/kill", ["-9", String(pid)], { timeoutSeconds: 20 });
  wait(pid, true);
  // A zombie until pid 1 takes it: what counts is that it does not sleep.
  const state = (): string => shell(`cat /proc/${child}/stat 2>&1`).stdout;
  while (/\) S /.test(state()) && monotonicMilliseconds() < deadline);
  expect(/\) S /.test(state())).toBe(false);
  close(ends.input);
  close(ends.output);
});
