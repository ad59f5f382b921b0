import { Container } from "../hooks/container.ts";
import { runForgiving, settleFor } from "../hooks/fatal.ts";
import type { FlagValues, Hook } from "../hooks/hook.ts";
import { findHook } from "../hooks/index.ts";
import { exit, ignoreSignalsOfWrites, occupyStandardDescriptors } from "../kernel/process.ts";
import { Logger, plainSink, type Level, type Sink } from "../logger.ts";
import { part } from "../part.ts";
import { runApply } from "./apply.ts";
import { runChain } from "./chain.ts";
import { exitStatusOf, failure, success } from "./exit.ts";
import { parseCommandLine, type CommandLine } from "./flags.ts";
import { writeError } from "./output.ts";
import type * as JsonLog from "./json-log-entry.ts";
import type * as Ldconfig from "./ldconfig-entry.ts";
import type * as People from "./people-entry.ts";
import type * as Runtime from "./runtime.ts";
import {
  applyWord,
  chainWord,
  hookGrammar,
  isPeopleWord,
  ldconfigWord,
  meantBy,
  programNameOf,
  runtimeNameOf,
  runtimeWord,
  type RuntimeName,
  type ProgramName,
} from "./program.ts";

declare const environment: (name: string) => string | undefined;

const people = part<typeof People>("people");
const jsonLog = part<typeof JsonLog>("json-log");
const ldconfig = part<typeof Ldconfig>("ldconfig");
const runtime = part<typeof Runtime>("runtime");

/** The whole program; `args` are the words of the command line, the program's name first. */
export function main(args: readonly string[]): never {
  occupyStandardDescriptors();
  ignoreSignalsOfWrites();
  const argv0 = args[0] ?? "";
  const words = args.slice(1);
  const program = programNameOf(argv0);
  if (program === ldconfigWord) exit(runLdconfig(argv0, words));
  // Its options are nobody else's: the word has to be the first.
  if (program === "cdi-hook" && words[0] === ldconfigWord) exit(runLdconfig(ldconfigWord, words.slice(1)));
  const before = runtimeNameOf(argv0);
  if (before !== undefined && !words.some(isHookWord)) exit(runNamedRuntime(before, words));
  exit(run(program, words));
}

/** A hook's word is nobody else's, so an executable that is called `cdi-hook-VERSION` still runs hooks. */
function isHookWord(word: string): boolean {
  return word === chainWord || findHook(word) !== undefined;
}

function runNamedRuntime(name: RuntimeName, words: readonly string[]): number {
  const { flags } = parseCommandLine([], hookGrammar, environment);
  const log = loggerOf(flags);
  return runtime().runRuntime(words, { name, flags, log, help: () => people().help(runtimeWord, log) });
}

function run(program: ProgramName, words: readonly string[]): number {
  let line: CommandLine;
  try {
    line = parseCommandLine(words, hookGrammar, environment);
  } catch (error) {
    return exitStatusOf(() => rethrow(error), program, new Logger("info", plainSink(writeError)));
  }
  const { command, flags, prefixed } = line;
  const log = loggerOf(flags);
  if (command !== undefined && !line.known && !prefixed && isPeopleWord(program, command)) {
    let status = success;
    const failed = exitStatusOf(() => (status = people().run(words, log)), command, log);
    return failed === success ? status : failed;
  }
  if (program === "nvidia-ctk" && !prefixed && command !== undefined) {
    const usage = `nvidia-ctk hook ${isHookWord(command) ? command : "..."}`;
    log.error(
      `${shortened(command)} is no command of this nvidia-ctk: it is cdi-hook, which has the hooks only (${usage}); ` +
        "for all other commands run the real nvidia-ctk by its path",
    );
    return failure;
  }
  if (command === chainWord) {
    warn(line, command, log);
    const help = (hook: string): void => people().help(hook, log);
    const printVersion = (): void => people().printVersion();
    return runChain(line.rest, { flags, environment, loggerOf, help, printVersion });
  }
  if (command === applyWord && program === "cdi-hook") {
    warn(line, command, log);
    return runApply(line.rest, { flags, environment, loggerOf, help: () => people().help(command, log) });
  }
  if (command === runtimeWord && program === "cdi-hook" && !flags.isSet("help") && !flags.isSet("version")) {
    return runtime().runRuntime(line.rest, { name: undefined, flags, log, help: () => people().help(command, log) });
  }
  if (line.known && flags.isSet("version")) return exitStatusOf(() => people().printVersion(), program, log);
  if (line.known && flags.isSet("help")) return exitStatusOf(() => people().help(command, log), program, log);
  warn(line, command ?? program, log);
  if (command === undefined) {
    log.warn("no hook given, nothing is done; --help lists them");
    return success;
  }
  const hook = findHook(command);
  if (hook === undefined) {
    const meant = meantBy(command, prefixed ? undefined : program);
    log.warn(`${shortened(command)} is not a hook that is known here${meant}, nothing is done; --help lists them`);
    return success;
  }
  return runHook(hook, flags, log);
}

function warn({ warnings }: CommandLine, word: string, log: Logger): void {
  for (const warning of warnings) log.warn(`${word}: ${warning}`);
}

function runLdconfig(name: string, words: readonly string[]): number {
  let status = success;
  const failed = exitStatusOf(
    () => (status = ldconfig().ldconfig(words, name, environment)),
    ldconfigWord,
    new Logger("info", plainSink(writeError)),
  );
  return failed === success ? status : failed;
}

function runHook(hook: Hook, flags: FlagValues, log: Logger): number {
  using container = new Container(flags.text("container-spec"), flags, log);
  const { state, root, pretend, forgivesReadOnly } = container;
  return exitStatusOf(
    () => {
      runForgiving(hook, { flags, log, state, root, pretend, forgivesReadOnly });
      settleFor([hook.name], () => container.settle(), log);
    },
    hook.name,
    log,
  );
}

function loggerOf(flags: FlagValues): Logger {
  const level: Level = flags.isSet("quiet") ? "error" : flags.isSet("debug") ? "debug" : "info";
  return new Logger(level, flags.text("log-format") === "json" ? jsonSinkWhenNeeded(level) : plainSink(writeError));
}

/** JSON lines are pino's; a hook that says nothing does not load it. */
function jsonSinkWhenNeeded(level: Level): Sink {
  let sink: Sink | undefined;
  return (lineLevel, message, facts) => {
    sink ??= jsonLog().jsonLines(level);
    sink(lineLevel, message, facts);
  };
}

function rethrow(error: unknown): never {
  throw error;
}

const longestWord = 64;

function shortened(word: string): string {
  if (word === "") return '""';
  return word.length > longestWord ? `${word.slice(0, longestWord)}...` : word;
}
