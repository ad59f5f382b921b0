import { HookError } from "../../errors.ts";
import type { Change } from "../../cdi/plan.ts";
import { rewriteSpecs, type RewriteOutcome } from "../../cdi/rewrite.ts";
import type { Logger } from "../../logger.ts";
import { printable } from "../../logger.ts";
import { exitStatusOf, failure, success } from "../exit.ts";
import { writeJson, type Json } from "../json.ts";
import { writeOutput } from "../output.ts";
import { terminalOf } from "../terminal.ts";
import { counted, problemDocument, tellProblems } from "./problems.ts";
import { rulesOf, type RuleFlags } from "./rules.ts";
import { shownDiff } from "./shown-diff.ts";

export interface RewriteFlags extends RuleFlags {
  readonly output?: string;
  readonly dryRun?: boolean;
  readonly check?: boolean;
  readonly json?: boolean;
}

/** `cdi rewrite`: the exit status, 1 when a spec could not be rewritten, or with --check when one would be. */
export function rewrite(paths: readonly string[], flags: RewriteFlags, log: Logger): number {
  let failed = false;
  const status = exitStatusOf(
    () => {
      const write = flags.dryRun !== true && flags.check !== true;
      if (flags.output === "") throw new HookError("usage", "parse --output", "", "an empty path");
      const output = flags.output?.replace(/(?<=.)\/+$/, "");
      const outcomes = rewriteSpecs({
        ...rulesOf(flags),
        paths: paths.length === 0 ? undefined : paths,
        output,
        write,
      });
      for (const { path, problems } of outcomes) tellProblems(path, problems, log);
      if (flags.json === true) writeJson({ written: write, specs: outcomes.map(outcomeDocument) });
      else if (flags.dryRun === true) writeOutput(outcomes.map(diffOf).join(""));
      else writeOutput(told(outcomes, write));
      failed = outcomes.some(
        ({ status: each }) => each === "failed" || each === "disturbed" || (flags.check === true && each === "changed"),
      );
    },
    "cdi rewrite",
    log,
  );
  return status === success && failed ? failure : status;
}

function diffOf({ path, before, after }: RewriteOutcome): string {
  return before === undefined || after === undefined ? "" : shownDiff(path, before, after, terminalOf(1));
}

function told(outcomes: readonly RewriteOutcome[], write: boolean): string {
  const lines = outcomes.flatMap((outcome) => lineOf(outcome, write));
  if (outcomes.length === 0) lines.push("no CDI specs found");
  return lines.map((line) => `${printable(line)}\n`).join("");
}

function lineOf({ path, target, status, hooks, changes }: RewriteOutcome, write: boolean): readonly string[] {
  if (status === "changed") {
    const where = target === path || !path.startsWith("/") ? "" : ` (${target})`;
    return [`${path}${where}: ${write ? "rewritten" : "would be rewritten"}: ${countedChanges(changes)}`];
  }
  if (status === "unchanged") {
    return [
      `${path}: unchanged: ${hooks === 0 ? "no NVIDIA hooks" : `${counted(hooks, "hook")}, all as they should be`}`,
    ];
  }
  return status === "skipped" ? [`${path}: skipped`] : [];
}

function countedChanges(changes: readonly Change[]): string {
  const number = (what: Change["what"]): number => changes.filter((change) => change.what === what).length;
  const parts = [
    [number("path"), counted(number("path"), "path")],
    [number("env"), `${counted(number("env"), "environment")} added`],
    [number("stage"), counted(number("stage"), "stage")],
    [number("joined"), `${counted(number("joined") + number("chain"), "hook")} joined to ${number("chain")}`],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .map(([, text]) => text)
    .join(", ");
}

function outcomeDocument({ path, target, status, hooks, changes, problems }: RewriteOutcome): Json {
  return {
    path,
    target,
    status,
    hooks,
    changes: changes.map(({ line, what, from, to }) => ({ line, what, from, to })),
    problems: problems.map(problemDocument),
  };
}
