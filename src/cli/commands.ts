import { Argument, CommanderError, Option, type Command } from "commander";
import { HookError } from "../errors.ts";
import { hooks } from "../hooks/index.ts";
import type { Flag, Hook } from "../hooks/hook.ts";
import type { Logger } from "../logger.ts";
import { part } from "../part.ts";
import { cdiCommand } from "./cdi.ts";
import { cleanupCommand } from "./cleanup.ts";
import { applyFlags } from "./apply-flags.ts";
import { doctorCommand } from "./doctor.ts";
import { failure, success } from "./exit.ts";
import { parseBoolean } from "./flags.ts";
import { globalFlags } from "./globals.ts";
import { installCommand } from "./install.ts";
import { ldcacheCommand } from "./ldcache.ts";
import type * as Manual from "./manual-entry.ts";
import { writeOutput } from "./output.ts";
import { PersonCommand } from "./person-command.ts";
import { applyWord, chainWord, hooksGroup, runtimeWord, shells, type Shell } from "./program.ts";
import { runtimeFlags } from "./runtime-flags.ts";
import { suggestionFor } from "./suggest.ts";
import { uninstallCommand } from "./uninstall.ts";
import { version } from "./version.ts";

const manual = part<typeof Manual>("manual");

/** Tells the status with which the process is to end; success when nobody says otherwise. */
export type Finish = (status: number) => void;

/** Runs a command for people and answers with the exit status. */
export function runPeople(words: readonly string[], log: Logger): number {
  let status = success;
  try {
    const finish: Finish = (ended) => {
      status = ended;
    };
    const rest = withoutFlagsOfLog(words);
    const at = rest.findIndex((each) => !each.startsWith("-"));
    peopleProgram(log, finish, rest.slice(at, at + 2)).parse(rest, { from: "user" });
    return status;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? success : failure;
  }
}

/** Forms that commander does not know; whoever made the log has read them. */
const flagOfLog = /^(?:-debug|-quiet|--?(?:d|debug|quiet)=([^]*))$/;

function withoutFlagsOfLog(words: readonly string[]): readonly string[] {
  const end = words.indexOf("--");
  return words.filter((word, at) => {
    const found = end < 0 || at < end ? flagOfLog.exec(word) : null;
    return found === null || parseBoolean(found[1] ?? "true") === undefined;
  });
}

/** Commands that know nothing of the others, by their words. */
const groups: Readonly<Record<string, (log: Logger, finish: Finish, only?: string) => PersonCommand>> = {
  ldcache: ldcacheCommand,
  cdi: cdiCommand,
  install: installCommand,
  uninstall: uninstallCommand,
  doctor: doctorCommand,
  cleanup: cleanupCommand,
  ldconfig: ldconfigCommand,
};

/**
 * All commands, or the only one that the first two words of a command line want, as making them all takes longer than what
 * most of them do. The hooks are there for what is told of them; `main` runs them without commander.
 */
export function peopleProgram(log: Logger, finish: Finish, [only, below]: readonly string[] = []): PersonCommand {
  const program = new PersonCommand("cdi-hook")
    .usage("[flags] HOOK [flags of the hook] | COMMAND")
    .description(
      "NVIDIA's container hooks in one executable. As a hook it reads the container's OCI state on stdin; " +
        "it also answers to the names nvidia-cdi-hook and nvidia-ctk (nvidia-ctk hook HOOK).",
    )
    .version(`cdi-hook ${version}`, "-v, --version", "print the version");
  for (const flag of globalFlags) if (flag.name !== "help" && flag.name !== "version") addFlag(program, flag);
  const wanted = only !== undefined && Object.hasOwn(groups, only) ? groups[only] : undefined;
  if (wanted !== undefined) return program.addCommand(wanted(log, finish, below));
  program.commandsGroup(hooksGroup);
  for (const hook of hooks) program.addCommand(hookCommand(hook), { hidden: hook.hidden === true });
  program.addCommand(chainCommand()).addCommand(applyCommand()).addCommand(runtimeCommand());
  program.commandsGroup("Commands for people:");
  for (const make of Object.values(groups)) program.addCommand(make(log, finish));
  program.addCommand(completionCommand(program)).addCommand(helpCommand(program));
  return program.addCommand(manCommand(program), { hidden: true });
}

/**
 * The command that the words lead to; the program itself when there are none. Throws CommanderError, after it has been
 * told, when a word leads nowhere.
 */
export function findCommand(program: Command, words: readonly string[]): Command {
  let found = program;
  for (const word of words) {
    const next = found.commands.find((command) => command.name() === word);
    if (next === undefined) {
      const meant = suggestionFor(
        word,
        found.commands.map((command) => command.name()),
      );
      found.error(`error: unknown command '${word}'${meant === undefined ? "" : ` (did you mean ${meant}?)`}`);
    } else found = next;
  }
  return found;
}

