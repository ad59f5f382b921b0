import { hookProgram, hookWords } from "../cdi/hooks.ts";

/** The stages of runtime-spec's lifecycle at which hooks change a container on the host, in their order. */
export const stages: readonly string[] = ["prestart", "createRuntime", "createContainer"];

/** A hook as config.json or a CDI spec names it. Texts are byte strings. */
export interface HookEntry {
  /** One of `stages`, or another that is not run by us. */
  readonly stage: string;
  readonly path: string;
  /** With the program's name. */
  readonly args: readonly string[];
  /** `NAME=value` */
  readonly env: readonly string[];
}

/** Whether it is one of NVIDIA's hooks, or ours: by the name of its program, whatever folder that is in. */
export function isOurs(entry: HookEntry): boolean {
  return hookProgram(entry) !== undefined;
}

/** Its words behind the program's name; of a chain, those of each hook in it. */
export function commandLinesOf(entry: HookEntry): readonly (readonly string[])[] {
  const words = hookWords(entry);
  const at = words.findIndex((word) => !word.startsWith("-"));
  if (words[at] !== "chain") return [words];
  const lines: string[][] = [words.slice(0, at)];
  for (const word of words.slice(at + 1)) {
    if (word === "--") lines.push([]);
    else lines.at(-1)?.push(word);
  }
  return lines.filter((line) => line.length > 0);
}

/** What the hook would find in its environment. */
export function variableOf(entry: HookEntry, name: string): string | undefined {
  const found = entry.env.findLast((variable) => variable.startsWith(`${name}=`));
  return found?.slice(name.length + 1);
}
