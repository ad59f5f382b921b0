import { commandLinesOf, variableOf, type HookEntry } from "../apply/entry.ts";
import type { ChainedHook } from "../hooks/chain.ts";
import { findHook } from "../hooks/index.ts";
import type { Logger } from "../logger.ts";
import { parseCommandLine } from "./flags.ts";
import { hookGrammar } from "./program.ts";

/** The hooks that an entry runs; its own environment counts for their flags. Throws HookError `usage`. */
export function chainedHooks(entry: HookEntry, log: Logger): readonly ChainedHook[] {
  return commandLinesOf(entry).flatMap((words): readonly ChainedHook[] => {
    const { command, flags, warnings } = parseCommandLine(words, hookGrammar, (name) => variableOf(entry, name));
    for (const warning of warnings) log.warn(`${command ?? "apply"}: ${warning}`);
    const hook = command === undefined ? undefined : findHook(command);
    if (hook !== undefined) return [{ hook, flags }];
    if (command !== undefined) log.warn(`apply: ${command.slice(0, 64)} is not a hook that is known here`);
    return [];
  });
}
