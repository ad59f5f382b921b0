import type { Problem } from "../../cdi/document.ts";
import type { Logger } from "../../logger.ts";
import type { Json } from "../json.ts";

/** Tells a spec's problems, as `file:line: what is wrong`; those of a whole file name it where the message does not. */
export function tellProblems(path: string, problems: readonly Problem[], log: Logger): void {
  for (const problem of problems) {
    const line = placed(path, problem);
    const facts = { path, line: problem.line };
    if (problem.severity === "error") log.error(line, facts);
    else log.warn(line, facts);
  }
}

/** `file:line: message`. */
export function placed(path: string, { line, message }: Problem): string {
  if (line > 0) return `${path}:${line}: ${message}`;
  return message.includes(path) ? message : `${path}: ${message}`;
}

/** A problem in a JSON document: line and column from 1, 0 for the whole file. */
export function problemDocument({ severity, line, column, message }: Problem): Json {
  return { severity, line, column, message };
}

/** `1 hook`, `2 hooks`. */
export function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
