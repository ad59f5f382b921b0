import {
  deciding,
  viaText,
  type Attempt,
  type Explanation,
  type LoadedObject,
  type Lookup,
  type Process,
} from "../../loader/explain.ts";
import { printable } from "../../logger.ts";
import { entryCount } from "./entry-count.ts";
import { styled, type Style, type Terminal } from "../terminal.ts";
import { table, type Cell } from "../table.ts";

/** How one library is found: the answer, on whose authority, all that was looked at, and what is remarkable about it. */
export function lookupText(explanation: Explanation, lookup: Lookup, terminal: Terminal): string {
  const { process } = explanation;
  const by = lookup.by?.path === "" || lookup.by === undefined ? "" : ` for ${printable(lookup.by.path)}`;
  const lines = [
    `${printable(lookup.name)}${by}: ${styled(printable(answerOf(lookup)), styleOf(lookup), terminal)}\n`,
    assumptions(explanation),
  ];
  const rows = rowsOf(lookup, process);
  if (rows.length > 0) lines.push("\n", table(COLUMNS, rows, terminal));
  return lines.join("") + notesText(explanation, terminal);
}

const COLUMNS = [{ title: "WHERE", cut: "start" }, { title: "FILE", cut: "start" }, { title: "RESULT" }] as const;

function answerOf({ outcome, object, reason, attempts }: Lookup): string {
  switch (outcome) {
    case "loaded":
      return object?.path ?? "";
    case "already":
      return `${object?.path ?? ""}, which is loaded already`;
    case "missing":
      return "not found";
    case "refused":
      return `${deciding(attempts)?.path ?? ""}: ${reason ?? ""}`;
  }
}

function styleOf({ outcome }: Lookup): Style {
  return outcome === "loaded" || outcome === "already" ? "green" : "red";
}

function assumptions({ linker, cpu, process }: Explanation): string {
  const cache =
    process.chooser === undefined ? "" : `; ${linker.cachePath}, ${entryCount(process.chooser.cache.count)}`;
  const what = `${linker.path}: ${linker.description}${cache}; processor: ${cpu.cpu.name}, ${cpu.why}`;
  return `by ${printable(what)}\n`;
}

/**
 * A row for each path that something is to be said of; where nothing is, one for all subfolders of a folder together, and
 * none behind the place where the library is found.
 */
function rowsOf({ attempts, name }: Lookup, process: Process): Cell[][] {
  const rows: Cell[][] = [];
  const decided = deciding(attempts);
  let isBehind = false;
  for (let at = 0; at < attempts.length; at += 1) {
    const attempt = attempts[at];
    if (attempt === undefined) continue;
    const where = viaText(attempt.via, process);
    const isFirstDefault = attempt.via.kind === "default" && attempts[at - 1]?.via.kind !== "default";
    if (isFirstDefault && !isBehind && process.chooser !== undefined && attempts[at - 1]?.via.kind !== "cache") {
      rows.push([process.linker.cachePath, "", { text: "no entry", style: "dim" }]);
    }
    if (!isPlain(attempt)) {
      rows.push([where, attempt.path, resultOf(attempt, isBehind ? decided : undefined)]);
      isBehind ||= attempt === decided;
      continue;
    }
    const folder = folderOf(attempt, name);
    const group = [attempt];
    for (let next = attempts[at + 1]; next !== undefined && isPlain(next); next = attempts[at + 1]) {
      if (viaText(next.via, process) !== where || folderOf(next, name) !== folder) break;
      group.push(next);
      at += 1;
    }
    const isMissing = group.every(({ noFolder }) => noFolder);
    const isWhole = group.some(({ hwcaps }) => hwcaps === undefined);
    if (isBehind || (isMissing && !isWhole)) continue;
    const what = isMissing ? "no such folder" : "not there";
    rows.push([where, folder === "" ? "(the working directory)" : folder, { text: what, style: "dim" }]);
  }
  return rows;
}

/** Nothing is there, and nothing is to be said of it. */
function isPlain({ candidate, via }: Attempt): boolean {
  return candidate.verdict === "absent" && candidate.reason === "" && via.kind !== "cache" && via.kind !== "path";
}

