import type { Logger } from "../logger.ts";
import { runPeople } from "./commands.ts";
import { writeOutput } from "./output.ts";
import { version } from "./version.ts";

// commander's errors ask for their stack in V8's way; the engine records it by itself.
if (!("captureStackTrace" in Error)) Object.assign(Error, { captureStackTrace: () => undefined });

/** Runs a command for people; `words` is the command line without the program's name. Answers with the exit status. */
export function run(words: readonly string[], log: Logger): number {
  return runPeople(words, log);
}

/** Prints help for one hook, or for all. */
export function help(hook: string | undefined, log: Logger): void {
  runPeople(hook === undefined ? ["help"] : ["help", hook], log);
}

/** Prints the version. */
export function printVersion(): void {
  writeOutput(`cdi-hook ${version}\n`);
}
