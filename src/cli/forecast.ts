import type { HookEntry } from "../apply/entry.ts";
import type { ChainedHook } from "../hooks/chain.ts";
import { printable } from "../logger.ts";
import type { Change } from "../rootfs/changes.ts";
import { writeJson } from "./json.ts";
import { writeOutput } from "./output.ts";
import { table } from "./table.ts";
import { terminalOf } from "./terminal.ts";

/** What hooks would do to a root. */
export interface Forecast {
  /** The root's host path. */
  readonly path: string;
  /** How it was seen. */
  readonly view: string;
  readonly chain: readonly ChainedHook[];
  /** Hooks that are not ours. */
  readonly others: readonly HookEntry[];
  readonly changes: readonly Change[];
  /** Whether there was nothing at the path of a change. */
  readonly isNew: (path: string) => boolean;
}

/** Prints a forecast: a table of changes, or one JSON object. */
export function tellForecast(
  { path, view, chain, others, changes: list, isNew: isNewPath }: Forecast,
  json: boolean,
): void {
  const isNew = (change: Change): boolean => isNewPath(change.path);
  if (json) {
    writeJson({
      root: path,
      view,
      hooks: chain.map(({ hook }) => hook.name),
      notRun: others.map((entry) => ({ stage: entry.stage, path: entry.path, args: entry.args })),
      changes: list.map((change) => ({
        path: change.path,
        change: verbOf(change, isNew(change)),
        ...(change.kind === "removed" || change.kind === "mode" ? {} : { kind: change.kind }),
        ...("mode" in change ? { mode: change.mode.toString(8) } : {}),
        ...("target" in change ? { target: change.target } : {}),
        ...("bytes" in change ? { bytes: change.bytes.length } : {}),
      })),
    });
    return;
  }
  writeOutput(`${printable(path)}, seen as ${view}: ${chain.map(({ hook }) => hook.name).join(", ") || "no hooks"}\n`);
  for (const { stage, path: program } of others) writeOutput(`not run: ${printable(program)} (${stage})\n`);
  if (list.length === 0) {
    writeOutput("nothing would change\n");
    return;
  }
  const columns = [
    { title: "CHANGE" },
    { title: "PATH", cut: "start" as const },
    { title: "WHAT", cut: "end" as const },
  ];
  const rows = list.map((change) => [verbOf(change, isNew(change)), change.path, whatOf(change)]);
  writeOutput(table(columns, rows, terminalOf(1)));
}

function verbOf({ kind }: Change, isNew: boolean): string {
  if (kind === "removed") return "remove";
  if (kind === "mode") return "mode";
  if (kind === "mounted") return "mount";
  return isNew ? "make" : "replace";
}

function whatOf(change: Change): string {
  switch (change.kind) {
    case "link":
      return `-> ${change.target}`;
    case "file":
    case "mounted":
      return `${change.bytes.length} bytes, mode ${change.mode.toString(8)}`;
    case "directory":
      return "folder";
    case "mode":
      return `mode ${change.mode.toString(8)}`;
    case "removed":
      return "";
  }
}
