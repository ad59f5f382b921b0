import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { onTestFinished } from "vitest";
import { executablePath } from "./executable.ts";

/** Waits until something is so; throws with what `describe` says when it is not within that many milliseconds. */
export async function until(
  condition: () => boolean,
  describe: () => string = () => "",
  milliseconds = 60_000,
): Promise<number> {
  const start = performance.now();
  while (!condition()) {
    if (performance.now() - start > milliseconds) throw new Error(`not within ${milliseconds} ms: ${describe()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return performance.now() - start;
}

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A running `cdi-hook cdi watch`, or another process that says on stderr when it is ready. */
export class Watcher {
  readonly process: ChildProcess;
  stderr = "";

  private constructor(process: ChildProcess) {
    this.process = process;
    process.stderr?.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
  }

  /** Starts it, after the words of `before` if there are any, and waits until it has looked at all specs once. */
  static async start(args: readonly string[], before: readonly string[] = []): Promise<Watcher> {
    const [file = "", ...words] = [...before, executablePath, "--debug", "cdi", "watch", ...args];
    const watcher = new Watcher(spawn(file, words, { stdio: ["ignore", "ignore", "pipe"], env: {} }));
    onTestFinished(() => void watcher.process.kill("SIGKILL"));
    await until(
      () => watcher.stderr.includes(": watching ") || watcher.process.exitCode !== null,
      () => watcher.stderr,
    );
    return watcher;
  }

  /** How often that is in what was read so far of what it said: all of it after `end`. */
  said(words: string): number {
    return this.stderr.split(words).length - 1;
  }

  /** Its resident memory in KiB, without the pages of the executable, which come and go. */
  residentMemory(): number {
    const status = readFileSync(`/proc/${this.process.pid}/status`, "utf8");
    return Number(/^RssAnon:\s*(\d+) kB/m.exec(status)?.[1]);
  }

  /** What its open descriptors lead to, sorted. */
  descriptors(): readonly string[] {
    const folder = `/proc/${this.process.pid}/fd`;
    return readdirSync(folder)
      .flatMap((fd) => {
        try {
          return [readlinkSync(`${folder}/${fd}`)];
        } catch {
          return []; // closed in the meantime
        }
      })
      .sort();
  }

  /** Ends it by a signal and reads what it said; its exit status, or the signal's name when that killed it. */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<number | string | null> {
    const closed = once(this.process, "close");
    this.process.kill(signal);
    await closed;
    return this.process.exitCode ?? this.process.signalCode;
  }
}
