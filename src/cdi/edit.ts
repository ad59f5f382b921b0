import { typeOf } from "./plain.ts";

/** The bytes `start..end` of a text, and what stands there instead. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The text with its edits, which must not overlap. Those of one place are made in the order given. */
export function edited(text: string, edits: readonly Edit[]): string {
  const pieces: string[] = [];
  let at = 0;
  for (const { start, end, text: instead } of edits.toSorted(byPlace)) {
    if (start < at) throw new Error("edits overlap");
    pieces.push(text.slice(at, start), instead);
    at = end;
  }
  pieces.push(text.slice(at));
  return pieces.join("");
}

/** What is put in at a place comes before what replaces the bytes behind it. */
function byPlace(one: Edit, other: Edit): number {
  return one.start - other.start || one.end - other.end;
}

/** How a scalar is written. */
export type Quoting = "plain" | "single" | "double";

/** The way in which the scalar at an offset is written; a block scalar counts as plain. */
export function quotingAt(text: string, offset: number): Quoting {
  return text[offset] === '"' ? "double" : text[offset] === "'" ? "single" : "plain";
}

/** A byte string as a scalar of YAML, in the wanted way where that can be. In double quotes it is JSON as well. */
export function written(value: string, quoting: Quoting): string {
  if (quoting === "plain" && isSafePlain(value)) return value;
  // oxlint-disable-next-line no-control-regex -- control characters need escapes, which only double quotes have
  if (quoting === "single" && !/[\x00-\x1f\x7f]/.test(value)) return `'${value.replaceAll("'", "''")}'`;
  // oxlint-disable-next-line no-control-regex -- the same
  return `"${value.replace(/["\\\x00-\x1f\x7f]/g, escaped)}"`;
}

/** Text that is itself wherever a scalar may stand, in lists with brackets too. */
function isSafePlain(value: string): boolean {
  return (
    /^(?:-{1,2}[A-Za-z]|[A-Za-z0-9_./])[A-Za-z0-9_./+@=-]*$/.test(value) &&
    typeOf({ kind: "scalar", start: 0, end: 0, style: "plain", value, tagged: false, anchor: undefined }) ===
      "string" &&
    !/^(?:\d{4}-\d\d?-\d|\.\.\.)/.test(value)
  );
}

function escaped(character: string): string {
  if (character === '"' || character === "\\") return `\\${character}`;
  return `\\u00${(character.charCodeAt(0) + 0x100).toString(16).slice(1)}`;
}

/** Offset of the first byte of the line in which an offset is. */
export function lineStart(text: string, offset: number): number {
  return offset === 0 ? 0 : text.lastIndexOf("\n", offset - 1) + 1;
}

/** Offset behind the newline that ends the line in which an offset is; the text's end where there is none. */
export function lineEnd(text: string, offset: number): number {
  const newline = text.indexOf("\n", offset);
  return newline < 0 ? text.length : newline + 1;
}

/** The end of a node without the white space and newlines that the parser counts to it. */
export function contentEnd(text: string, { start, end }: { readonly start: number; readonly end: number }): number {
  let at = end;
  while (at > start && /[ \t\r\n]/.test(text[at - 1] ?? "")) at -= 1;
  return at;
}

/** What ends the lines of a text. */
export function lineBreak(text: string): string {
  const newline = text.indexOf("\n");
  return newline > 0 && text[newline - 1] === "\r" ? "\r\n" : "\n";
}
