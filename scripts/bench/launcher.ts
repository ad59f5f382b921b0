import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** What one process took, children and their children included. */
export interface Cost {
  milliseconds: number;
  /** Milliseconds of processor time. */
  processor: number;
  /** KiB. */
  peak: number;
}

/** Runs a program with a file as its standard input. Throws when it does not exit with 0. */
export type Launch = (stdin: string, program: readonly string[]) => Cost;

/** Compiles launch.c into `directory`: starting a process from Node would cost more than the processes measured. */
export function makeLauncher(sourceDirectory: string, directory: string): Launch {
  const launcher = join(directory, "launch");
  execFileSync("gcc", ["-O2", "-static", "-o", launcher, join(sourceDirectory, "launch.c")]);
  return (stdin, program) => {
    const words = execFileSync(launcher, [stdin, ...program], { encoding: "utf8" })
      .trim()
      .split(" ")
      .map(Number);
    const [nanoseconds = 0, microseconds = 0, peak = 0, status = 0] = words;
    if (status !== 0) throw new Error(`${program.join(" ")} ends with ${status}`);
    return { milliseconds: nanoseconds / 1e6, processor: microseconds / 1e3, peak };
  };
}
