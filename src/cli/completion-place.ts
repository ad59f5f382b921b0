import type { Command } from "commander";
import { chainWord, hooksGroup, hookWord, lastWords } from "./program.ts";
import { ownFlags, type ToldFlag } from "./told-flag.ts";

/** A word that leads on from a place. */
export interface Word {
  readonly name: string;
  readonly summary: string;
  /** It is not offered. */
  readonly hidden: boolean;
}

/** What can be written behind some words of the command line. */
export interface Place {
  /** The words that lead here, separated by spaces: "", `create-symlinks`, `ldcache rebuild`. */
  readonly path: string;
  readonly words: readonly Word[];
  readonly flags: readonly ToldFlag[];
}

/** Places whose words begin a path anew: `hook noop` leads to `noop`. In a chain, `--` leads back to `chain`. */
export const beginnings: readonly string[] = ["", hookWord, chainWord];

/** All places, of which each path is there once. */
export function placesOf(program: Command): readonly Place[] {
  const words = wordsOf(program, "");
  const hooks = wordsOf(program, hooksGroup);
  const special: readonly Place[] = [
    { path: "", words: [...words, { name: hookWord, summary: "", hidden: true }], flags: [] },
    { path: hookWord, words: hooks, flags: [] },
    { path: chainWord, words: hooks.filter(({ name }) => !lastWords.includes(name)), flags: [] },
    { path: "help", words, flags: [] },
  ];
  const plain = program.commands.flatMap((command) => placesBelow(command, ""));
  const helped = program.commands
    .filter(({ commands }) => commands.length > 0)
    .map((command): Place => ({ path: `help ${command.name()}`, words: wordsOf(command, ""), flags: [] }));
  return [...special, ...plain.filter(({ path }) => special.every((place) => place.path !== path)), ...helped];
}

function placesBelow(command: Command, above: string): readonly Place[] {
  const path = `${above} ${command.name()}`.trimStart();
  const choices = command.registeredArguments.flatMap((argument) => argument.argChoices ?? []);
  const words = [...wordsOf(command, ""), ...choices.map((name): Word => ({ name, summary: "", hidden: false }))];
  return [{ path, words, flags: ownFlags(command) }, ...command.commands.flatMap((each) => placesBelow(each, path))];
}

function wordsOf(command: Command, group: string): readonly Word[] {
  const visible = command.createHelp().visibleCommands(command);
  return command.commands
    .filter((each) => group === "" || each.helpGroup() === group)
    .map((each): Word => ({ name: each.name(), summary: brief(each.description()), hidden: !visible.includes(each) }));
}

/** What is said before the first semicolon and before notes in brackets, for a list of many. */
export function brief(summary: string): string {
  return summary.replace(/(?:; | \[|\.$).*/, "");
}
