import { HookError } from "../errors.ts";
import { isNoexec } from "../host/host-facts.ts";
import { runProgram } from "../host/program.ts";

/** Seconds; it takes milliseconds. */
const longestStart = 20;

/**
 * Starts an executable of ours as a runtime starts a hook whose spec has no usable environment: with none at all, and
 * the given words. Answers with what it printed. Throws HookError `program` when it does not start, or fails.
 */
export function startOurs(path: string, words: readonly string[]): string {
  try {
    const { status, signal, stdout, stderr } = runProgram(path, words, { timeoutSeconds: longestStart });
    if (status === 0) return stdout;
    const how = signal === 0 ? `exit status ${status}` : `signal ${signal}`;
    throw new HookError("program", "run", path, `${how}${stderr === "" ? "" : `: ${stderr.trimEnd()}`}`);
  } catch (error) {
    if (error instanceof HookError && error.operation === "start" && isNoexec(path)) {
      throw new HookError("program", "start", path, "its file system is mounted noexec", { cause: error });
    }
    throw error;
  }
}
