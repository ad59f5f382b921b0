import { Command, CommanderError } from "commander";
import { hooks } from "../hooks/index.ts";
import type { Flag, Hook } from "../hooks/hook.ts";
import { failure, success } from "./exit.ts";
import { globalFlags } from "./globals.ts";
import { ldcacheCommand } from "./ldcache.ts";
import { writeError, writeOutput } from "./output.ts";
import { version } from "./version.ts";

/** Tells the status with which the process is to end; success when nobody says otherwise. */
export type Finish = (status: number) => void;

/** Runs a command for people and answers with the exit status. */
export function runPeople(words: readonly string[]): number {
  let status = success;
  try {
    peopleProgram((ended) => {
      status = ended;
    }).parse(words, { from: "user" });
    return status;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? success : failure;
  }
}

/** All commands. The hooks are there for their help; `main` runs them without commander. */
export function peopleProgram(finish: Finish = () => undefined): Command {
  const program = command("cdi-hook")
    .usage("[flags] HOOK [flags of the hook] | COMMAND")
    .description(
      "NVIDIA's container hooks in one executable. As a hook it reads the container's OCI state on stdin; " +
        "it also answers to the names nvidia-cdi-hook and nvidia-ctk (nvidia-ctk hook HOOK).",
    )
    .version(`cdi-hook ${version}`, "-v, --version", "print the version")
    .helpCommand("help [command]", "print help for a hook or a command");
  for (const flag of globalFlags) if (flag.name !== "help" && flag.name !== "version") addFlag(program, flag);
  program.commandsGroup("Hooks:");
  for (const hook of hooks) program.addCommand(hookCommand(hook), { hidden: hook.hidden === true });
  program.addCommand(
    command("chain")
      .description("Run several hooks of one container in one process, in the order that makes sense of them.")
      .usage("HOOK [flags] -- HOOK [flags] ..."),
  );
  program.commandsGroup("Commands for people:");
  program.addCommand(ldcacheCommand(command, finish));
  return program;
}

const chainExample =
  "chain create-symlinks --link libcuda.so.1::/usr/lib/libcuda.so -- update-ldcache --folder /usr/lib";

/** The help of one hook or command, or of the program when there is none of that name. */
export function describe(program: Command, name: string | undefined): string {
  const found = program.commands.find((candidate) => candidate.name() === name) ?? program;
  const example = found.name() === "chain" ? chainExample : hooks.find((hook) => hook.name === found.name())?.example;
  return found.helpInformation() + (example === undefined ? "" : `\nExample:\n  cdi-hook ${example} < state.json\n`);
}

function hookCommand(hook: Hook): Command {
  const made = command(hook.name).description(hook.summary).usage("[flags]");
  for (const flag of hook.flags) if (flag.hidden !== true && flag.removed !== true) addFlag(made, flag);
  return made;
}

function addFlag(to: Command, flag: Flag): void {
  const names = `${flag.alias === undefined ? "" : `-${flag.alias}, `}--${flag.name}`;
  const value = flag.value === "none" ? "" : ` <${flag.placeholder ?? "VALUE"}>`;
  const notes = [
    ...(flag.value === "list" ? ["repeatable"] : []),
    ...(flag.default === undefined ? [] : [`default ${flag.default}`]),
    ...(flag.environment === undefined ? [] : [flag.environment.join(", ")]),
  ];
  to.option(names + value, flag.help + (notes.length === 0 ? "" : ` [${notes.join("; ")}]`));
}

/** A command that writes through us and never ends the process. */
function command(name: string): Command {
  return new Command(name)
    .exitOverride()
    .helpOption("-h, --help", "print help")
    .configureOutput({
      writeOut: writeOutput,
      writeErr: writeError,
      getOutHelpWidth: () => 100,
      getErrHelpWidth: () => 100,
    })
    .showSuggestionAfterError();
}