/** The searched folder, without the subfolder. */
function folderOf({ path, hwcaps }: Attempt, name: string): string {
  const end = path.length - name.length - (hwcaps === undefined ? 0 : hwcaps.length + 1);
  return path.slice(0, end > 1 ? end - 1 : end);
}

/** `decided`: the attempt that decided before this one. */
function resultOf({ candidate, noFolder, hwcaps }: Attempt, decided: Attempt | undefined): Cell {
  const suffix = hwcaps === undefined ? "" : ` (${hwcaps})`;
  switch (candidate.verdict) {
    case "found": {
      if (decided === undefined) return { text: `found${suffix}`, style: "green" };
      const first = decided.candidate;
      const isSame = first.verdict === "found" && first.identity === candidate.identity;
      return isSame ? { text: "the same file", style: "dim" } : { text: `hidden${suffix}`, style: "yellow" };
    }
    case "refused":
      return { text: candidate.reason, style: decided === undefined ? "red" : "dim" };
    case "skipped":
      return { text: candidate.reason, style: "yellow" };
    case "absent":
      return { text: noFolder ? "no such folder" : candidate.reason || "not there", style: "dim" };
  }
}

/** Tree drawing in UTF-8, as byte strings: U+251C U+2500 U+2500, U+2514 U+2500 U+2500, U+2502. */
const BRANCH = "\u00e2\u0094\u009c\u00e2\u0094\u0080\u00e2\u0094\u0080 ";
const LAST = "\u00e2\u0094\u0094\u00e2\u0094\u0080\u00e2\u0094\u0080 ";
const TRUNK = "\u00e2\u0094\u0082   ";
/** Deeper rows are not moved further to the right. */
const DEEPEST = 24;

/** All that a program needs, each library below the first that asks for it in this order. */
export function treeText(explanation: Explanation, terminal: Terminal): string {
  const { process } = explanation;
  const lines = [`${printable(process.program.path)}\n`, assumptions(explanation)];
  const shown = new Set<LoadedObject>([process.program]);
  const pending = rowsBelow(process.program, "", 0);
  for (let row = pending.pop(); row !== undefined; row = pending.pop()) {
    const { lookup, prefix, depth, isLast } = row;
    const { object } = lookup;
    const isNew = object !== undefined && !shown.has(object);
    lines.push(`${prefix}${isLast ? LAST : BRANCH}${nodeText(lookup, isNew, process, terminal)}\n`);
    if (object === undefined || !isNew) continue;
    shown.add(object);
    const below = depth < DEEPEST ? prefix + (isLast ? "    " : TRUNK) : prefix;
    pending.push(...rowsBelow(object, below, depth + 1));
  }
  return lines.join("") + notesText(explanation, terminal);
}

interface TreeRow {
  readonly lookup: Lookup;
  readonly prefix: string;
  readonly depth: number;
  readonly isLast: boolean;
}

/** The rows of what an object asks for, the last one first. */
function rowsBelow({ lookups }: LoadedObject, prefix: string, depth: number): TreeRow[] {
  return lookups.map((lookup, at) => ({ lookup, prefix, depth, isLast: at === lookups.length - 1 })).reverse();
}

function nodeText(lookup: Lookup, isNew: boolean, process: Process, terminal: Terminal): string {
  const { name, kind, outcome, object } = lookup;
  const label = kind === "needed" ? printable(name) : `${printable(name)} (${kind})`;
  if (outcome === "missing" || outcome === "refused") {
    const style = kind === "auxiliary" ? "yellow" : "red";
    return `${label}: ${styled(printable(answerOf(lookup)), style, terminal)}`;
  }
  if (object === process.linkerObject) return styled(`${label}: the dynamic linker itself`, "dim", terminal);
  if (!isNew) return styled(`${label}: above`, "dim", terminal);
  const via = deciding(object?.lookup?.attempts ?? [])?.via;
  const how = via === undefined ? "" : styled(` (${printable(viaText(via, process))})`, "dim", terminal);
  return `${label} => ${printable(object?.path ?? "")}${how}`;
}

function notesText({ notes }: Explanation, terminal: Terminal): string {
  if (notes.length === 0) return "";
  return `\n${notes.map(({ text }) => `${styled("note:", "yellow", terminal)} ${printable(text)}\n`).join("")}`;
}
