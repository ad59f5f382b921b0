import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { program } from "../support/debian-root.ts";
import { executablePath } from "../support/executable.ts";
import { compareListings, listTree, type Listing } from "../support/tree-listing.ts";

/** What a run may cost. */
const mostSeconds = 1;
const mostMegabytes = 64;
/** Lines that a run may print on stderr, which ends a flood of warnings at 64; `--debug` may print more. */
const mostLines = 80;

/** Why nothing can be jailed here, or undefined when it can. */
export function whyNoJail(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root (chroot)";
  return program("gcc") === undefined ? "needs gcc" : undefined;
}

export interface JailedRun {
  readonly argv0?: string;
  readonly stdin?: string | Uint8Array;
}

export interface JailedResult {
  /** The exit status; undefined when a signal ended the process. */
  readonly status: number | undefined;
  readonly signal: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** Peak resident set in MB. */
  readonly megabytes: number;
  /** Processor time in seconds. */
  readonly seconds: number;
}

/**
 * A directory that is the whole file system of what runs in it: the executable, and `/root`, the container's root. So
 * whatever path a wild input names, the machine is out of reach, and all that is changed outside of `/root` can be seen.
 */
export class Jail {
  readonly path: string;
  /** The container's root, as a path of this machine. */
  readonly root: string;
  readonly #launcher: string;
  #manyLauncher: string | undefined;
  #outside: Listing = new Map();

  constructor() {
    this.path = mkdtempSync(join(tmpdir(), "cdi-hook-fuzz-"));
    this.root = join(this.path, "jail/root");
    this.#launcher = join(this.path, "launch");
    mkdirSync(this.root, { recursive: true });
    mkdirSync(join(this.path, "jail/bundle"));
    mkdirSync(join(this.path, "jail/tmp"));
    copyFileSync(executablePath, join(this.path, "jail/cdi-hook"));
    chmodSync(join(this.path, "jail/cdi-hook"), 0o755);
    compile("launch.c", this.#launcher);
    this.lookOutside();
  }

  /** Notes what is outside of the root now; a run that changes it is at fault. */
  lookOutside(): void {
    this.#outside = listTree(join(this.path, "jail"), { without: ["/root"], identity: true });
  }

  /** An empty root. */
  clear(): void {
    rmSync(this.root, { recursive: true, force: true });
    mkdirSync(this.root);
  }

  run(args: readonly string[], { argv0 = "cdi-hook", stdin = stateInJail }: JailedRun = {}): JailedResult {
    const done = spawnSync(this.#launcher, [join(this.path, "jail"), "/cdi-hook", argv0, ...args], {
      input: stdin,
      stdio: ["pipe", "pipe", "pipe", "pipe"],
      timeout: 60_000,
      killSignal: "SIGKILL",
      maxBuffer: 256 << 20,
    });
    const failure = done.error === undefined ? undefined : String(done.error);
    if (failure !== undefined && !failure.includes("EPIPE")) throw new Error(`${failure}: ${args.join(" ")}`);
    const [status = -1, kilobytes = 0, microseconds = 0] = String(done.output[3]).split(" ").map(Number);
    const [stdout, stderr] = [done.stdout.toString("latin1"), done.stderr.toString("latin1")];
    return resultOf(status, kilobytes, microseconds, stdout, stderr);
  }

  /**
   * Runs the executable once for each list of arguments, in a fraction of the time that as many calls of `run` take. What
   * was printed on stdout is only counted: it is as long as it was.
   */
  runMany(commands: readonly (readonly string[])[]): JailedResult[] {
    if (this.#manyLauncher === undefined) {
      this.#manyLauncher = join(this.path, "launch-many");
      compile("launch-many.c", this.#manyLauncher);
    }
    const file = join(this.path, "results");
    const { status, stderr } = spawnSync(this.#manyLauncher, [join(this.path, "jail"), "/cdi-hook", "cdi-hook", file], {
      input: commands.map((words) => `${words.join("\t")}\n`).join(""),
    });
    if (status !== 0) throw new Error(`launch-many ends with ${status}: ${stderr.toString()}`);
    const text = readFileSync(file, "latin1");
    const results: JailedResult[] = [];
    for (let at = 0; at < text.length;) {
      const end = text.indexOf("\n", at);
      const [waited = -1, kilobytes = 0, microseconds = 0, printed = 0, told = 0] = text
        .slice(at, end)
        .split(" ")
        .map(Number);
      const shown = Math.min(told, 256 << 10);
      results.push(
        resultOf(waited, kilobytes, microseconds, ".".repeat(printed), text.slice(end + 1, end + 1 + shown)),
      );
      at = end + 2 + shown;
    }
    return results;
  }

  /** What no run may do, whatever it was given: one line for each thing that this one did. */
  faultsOf(result: JailedResult, lines = mostLines): string[] {
    return [...this.ownFaultsOf(result, lines), ...this.faultsOutside()];
  }

  /** What was changed outside of the root. */
  faultsOutside(): string[] {
    const now = listTree(join(this.path, "jail"), { without: ["/root"], identity: true });
    return compareListings(this.#outside, now).map((line) => `outside of the root: ${line}`);
  }

  /** As `faultsOf`, without a look at what is outside of the root. */
  ownFaultsOf(result: JailedResult, lines = mostLines): string[] {
    const faults: string[] = [];
    if (result.status !== 0 && result.status !== 1)
      faults.push(`ended by signal ${result.signal} or status ${result.status}`);
    if (/internal error|undefined|\[object|NaN/.test(result.stderr))
      faults.push(`a defect is shown: ${result.stderr.slice(0, 500)}`);
    // A command that answers on stdout may answer that there is nothing.
    if (result.status === 1 && result.stderr === "" && result.stdout === "") faults.push("failed without a line");
    if (result.seconds > mostSeconds) faults.push(`took ${result.seconds} s of processor time`);
    if (result.megabytes > mostMegabytes) faults.push(`took ${result.megabytes} MB`);
    if (result.stderr.split("\n").length > lines) faults.push(`printed ${result.stderr.split("\n").length} lines`);
    // oxlint-disable-next-line no-control-regex -- control bytes are what must not be there
    if (/[\x00-\x09\x0b-\x1f\x7f]/.test(result.stderr))
      faults.push(`raw control bytes: ${JSON.stringify(result.stderr.slice(0, 500))}`);
    return faults;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

function compile(source: string, into: string): void {
  const path = join(import.meta.dirname, source);
  const made = spawnSync("gcc", ["-O1", "-w", "-o", into, path], { encoding: "utf8" });
  if (made.status !== 0) throw new Error(made.stderr);
}

function resultOf(
  waited: number,
  kilobytes: number,
  microseconds: number,
  stdout: string,
  stderr: string,
): JailedResult {
  const signal = waited & 0x7f;
  return {
    status: signal === 0 ? (waited >> 8) & 0xff : undefined,
    signal: signal === 0 ? undefined : signal,
    stdout,
    stderr,
    megabytes: kilobytes / 1024,
    seconds: microseconds / 1e6,
  };
}

/** The state of the container whose root is the jail's `/root`. */
export const stateInJail: string = JSON.stringify({
  ociVersion: "1.0.2",
  id: "x",
  status: "creating",
  pid: 1,
  bundle: "/bundle",
  root: "/root",
});
