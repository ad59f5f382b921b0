import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { program } from "../../test/support/debian-root.ts";
import { inFreshCopy } from "./measure.ts";
import type { BenchRoot } from "./roots.ts";
import type { Field, Tool } from "./tools.ts";

/** Calls by the name of the system call, of one update-ldcache on a fresh root. */
export type SyscallCount = ReadonlyMap<string, number>;

/** Counts with `strace -f -c`, children included; empty where strace is missing. */
export function countSyscalls(root: BenchRoot, field: Field, work: string): ReadonlyMap<Tool["key"], SyscallCount> {
  const counts = new Map<Tool["key"], SyscallCount>();
  if (program("strace") === undefined) return counts;
  const output = join(work, "strace.txt");
  for (const tool of field.tools) {
    const update = tool.steps.find(({ name }) => name === "update-ldcache");
    if (update === undefined) continue;
    inFreshCopy(root, work, (copy, state) => {
      const input = readFileSync(state);
      spawnSync("strace", ["-f", "-c", "-o", output, "--", ...update.program(copy)], { input, env: {} });
    });
    counts.set(tool.key, parse(readFileSync(output, "utf8")));
  }
  return counts;
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
