import { unifiedDiff } from "../../cdi/diff.ts";
import { printable } from "../../logger.ts";
import { styled, type Style, type Terminal } from "../terminal.ts";

/** A difference for people: coloured at a terminal, and as patch(1) takes it elsewhere. */
export function shownDiff(path: string, before: string, after: string, terminal: Terminal): string {
  const lines = unifiedDiff(before, after, path, path);
  if (!terminal.isTerminal) return lines.join("");
  return lines.map((line) => `${styled(printable(line.replace(/\r?\n$/, "")), styleOf(line), terminal)}\n`).join("");
}

function styleOf(line: string): Style | undefined {
  if (line.startsWith("--- ") || line.startsWith("+++ ")) return "bold";
  return line.startsWith("-") ? "red" : line.startsWith("+") ? "green" : line.startsWith("@") ? "cyan" : undefined;
}
