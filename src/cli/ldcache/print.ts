import { describeCache } from "../../ldcache/describe.ts";
import { CACHE_PATH } from "../../ldconfig/update.ts";
import type { Logger } from "../../logger.ts";
import { exitStatusOf } from "../exit.ts";
import { writeJson } from "../json.ts";
import { writeOutput } from "../output.ts";
import { openRootArgument } from "../root-argument.ts";
import { terminalOf } from "../terminal.ts";
import { cacheDocument, entryDocument } from "./document.ts";
import { shownAt } from "../shown.ts";
import { cacheOfFile, cacheOfRoot, type CacheSource } from "./source.ts";
import { cacheTree } from "./tree.ts";

export interface PrintOptions {
  readonly root?: string;
  readonly json?: boolean;
  readonly tree?: boolean;
}

/** `ldcache print`: the exit status. */
export function print(file: string | undefined, options: PrintOptions, log: Logger): number {
  return exitStatusOf(
    () => {
      const source = sourceOf(file, options.root, log);
      if (options.json === true) printDocument(source);
      else if (options.tree === true) writeOutput(cacheTree(source.cache, source.rules, terminalOf(1)));
      else printLines(source);
    },
    "ldcache print",
    log,
  );
}

function sourceOf(file: string | undefined, rootArgument: string | undefined, log: Logger): CacheSource {
  if (rootArgument === undefined) return cacheOfFile(file ?? CACHE_PATH);
  using root = openRootArgument(rootArgument, log, true);
  return cacheOfRoot(root, log, file);
}

/** What `ldconfig -p` prints, to the byte on a pipe. */
function printLines({ cache, path, rules }: CacheSource): void {
  const terminal = terminalOf(1);
  writeOutput(
    describeCache(cache, path, rules)
      .map((line) => `${shownAt(terminal, line)}\n`)
      .join(""),
  );
}

function printDocument({ cache, path, rules, bytes }: CacheSource): void {
  const entries = cache.entries.map((entry) => entryDocument(entry, rules));
  writeJson({ cache: path, ...cacheDocument(cache, bytes.length), entries });
}
