import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { executablePath, stateFor } from "./executable.ts";
import { scratchDirectory } from "./scratch.ts";

export interface TraceOptions {
  /** As strace's `-e trace=`. */
  readonly trace: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A directory that is open as descriptors 7, 8 and 9 when the hook starts. */
  readonly leak?: string;
}

/** The system calls of a hook with this root, one line each: `openat(3, "etc", …) = 4`. Throws when it exits with an error. */
export function traceHook(root: string, args: readonly string[], options: TraceOptions): string[] {
  const { trace, cwd, env = {}, leak } = options;
  const output = join(scratchDirectory(), "trace");
  const leaks = leak === undefined ? "" : 'exec 7<"$LEAK" 8<"$LEAK" 9<"$LEAK"; ';
  const clean = [`-o${output}`, "-f", "-qq", "-s4096", "-e", `trace=${trace}`, "-e", "signal=none"];
  const variables = Object.entries(env).flatMap(([name, value]) => ["-E", `${name}=${value}`]);
  const script = `${leaks}exec "$@"`;
  const result = spawnSync(
    "sh",
    ["-c", script, "sh", "strace", ...clean, ...variables, "-ELEAK", "-EPATH", "-EPWD", executablePath, ...args],
    {
      input: stateFor(root),
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LEAK: leak ?? "" },
      ...(cwd === undefined ? {} : { cwd }),
      encoding: "latin1",
    },
  );
  if (result.status !== 0) throw new Error(`strace: ${result.status ?? result.signal}: ${result.stderr}`);
  const lines = readFileSync(output, "latin1").split("\n").slice(0, -1);
  return lines.map((line) => line.replace(/^\d+ +/, "")).filter((line) => !/^(?:\+\+\+|---)/.test(line));
}
