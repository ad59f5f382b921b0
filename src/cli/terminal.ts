import { terminalColumns } from "../kernel/terminal.ts";

declare const environment: (name: string) => string | undefined;

/** What people see of a stream of ours. */
export interface Terminal {
  /** Somebody sees it at once; false for a pipe and a file. */
  readonly isTerminal: boolean;
  /** How many columns a line may take; Infinity where nothing has to fit. */
  readonly columns: number;
  /** Colours are wanted. */
  readonly coloured: boolean;
}

/** As wide as terminals are that do not tell. */
const USUAL_COLUMNS = 80;
/** Nothing readable fits into less. */
const FEWEST_COLUMNS = 20;

/**
 * What is behind stdout (1) or stderr (2). At a terminal COLUMNS, where it is a number, wins over the terminal's own width,
 * and there are no colours when NO_COLOR is not empty (no-color.org) or TERM is `dumb`.
 */
export function terminalOf(descriptor: 1 | 2): Terminal {
  const columns = terminalColumns(descriptor);
  if (columns < 0) return { isTerminal: false, columns: Infinity, coloured: false };
  const asked = /^[1-9][0-9]{0,4}$/.exec(environment("COLUMNS") ?? "")?.[0];
  const width = asked === undefined ? columns || USUAL_COLUMNS : Number(asked);
  const coloured = (environment("NO_COLOR") ?? "") === "" && environment("TERM") !== "dumb";
  return { isTerminal: true, columns: Math.max(width, FEWEST_COLUMNS), coloured };
}

/** ECMA-48, Select Graphic Rendition. */
const STYLES = { bold: "1", dim: "2", red: "31", green: "32", yellow: "33", cyan: "36" };

export type Style = keyof typeof STYLES;

/** The text in a colour, where colours are wanted. It has to be printable (`printable` in logger.ts). */
export function styled(text: string, style: Style | undefined, terminal: Terminal): string {
  return style === undefined || !terminal.coloured || text === "" ? text : `\x1b[${STYLES[style]}m${text}\x1b[0m`;
}

/** U+2026 as a byte string of UTF-8: stands for what was cut off. */
export const ELLIPSIS = "\u00e2\u0080\u00a6";

/** How many columns a printable byte string takes: one for each character of its UTF-8. */
export function columnsOf(text: string): number {
  const more = text.match(/[\x80-\xbf]/g);
  return text.length - (more === null ? 0 : more.length);
}

/** A printable byte string in at most `columns` (1 or more) columns, cut at its end or, for paths, at its start. */
export function fitted(text: string, columns: number, cut: "start" | "end" = "end"): string {
  if (columnsOf(text) <= columns) return text;
  const characters = text.match(/[^\x80-\xbf][\x80-\xbf]*/g) ?? [];
  const kept = Math.max(0, columns - 1);
  return cut === "end"
    ? characters.slice(0, kept).join("") + ELLIPSIS
    : ELLIPSIS + characters.slice(characters.length - kept).join("");
}
