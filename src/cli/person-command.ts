import { Command, type Option } from "commander";
import { printable, type Logger } from "../logger.ts";
import type { Finish } from "./commands.ts";
import { writeError, writeOutput } from "./output.ts";
import { describedFlag } from "./told-flag.ts";

const helpWidth = 100;

/** A command of commander's in our manner: it writes through us, never ends the process, and its help has examples. */
export class PersonCommand extends Command {
  /** Command lines without the program's name. */
  readonly examples: readonly string[];

  constructor(name: string, examples: readonly string[] = []) {
    super(name);
    this.examples = examples;
    this.exitOverride()
      .helpOption("-h, --help", "print help")
      .helpCommand(false)
      .configureHelp({ showGlobalOptions: true, optionDescription: described })
      .configureOutput({
        writeOut: writeOutput,
        writeErr: writeError,
        outputError: (text, write) => write(`${printable(`cdi-hook: ${oneLine(text)}`)}\n`),
        getOutHelpWidth: () => helpWidth,
        getErrHelpWidth: () => helpWidth,
      })
      .showSuggestionAfterError();
  }

  /** Adds all subcommands, or the one of them that the word names: making one takes longer than what many of them do. */
  addWanted(
    makers: Readonly<Record<string, (log: Logger, finish: Finish) => PersonCommand>>,
    word: string | undefined,
    log: Logger,
    finish: Finish,
  ): this {
    for (const [name, make] of Object.entries(makers)) {
      if (word === name || word === undefined || !Object.hasOwn(makers, word)) this.addCommand(make(log, finish));
    }
    return this;
  }

  /** Any number of words behind the flags, of which help speaks as NAME, in capitals. */
  takes(name: string, meaning: string): this {
    return this.usage(`[flags] [${name}...]`).argument(`[${name.toLowerCase()}...]`, meaning);
  }

  override helpInformation(context?: { error: boolean }): string {
    const help = super.helpInformation(context);
    if (this.examples.length === 0) return help;
    const lines = this.examples.map((example) => `  cdi-hook ${example}\n`);
    return `${help}\n${lines.length === 1 ? "Example" : "Examples"}:\n${lines.join("")}`;
  }
}

/** As the manual page has it; commander would tell defaults in another way than the flags of hooks do. */
function described(option: Option): string {
  const { argChoices } = option;
  return (
    describedFlag(option) +
    (argChoices === undefined ? "" : ` (choices: ${argChoices.map((choice) => JSON.stringify(choice)).join(", ")})`)
  );
}

/** commander puts its suggestion on a line of its own. */
function oneLine(text: string): string {
  return text.trimEnd().replace("\n(Did you mean", " (did you mean");
}
