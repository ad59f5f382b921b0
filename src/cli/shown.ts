import { printable } from "../logger.ts";
import type { Terminal } from "./terminal.ts";

/** A line with a name in it: as it is on a pipe, as something that a terminal only shows at one. A tab before it stays. */
export function shownAt(terminal: Terminal, line: string): string {
  if (!terminal.isTerminal) return line;
  return line.startsWith("\t") ? `\t${printable(line.slice(1))}` : printable(line);
}
