import { printable } from "../logger.ts";
import { columnsOf, fitted, styled, type Style, type Terminal } from "./terminal.ts";

/** A column of a table. */
export interface Column {
  /** Its heading, printable. */
  readonly title: string;
  /** Numbers stand right; `left` unless told. */
  readonly align?: "left" | "right";
  /** Which end of a cell goes when the table is too wide, `start` for paths; a column without it stays as it is. */
  readonly cut?: "start" | "end";
}

/** What stands in a cell: any byte string, made printable here; with a style, or without. */
export type Cell = string | { readonly text: string; readonly style: Style };

const GAP = "  ";
/** A column is not cut to less. */
const NARROWEST = 8;

/**
 * A table as lines, each with its newline: headings, then the rows. At a terminal, columns with `cut` are made narrower,
 * the widest first, until the table fits; on a pipe nothing is cut. No blanks at the ends of lines.
 */
export function table(columns: readonly Column[], rows: readonly (readonly Cell[])[], terminal: Terminal): string {
  const texts = rows.map((row) => columns.map((_, at) => printable(textOf(row[at]))));
  const widths = columns.map(({ title }, at) =>
    texts.reduce((widest, row) => Math.max(widest, columnsOf(row[at] ?? "")), columnsOf(title)),
  );
  narrow(columns, widths, terminal.columns);
  const line = (cells: readonly string[], styleOf: (at: number) => Style | undefined): string => {
    const shown = columns.map(({ align, cut }, at) => {
      const width = widths[at] ?? 0;
      const text = cut === undefined ? (cells[at] ?? "") : fitted(cells[at] ?? "", width, cut);
      const blanks = " ".repeat(Math.max(0, width - columnsOf(text)));
      const inStyle = styled(text, styleOf(at), terminal);
      return align === "right" ? blanks + inStyle : inStyle + blanks;
    });
    return `${shown.join(GAP).trimEnd()}\n`;
  };
  const headings = line(
    columns.map(({ title }) => title),
    () => "bold",
  );
  return headings + texts.map((cells, at) => line(cells, (column) => styleOfCell(rows[at]?.[column]))).join("");
}

function narrow(columns: readonly Column[], widths: number[], room: number): void {
  let excess = widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length) - room;
  for (; excess > 0; excess -= 1) {
    let widest = -1;
    for (const [at, width] of widths.entries()) {
      if (columns[at]?.cut !== undefined && width > Math.max(NARROWEST, widths[widest] ?? 0)) widest = at;
    }
    if (widest === -1) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
}

function textOf(cell: Cell | undefined): string {
  return cell === undefined ? "" : typeof cell === "string" ? cell : cell.text;
}

function styleOfCell(cell: Cell | undefined): Style | undefined {
  return typeof cell === "object" ? cell.style : undefined;
}
