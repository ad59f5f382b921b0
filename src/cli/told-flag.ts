import type { Command, Option } from "commander";

/** What follows a flag: nothing, one of a few words, a file, a folder, or text. */
export type Value =
  | { readonly kind: "none" }
  | { readonly kind: "word"; readonly words: readonly string[]; readonly placeholder: string }
  | { readonly kind: "file" | "folder" | "text"; readonly placeholder: string };

/** A flag as it is told to people. */
export interface ToldFlag {
  /** With its dashes. */
  readonly long: string;
  /** With its dash. */
  readonly short: string | undefined;
  readonly help: string;
  readonly value: Value;
}

/** The flags that the help of a command shows, without those that all commands have. */
export function ownFlags(command: Command): readonly ToldFlag[] {
  return command.options.filter((option) => !option.hidden).map(toldFlag);
}

/** The flags that may stand behind any command. */
export function sharedFlags(program: Command): readonly ToldFlag[] {
  return program.createHelp().visibleOptions(program).map(toldFlag);
}

/** What a flag is for, and what it is when it is not given. */
export function describedFlag({ description, defaultValue }: Option): string {
  return defaultValue === undefined ? description : `${description} [default ${String(defaultValue)}]`;
}

function toldFlag(option: Option): ToldFlag {
  return { long: option.long ?? "", short: option.short, help: describedFlag(option), value: valueOf(option) };
}

function valueOf(option: Option): Value {
  const placeholder = /<(.+)>/.exec(option.flags)?.[1];
  if (placeholder === undefined) return { kind: "none" };
  if (option.argChoices !== undefined) return { kind: "word", words: option.argChoices, placeholder };
  const kind = placeholder === "DIR" ? "folder" : placeholder === "FILE" || placeholder === "PATH" ? "file" : "text";
  return { kind, placeholder };
}
