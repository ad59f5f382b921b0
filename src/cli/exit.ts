import { HookError, hasReason } from "../errors.ts";
import type { Facts, Logger } from "../logger.ts";

/** Exit statuses: a runtime only looks whether it is 0. */
export const success = 0;
export const failure = 1;

/** Failures that are told one by one before the rest is only counted. */
const failuresShown = 8;

/**
 * Does the work and answers with the exit status. The one place where an exception becomes a status and a line on stderr;
 * `command` is the word that the line begins with.
 */
export function exitStatusOf(work: () => void, command: string, log: Logger): number {
  try {
    work();
    return success;
  } catch (error) {
    report(error, command, log);
    return failure;
  }
}

function report(error: unknown, command: string, log: Logger): void {
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  for (const each of log.debugging ? errors : errors.slice(0, failuresShown)) {
    if (each instanceof HookError) log.error(`${command}: ${each.message}`, factsOf(each, command));
    else reportDefect(each, command, log);
  }
  if (!log.debugging && errors.length > failuresShown) {
    log.error(`${command}: ${errors.length - failuresShown} more failures; --debug tells them`, { command });
  }
}

/** Something that is no failure that we foresaw: memory that ran out, or a defect. */
function reportDefect(error: unknown, command: string, log: Logger): void {
  if (!hasReason(error)) {
    log.error(`${command}: out of memory`, { command });
    return;
  }
  log.error(`${command}: internal error: ${error.name}: ${error.message}`, { command });
  if (error.stack !== undefined) log.debug(error.stack);
}

function factsOf(error: HookError, command: string): Facts {
  return { command, code: error.code, operation: error.operation, ...(error.path === "" ? {} : { path: error.path }) };
}
