import { HookError } from "../errors.ts";
import type { ChainedHook } from "../hooks/chain.ts";
import { Container } from "../hooks/container.ts";
import type { FlagValues } from "../hooks/hook.ts";
import { findHook } from "../hooks/index.ts";
import type { Logger } from "../logger.ts";
import { exitStatusOf, success } from "./exit.ts";
import { parseCommandLine, type CommandLine } from "./flags.ts";
import { hookGrammar, meantBy } from "./program.ts";
import { runHooks } from "./run-hooks.ts";
import { SharedFlags } from "./shared-flags.ts";

/** What a chain is run in. */
export interface ChainCall {
  /** What was given before the word `chain`. */
  readonly flags: FlagValues;
  readonly environment: (name: string) => string | undefined;
  loggerOf(flags: FlagValues): Logger;
  /** Prints the help of a hook, or of the chain. */
  help(hook: string): void;
  printVersion(): void;
}

/**
 * `chain HOOK ARGUMENT... -- HOOK ARGUMENT...`: several hooks of one container in one process; `words` is what follows
 * `chain`. The state is read once and the root opened once. Every hook is tried, and all failures are told; the answer is
 * the exit status. A word `--` always ends a hook's arguments: a value that is `--` has to be written `--flag=--`. The
 * flags that may stand anywhere count for the whole chain.
 */
export function runChain(words: readonly string[], call: ChainCall): number {
  const lines: CommandLine[] = [];
  const malformed: HookError[] = [];
  for (const part of partsOf(words)) {
    try {
      lines.push(parseCommandLine(part, hookGrammar, call.environment));
    } catch (error) {
      if (!(error instanceof HookError)) throw error;
      malformed.push(error);
    }
  }
  // A hook of the future may have flags of its own by these names.
  const giving = lines.filter((line) => line.known && line.givesGlobals);
  const flags = giving.length === 0 ? call.flags : new SharedFlags([call.flags, ...giving.map((line) => line.flags)]);
  const log = call.loggerOf(flags);
  if (flags.isSet("version")) return exitStatusOf(() => call.printVersion(), "chain", log);
  if (flags.isSet("help")) return exitStatusOf(() => call.help(helpWanted(lines)), "chain", log);

  const chain = chainOf(lines, log);
  if (chain.length === 0 && malformed.length === 0) log.warn("chain: no hook given, nothing is done");
  const told = malformed.length === 0 ? success : exitStatusOf(() => fail(malformed), "chain", log);
  return Math.max(told, runInContainer(chain, flags, log));
}

function fail(errors: readonly HookError[]): never {
  throw new AggregateError(errors);
}

function helpWanted(lines: readonly CommandLine[]): string {
  const wanted = lines.find(({ command, known, flags }) => command !== undefined && known && flags.given("help"));
  return wanted?.command ?? "chain";
}

/** The words between those that are `--`; empty parts are left out. */
export function partsOf(words: readonly string[]): readonly string[][] {
  const parts: string[][] = [];
  for (let start = 0; start < words.length;) {
    const next = words.indexOf("--", start);
    const end = next < 0 ? words.length : next;
    if (end > start) parts.push(words.slice(start, end));
    start = end + 1;
  }
  return parts;
}

function chainOf(lines: readonly CommandLine[], log: Logger): ChainedHook[] {
  const chain: ChainedHook[] = [];
  for (const { command, flags, warnings } of lines) {
    for (const warning of warnings) log.warn(`${command ?? "chain"}: ${warning}`);
    const hook = command === undefined ? undefined : findHook(command);
    if (hook !== undefined) chain.push({ hook, flags });
    else if (command !== undefined)
      log.warn(`chain: ${command.slice(0, longestWord)} is not a hook that is known here${meantBy(command)}`);
  }
  return chain;
}

const longestWord = 64;

function runInContainer(chain: readonly ChainedHook[], flags: FlagValues, log: Logger): number {
  using container = new Container(statePathOf(chain, log), flags, log);
  return runHooks(chain, container, log);
}

/** One container, one state: stdin, or the file that any of the hooks names. */
function statePathOf(chain: readonly ChainedHook[], log: Logger): string {
  const paths: string[] = [];
  for (const { flags } of chain) {
    const path = flags.text("container-spec");
    if (path !== "" && path !== "-" && !paths.includes(path)) paths.push(path);
  }
  const path = paths[0] ?? "";
  if (paths.length > 1) log.warn(`chain: the state is read from ${path} only, not from ${paths.slice(1).join(", ")}`);
  return path;
}
