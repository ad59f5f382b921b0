import { defaultStateDirectory } from "../../cdi/originals.ts";
import { restoreSpecs, type RestoreOutcome } from "../../cdi/restore.ts";
import type { Logger } from "../../logger.ts";
import { printable } from "../../logger.ts";
import { exitStatusOf, failure, success } from "../exit.ts";
import { writeJson } from "../json.ts";
import { writeOutput } from "../output.ts";
import { terminalOf } from "../terminal.ts";
import { shownDiff } from "./shown-diff.ts";

export interface RestoreFlags {
  readonly state?: string;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** `cdi restore`: the exit status, 1 when a spec that has our hooks was left as it is. */
export function restore(paths: readonly string[], flags: RestoreFlags, log: Logger): number {
  let failed = false;
  const status = exitStatusOf(
    () => {
      const write = flags.dryRun !== true;
      const outcomes = restoreSpecs({
        paths: paths.length === 0 ? undefined : paths,
        state: flags.state ?? defaultStateDirectory,
        force: flags.force,
        write,
      });
      for (const outcome of outcomes) tellTrouble(outcome, log);
      if (flags.json === true) {
        const specs = outcomes.map(({ path, status: each, reason = "" }) => ({ path, status: each, reason }));
        writeJson({ written: write, specs });
      } else if (write) writeOutput(told(outcomes));
      else writeOutput(outcomes.map(diffOf).join(""));
      failed = outcomes.some(({ status: each }) => each === "failed" || each === "changed");
    },
    "cdi restore",
    log,
  );
  return status === success && failed ? failure : status;
}

function tellTrouble({ path, status, reason = "" }: RestoreOutcome, log: Logger): void {
  if (status === "failed") log.error(reason.includes(path) ? reason : `${path}: ${reason}`, { path });
  if (status !== "changed") return;
  log.error(`${path}: left alone: it was changed since it was rewritten; --force gives it its original bytes`, {
    path,
  });
}

function diffOf({ path, before, after }: RestoreOutcome): string {
  return before === undefined || after === undefined ? "" : shownDiff(path, before, after, terminalOf(1));
}

const words: Readonly<Record<RestoreOutcome["status"], string>> = {
  restored: "restored",
  original: "has its original bytes",
  regenerated: "left alone: it was written anew since, without our hooks",
  changed: "",
  gone: "is gone",
  unknown: "nothing is kept of it",
  failed: "",
};

function told(outcomes: readonly RestoreOutcome[]): string {
  if (outcomes.length === 0) return "nothing to restore\n";
  return outcomes
    .filter(({ status }) => words[status] !== "")
    .map(({ path, status }) => `${printable(`${path}: ${words[status]}`)}\n`)
    .join("");
}
