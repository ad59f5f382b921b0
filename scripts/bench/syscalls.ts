import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { program } from "../../test/support/debian-root.ts";
import { inFreshCopy } from "./measure.ts";
import type { BenchRoot } from "./roots.ts";
import type { Field, Tool } from "./tools.ts";

/** Calls by the name of the system call. */
export type SyscallCount = ReadonlyMap<string, number>;

/** Counts those of one update-ldcache on a fresh root, with `strace -f -c`, children included; empty where strace is missing. */
export function countSyscalls(root: BenchRoot, field: Field, work: string): ReadonlyMap<Tool["key"], SyscallCount> {
  const counts = new Map<Tool["key"], SyscallCount>();
  if (program("strace") === undefined) return counts;
  const output = join(work, "strace.txt");
  for (const tool of field.tools) {
    const update = tool.steps.find(({ name }) => name === "update-ldcache");
    if (update === undefined) continue;
    inFreshCopy(root, work, (copy, state) => {
      const count = countCalls(update.program(copy), output, readFileSync(state));
      if (count !== undefined) counts.set(tool.key, count);
    });
  }
  return counts;
}

/** Counts the calls of one program, whose table goes to the file `output`; undefined where strace is missing. */
export function countCalls(
  words: readonly string[],
  output: string,
  input = Buffer.alloc(0),
): SyscallCount | undefined {
  const { status } = spawnSync("strace", ["-f", "-c", "-o", output, "--", ...words], { input, env: {} });
  return status === 0 ? parse(readFileSync(output, "utf8")) : undefined;
}

/** Lines of strace's table: `% time  seconds  usecs/call  calls  [errors]  syscall`. */
function parse(table: string): SyscallCount {
  return new Map(
    table.split("\n").flatMap((line) => {
      const [, calls, name] = /^ *[0-9.]+ +[0-9.]+ +[0-9]+ +([0-9]+) +(?:[0-9]+ +)?([a-z0-9_]+)$/u.exec(line) ?? [];
      return calls === undefined || name === undefined || name === "total" ? [] : [[name, Number(calls)] as const];
    }),
  );
}