function hookCommand(hook: Hook): PersonCommand {
  const examples = hook.example === undefined ? [] : [`${hook.example} < state.json`];
  const made = new PersonCommand(hook.name, examples).description(hook.summary).usage("[flags]");
  for (const flag of hook.flags) if (flag.hidden !== true && flag.removed !== true) addFlag(made, flag);
  return made;
}

/** For help only: `main` runs it where it is the first word, as its options are those of ldconfig(8). */
function ldconfigCommand(): PersonCommand {
  return new PersonCommand("ldconfig", ["ldconfig -p", "ldconfig -r ./rootfs -v"])
    .description(
      "Be ldconfig(8), with its options, which cdi-hook ldconfig --help lists; so does the executable under the name ldconfig.",
    )
    .usage("[options of ldconfig] [FOLDER...]")
    .helpOption(false)
    .configureHelp({ showGlobalOptions: false })
    .allowUnknownOption()
    .allowExcessArguments()
    .action(() => {
      throw new HookError("usage", "parse arguments", "", "ldconfig has to be the first word: cdi-hook ldconfig ...");
    });
}

function chainCommand(): PersonCommand {
  const example =
    "chain create-symlinks --link libcuda.so.1::/usr/lib/libcuda.so -- update-ldcache --folder /usr/lib < state.json";
  return new PersonCommand(chainWord, [example])
    .description("Run several hooks of one container in one process, in the order that makes sense of them.")
    .usage("HOOK [flags] -- HOOK [flags] ...");
}

function applyCommand(): PersonCommand {
  const made = new PersonCommand(applyWord, [
    "apply --bundle /run/containers/1 --stage createRuntime",
    "apply --cdi-spec /etc/cdi --device nvidia.com/gpu=0 --root /srv/rootfs --dry-run",
  ])
    .description("Run all hooks of ours of a bundle's config.json, or of CDI devices, in one process.")
    .usage("[flags]");
  for (const flag of applyFlags) addFlag(made, flag);
  return made;
}

function runtimeCommand(): PersonCommand {
  const made = new PersonCommand(runtimeWord, [
    "runtime --to runsc --root /run/runsc create --bundle /run/containers/1 1",
    "runtime --to /usr/bin/runc --device nvidia.com/gpu=all run 1",
  ])
    .description(
      "Be an OCI runtime: do what the bundle's hooks of ours would do, then become the real runtime. " +
        "Under a name such as cdi-hook-runsc the executable does so for runsc, without any flag.",
    )
    .usage("--to RUNTIME [flags] [arguments of the runtime]");
  for (const flag of runtimeFlags) addFlag(made, flag);
  return made;
}

function completionCommand(program: Command): PersonCommand {
  return new PersonCommand("completion", [
    "completion bash > /etc/bash_completion.d/cdi-hook",
    "completion zsh > /usr/local/share/zsh/site-functions/_cdi-hook",
    "completion fish > /etc/fish/completions/cdi-hook.fish",
  ])
    .description("Print what a shell needs to complete our command lines.")
    .usage(shells.join("|"))
    .addArgument(new Argument("<shell>", "the shell").choices(shells))
    .action((shell: Shell) => writeOutput(manual().completionScript(shell, program)));
}

function helpCommand(program: Command): PersonCommand {
  return new PersonCommand("help", ["help update-ldcache", "help ldcache rebuild"])
    .description("Print help for a hook or a command.")
    .usage("[HOOK | COMMAND]")
    .argument("[command...]", "its words")
    .action((words: readonly string[]) => writeOutput(findCommand(program, words).helpInformation()));
}

function manCommand(program: Command): PersonCommand {
  return new PersonCommand("man")
    .description("Print the manual page.")
    .action(() => writeOutput(manual().manPage(program, version)));
}

function addFlag(to: Command, flag: Flag): void {
  const names = `${flag.alias === undefined ? "" : `-${flag.alias}, `}--${flag.name}`;
  const value = flag.value === "none" ? "" : ` <${flag.placeholder ?? "VALUE"}>`;
  const notes = [
    ...(flag.value === "list" ? ["repeatable"] : []),
    ...(flag.default === undefined ? [] : [`default ${flag.default}`]),
    ...(flag.environment === undefined ? [] : [flag.environment.join(", ")]),
  ];
  const option = new Option(names + value, flag.help + (notes.length === 0 ? "" : ` [${notes.join("; ")}]`));
  to.addOption(flag.choices === undefined ? option : option.choices(flag.choices));
}
