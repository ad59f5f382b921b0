import { findHook, hooks } from "../hooks/index.ts";
import { part } from "../part.ts";
import { byWord, type Grammar } from "./flags.ts";
import { globalFlags } from "./globals.ts";
import type * as Suggest from "./suggest.ts";

/** The words that are no hooks: the commands for people. */
const peopleWords: readonly string[] = [
  "ldcache",
  "cdi",
  "ldconfig",
  "install",
  "uninstall",
  "doctor",
  "cleanup",
  "help",
  "completion",
  "man",
];

/**
 * By which of its names the executable was called. `nvidia-ctk` has other commands, which are not ours; for
 * `nvidia-cdi-hook` every word is a hook; whoever uses another name may want any command of ours.
 */
export type ProgramName = "nvidia-ctk" | "nvidia-cdi-hook" | "ldconfig" | "cdi-hook";

/** The name that makes us ldconfig, and the word. */
export const ldconfigWord = "ldconfig";

/** The name in `argv[0]`, which may be a path, a link's name, or whatever a spec's first argument is. */
export function programNameOf(argv0: string): ProgramName {
  const name = argv0.slice(argv0.lastIndexOf("/") + 1);
  return name === "nvidia-ctk" || name === "nvidia-cdi-hook" || name === ldconfigWord ? name : "cdi-hook";
}

/** The name of a runtime, and a folder in which it may be beside the machine's usual ones. */
export interface RuntimeName {
  readonly name: string;
  readonly folder: string | undefined;
}

/**
 * The runtime that a name like `/opt/bin/cdi-hook-runsc` stands before, `runsc`; undefined for other names, such as the
 * `cdi-hook-arm64` of a build: a runtime's has `run`, `youki` or `kata` in it.
 */
export function runtimeNameOf(argv0: string): RuntimeName | undefined {
  const slash = argv0.lastIndexOf("/");
  const name = argv0.slice(slash + 1);
  if (!name.startsWith("cdi-hook-") || !/run|youki|kata/.test(name)) return undefined;
  return { name: name.slice("cdi-hook-".length), folder: argv0.startsWith("/") ? argv0.slice(0, slash) : undefined };
}

/** Whether the word is a command for people under this name of the program. */
export function isPeopleWord(program: ProgramName, word: string): boolean {
  return program === "cdi-hook" ? peopleWords.includes(word) : word === "help" && program === "nvidia-cdi-hook";
}

const suggest = part<typeof Suggest>("suggest");

/** The word that may stand before a hook. */
export const hookWord = "hook";

/** The heading of the hooks in help. */
export const hooksGroup = "Hooks:";

/** Shells whose command lines can be completed. */
export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** The word that several hooks follow. */
export const chainWord = "chain";

/** The words that apply all hooks of a bundle or of CDI specs, and that become a runtime after doing so. */
export const applyWord = "apply";
export const runtimeWord = "runtime";

/** Words that stand among the hooks and are none: what follows them is theirs. */
export const lastWords: readonly string[] = [chainWord, applyWord, runtimeWord];

/** What the command line of a hook may say. */
export const hookGrammar: Grammar = {
  prefix: hookWord,
  globals: globalFlags,
  flagsOf: (word) => (lastWords.includes(word) ? [] : findHook(word)?.flags),
  last: lastWords,
  suggest: (name, names) => suggest().suggestionFor(name, names),
};

// At build time: the image of the heap has them.
byWord(globalFlags);
for (const hook of hooks) byWord(hook.flags);

/** A suggestion for a word that names no hook, to stand behind it; empty when there is none. */
export function meantBy(word: string, program?: ProgramName): string {
  const ours = program === "cdi-hook" ? [...lastWords, ...peopleWords] : [chainWord];
  const names = [...hooks.map(({ name }) => name), ...ours];
  const found = suggest().suggestionFor(word, names);
  return found === undefined ? "" : ` (did you mean ${found}?)`;
}
