import { compareCaches, isSame, type CacheDifference } from "../../ldcache/compare.ts";
import { describeEntry, type DescriptionRules } from "../../ldcache/describe.ts";
import type { Logger } from "../../logger.ts";
import { sameBytes } from "../../bytes/text.ts";
import { exitStatusOf, failure, success } from "../exit.ts";
import { writeJson, type Json } from "../json.ts";
import { writeOutput } from "../output.ts";
import { styled, terminalOf, type Style, type Terminal } from "../terminal.ts";
import { entryDocument } from "./document.ts";
import { shownAt } from "../shown.ts";
import { cacheOfArgument, type CacheSource } from "./source.ts";

export interface DiffOptions {
  readonly json?: boolean;
}

/** `ldcache diff A B`: the exit status, 1 when they are different. */
export function diff(a: string, b: string, options: DiffOptions, log: Logger): number {
  let same = true;
  const status = exitStatusOf(
    () => {
      const [before, after] = [cacheOfArgument(a, log), cacheOfArgument(b, log)];
      const difference = compareCaches(before.cache, after.cache);
      const bytesSame = sameBytes(before.bytes, after.bytes);
      same = bytesSame && isSame(difference);
      if (options.json === true) {
        writeJson({ same, before: before.path, after: after.path, ...differenceDocument(difference, before, after) });
      } else if (!same) {
        const terminal = terminalOf(1);
        const lines = [
          ...pathLines(before, after, terminal),
          ...differenceLines(difference, before.rules, after.rules, terminal),
        ];
        if (isSame(difference)) lines.push("the entries are the same, the bytes are not");
        writeOutput(lines.map((line) => `${line}\n`).join(""));
      }
    },
    "ldcache diff",
    log,
  );
  return status === success && !same ? failure : status;
}

function pathLines(before: CacheSource, after: CacheSource, terminal: Terminal): string[] {
  return [
    styled(shownAt(terminal, `--- ${before.path}`), "bold", terminal),
    styled(shownAt(terminal, `+++ ${after.path}`), "bold", terminal),
  ];
}

/** A difference as lines: `-` of the first cache, `+` of the second. */
export function differenceLines(
  difference: CacheDifference,
  before: DescriptionRules,
  after: DescriptionRules,
  terminal: Terminal,
): string[] {
  const lines: string[] = [];
  const add = (style: Style | undefined, line: string): void => {
    lines.push(styled(shownAt(terminal, line), style, terminal));
  };
  for (const { fact, before: was, after: is } of difference.facts) {
    if (was !== "") add("red", `-${fact}: ${was}`);
    if (is !== "") add("green", `+${fact}: ${is}`);
  }
  for (const entry of difference.removed) add("red", `-${describeEntry(entry, before).slice(1)}`);
  for (const entry of difference.added) add("green", `+${describeEntry(entry, after).slice(1)}`);
  for (const entry of difference.changed) {
    add("red", `-${describeEntry(entry.before, before).slice(1)}`);
    add("green", `+${describeEntry(entry.after, after).slice(1)}`);
  }
  for (const name of difference.reordered) add("yellow", `~${name}: its entries are in another order`);
  if (difference.resorted) add("yellow", "~the names are in another order");
  return lines;
}

/** A difference as members of a JSON document. */
export function differenceDocument(
  { facts, removed, added, changed, reordered, resorted }: CacheDifference,
  before: { readonly rules: DescriptionRules },
  after: { readonly rules: DescriptionRules },
): { readonly [name: string]: Json } {
  return {
    facts: facts.map(({ fact, before: was, after: is }) => ({ fact, before: was, after: is })),
    removed: removed.map((entry) => entryDocument(entry, before.rules)),
    added: added.map((entry) => entryDocument(entry, after.rules)),
    changed: changed.map((entry) => ({
      before: entryDocument(entry.before, before.rules),
      after: entryDocument(entry.after, after.rules),
    })),
    reordered,
    resorted,
  };
}
