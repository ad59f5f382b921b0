import type { Level, Sink } from "../logger.ts";

/** What the people's bundle offers to the hooks' bundle, which loads it when something else than a hook is wanted. */
export interface People {
  /** Runs a command for people; `words` is the command line without the program's name. Answers with the exit status. */
  run(words: readonly string[]): number;
  /** Prints help for one hook, or for all. */
  help(hook: string | undefined): void;
  version(): void;
  jsonSink(level: Level): Sink;
}

declare const loadPeople: () => void;
declare global {
  var cdiHookPeople: People | undefined;
}

/** Evaluates the people's bundle at the first call. */
export function people(): People {
  if (globalThis.cdiHookPeople === undefined) loadPeople();
  const loaded = globalThis.cdiHookPeople;
  if (loaded === undefined) throw new Error("the people's bundle did not announce itself");
  return loaded;
}
