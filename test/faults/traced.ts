import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { program } from "../support/debian-root.ts";
import { executablePath, stateFor } from "../support/executable.ts";
import type { Call } from "./small-root.ts";

/** Why no system call can be made to fail here, or undefined when it can. */
export function whyNoStrace(): string | undefined {
  if (program("strace") === undefined) return "needs strace";
  const tried = spawnSync("strace", [
    "-f",
    "--seccomp-bpf",
    "-qq",
    "-o",
    "/dev/null",
    "-e",
    "inject=close:error=EIO:when=99",
    "/bin/true",
  ]);
  return tried.status === 0 ? undefined : "strace cannot trace here (ptrace is forbidden)";
}

/** One system call of a run. */
export interface Traced {
  readonly name: string;
  /** Which of the calls of this name it is, counted from 1 as strace does. */
  readonly occurrence: number;
  /** Whether it changes the root, or a file that will be in it. */
  readonly writes: boolean;
}

const writing = new Set([
  "write",
  "fchmod",
  "fsync",
  "renameat2",
  "symlinkat",
  "unlinkat",
  "mkdirat",
  "getrandom",
  "fstatfs",
]);

/** Runs a call undisturbed and lists its system calls from the first `read` of its input on. */
export function systemCalls(call: Call, root: string): Traced[] {
  const output = `${root}.strace`;
  const result = traced(call, root, ["-o", output]);
  if (result.status !== 0) throw new Error(`${call.name}: ${result.stderr}`);
  const counts = new Map<string, number>();
  const written = new Set<string>();
  const list: Traced[] = [];
  for (const line of readFileSync(output, "latin1").split("\n")) {
    const [, name = "", rest = ""] = /^(?:\d+ +)?([a-z_0-9]+)\((.*)$/.exec(line) ?? [];
    if (name === "") continue;
    const occurrence = (counts.get(name) ?? 0) + 1;
    counts.set(name, occurrence);
    if (name === "execve" || name === "exit_group") continue;
    const creates = name === "openat" && rest.includes("O_CREAT");
    const descriptor = /^\d+/.exec(rest)?.[0] ?? "";
    if (creates) written.add(/= (?<fd>\d+)$/.exec(line)?.groups?.["fd"] ?? "");
    const closes = name === "close" && written.delete(descriptor);
    const standard = name === "write" && Number(descriptor) <= 2;
    list.push({ name, occurrence, writes: creates || closes || (writing.has(name) && !standard) });
  }
  rmSync(output);
  return list;
}

export interface TracedResult {
  readonly status: number | null;
  readonly signal: string | null;
  /** Lines on stderr. */
  readonly lines: readonly string[];
  readonly stderr: string;
}

/**
 * Runs a call with one system call changed; `injection` is strace's expression behind `inject=`, for instance
 * `write:error=ENOSPC:when=2`. strace ends as the traced process did.
 */
export function runInjected(call: Call, root: string, injection: string): TracedResult {
  const [name = "", effect = ""] = injection.split(":");
  // With a filter only these calls stop for strace; a signal is not delivered then.
  const filter = effect.startsWith("signal=") ? [] : ["--seccomp-bpf"];
  return traced(call, root, [...filter, "-o", "/dev/null", "-e", `trace=${name}`, "-e", `inject=${injection}`]);
}

function traced(call: Call, root: string, options: readonly string[]): TracedResult {
  const done = spawnSync("strace", ["-f", "-qq", ...options, executablePath, ...call.argumentsFor(root)], {
    env: {},
    input: stateFor(root),
    encoding: "utf8",
    timeout: 20_000,
    killSignal: "SIGKILL",
  });
  // One that is killed early leaves its input unread.
  if (done.error !== undefined && !done.error.message.endsWith("EPIPE")) throw done.error;
  const lines = done.stderr.split("\n").filter((line) => line !== "");
  return { status: done.status, signal: done.signal, lines, stderr: done.stderr };
}
