import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { performance } from "node:perf_hooks";

/** The product as it was built: `dist/cdi-hook` of this checkout, or another that CDI_HOOK_EXECUTABLE names. */
export const executablePath: string = resolve(
  process.env["CDI_HOOK_EXECUTABLE"] ?? resolve(import.meta.dirname, "../../dist/cdi-hook"),
);

const defaultTimeout = 60_000;
const largestOutput = 256 * 1024 * 1024;

export interface RunOptions {
  /** What the process reads on stdin; without it, stdin is /dev/null. */
  readonly stdin?: string | Uint8Array | undefined;
  /** The name that the process is called by, `argv[0]`; without it, the path of the executable. */
  readonly argv0?: string;
  /** The whole environment; without it, the process has none. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Milliseconds after which the process is killed with SIGKILL; a minute when not given. */
  readonly timeout?: number;
  /** Another file to run, for instance a copy of the executable under another name. */
  readonly executable?: string;
}

export interface RunResult {
  /** The exit status, or null when a signal ended the process. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
  /** True when the process was killed because its time was over. */
  readonly timedOut: boolean;
  /** Wall-clock time of the whole process in milliseconds. */
  readonly ms: number;
}

/**
 * Runs the executable and waits for its end. Throws when it has not been built, or cannot be started, or prints more than
 * 256 MiB. A process that leaves its stdin unread is no failure.
 */
export function runHook(args: readonly string[], options: RunOptions = {}): RunResult {
  const executable = options.executable ?? executablePath;
  if (!existsSync(executable)) throw new Error(`${executable} does not exist: run "npm run build" first`);
  const start = performance.now();
  const result = spawnSync(executable, args, {
    argv0: options.argv0 ?? executable,
    cwd: options.cwd,
    env: { ...options.env },
    input: options.stdin,
    stdio: [options.stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    timeout: options.timeout ?? defaultTimeout,
    killSignal: "SIGKILL",
    maxBuffer: largestOutput,
  });
  const ms = performance.now() - start;
  const failure = result.error === undefined ? undefined : codeOf(result.error);
  if (result.error !== undefined && failure !== "ETIMEDOUT" && failure !== "EPIPE") throw result.error;
  return {
    status: result.status,
    signal: result.signal,
    stdout: result.stdout,
    stderr: result.stderr.toString(),
    timedOut: failure === "ETIMEDOUT",
    ms,
  };
}

function codeOf(error: Error): string | undefined {
  return "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/**
 * The OCI state that a runtime writes to a hook's stdin, with the `root` that runc and crun add. `extra` replaces or adds
 * members; a member given as undefined is left out.
 */
export function stateFor(rootDirectory: string, extra: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    ociVersion: "1.0.2",
    id: "test",
    status: "creating",
    pid: 1,
    bundle: dirname(rootDirectory),
    root: rootDirectory,
    ...extra,
  });
}
