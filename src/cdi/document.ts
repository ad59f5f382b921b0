import { HookError } from "../errors.ts";
import type { Mapping } from "./node.ts";
import { parseJson } from "./json.ts";
import { parseYaml, type Complaint, type Parsed } from "./yaml.ts";

/** Something to be told of a spec. Lines and columns begin with 1; a column counts bytes. */
export interface Problem {
  readonly severity: "error" | "warning";
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** The first document of a file, which is all that a CDI reader reads of it. */
export interface SpecDocument {
  /** The byte order mark that the file begins with, or "". */
  readonly mark: string;
  /** The file behind the mark, as a byte string; offsets count from here. */
  readonly text: string;
  readonly root: Mapping;
  readonly lines: Lines;
  readonly warnings: readonly Problem[];
}

/** A document, or why there is none. */
export type Reading =
  | { readonly document: SpecDocument; readonly problems?: never }
  | { readonly document?: never; readonly problems: readonly Problem[] };

/** Problems of one file that are told. */
export const problemsTold = 100;

const byteOrderMark = "\xef\xbb\xbf";
// oxlint-disable-next-line no-control-regex -- YAML 1.1 has none of these, and libyaml ends at the first
const controls = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/;
const notUtf8 =
  // oxlint-disable-next-line no-control-regex -- what is well formed, ASCII included (Unicode 15, table 3-7)
  /^(?:[\x00-\x7f]+|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})*/;

/**
 * Parses the bytes of a CDI spec, YAML or JSON, as CDI's readers do (YAML 1.1 by go-yaml v2, for `.json` files too): the
 * first document only, names in any order. A key may come twice and names may be unknown; `validate` tells these.
 */
export function parseDocument(bytes: string): Reading {
  const mark = bytes.startsWith(byteOrderMark) ? byteOrderMark : "";
  const text = bytes.slice(mark.length);
  const lines = new Lines(text);
  const unread = unreadable(text);
  if (unread !== undefined) return { problems: [lines.problem("error", unread.offset, unread.message)] };
  const { root, complaints, second } = parsed(text);
  if (complaints.length > 0) {
    const told = complaints.slice(0, problemsTold);
    return { problems: told.map(({ offset, message }) => lines.problem("error", offset, message)) };
  }
  if (root === undefined || (root.kind === "scalar" && root.value === "")) {
    return { problems: [lines.problem("error", 0, "nothing in it")] };
  }
  if (root.kind !== "mapping") return { problems: [lines.problem("error", root.start, "not an object")] };
  const warnings =
    second === undefined ? [] : [lines.problem("warning", second, "a further document, which no CDI reader reads")];
  return { document: { mark, text, root, lines, warnings } };
}

/** Bytes of a YAML document that is parsed; its parser takes two hundred times that much memory. */
export const largestYaml = 1 << 20;

/** Parses JSON where it is that, else YAML, and takes what the parser throws for a complaint about the text. */
function parsed(text: string): Parsed {
  const looksLikeJson = /^[ \t\r\n]*\{[ \t\r\n]*(?:"|\})/.test(text);
  try {
    const json = looksLikeJson ? parseJson(text) : undefined;
    if (json !== undefined && "kind" in json) return { root: json, complaints: [], second: undefined };
    if (text.length > largestYaml) {
      return failed(json ?? { offset: 0, message: `larger than ${largestYaml} bytes, and not JSON` });
    }
    const yaml = parseYaml(text);
    return yaml.complaints.length > 0 && json !== undefined ? failed(json) : yaml;
  } catch (error) {
    // null is what the engine throws when there is no memory left.
    if (error === null) return failed({ offset: 0, message: "too large to be parsed" });
    if (!(error instanceof Error) || error instanceof HookError) throw error;
    return failed({ offset: 0, message: `cannot be parsed: ${error.message}` });
  }
}

function failed(complaint: Complaint): Parsed {
  return { root: undefined, complaints: [complaint], second: undefined };
}

function unreadable(text: string): Complaint | undefined {
  if (text.startsWith("\xff\xfe") || text.startsWith("\xfe\xff")) {
    return { offset: 0, message: "UTF-16, which is not read here: write it as UTF-8" };
  }
  const control = controls.exec(text);
  if (control !== null) return { offset: control.index, message: "a control character" };
  const lone = /\r(?!\n)/.exec(text);
  if (lone !== null)
    return { offset: lone.index, message: "lines that end with a carriage return alone are not read here" };
  const sound = soundLength(text);
  return sound === text.length ? undefined : { offset: sound, message: "not UTF-8" };
}

/** How many bytes from the start are UTF-8. In pieces, as the engine's expressions keep a state for every repetition. */
function soundLength(text: string): number {
  // oxlint-disable-next-line no-control-regex -- "is it ASCII" is what is asked
  if (/^[\x00-\x7f]*$/.test(text)) return text.length;
  const piece = 4096;
  let at = 0;
  while (at < text.length) {
    const length = notUtf8.exec(text.slice(at, at + piece))?.[0].length ?? 0;
    if (length === 0) return at;
    at += length;
  }
  return at;
}

/** Offsets as lines and columns. */
export class Lines {
  readonly #text: string;
  #starts: readonly number[] | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  /** Line and column of an offset, both from 1. */
  place(offset: number): { readonly line: number; readonly column: number } {
    this.#starts ??= startsOf(this.#text);
    let low = 0;
    let high = this.#starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: offset - (this.#starts[low] ?? 0) + 1 };
  }

  problem(severity: Problem["severity"], offset: number, message: string): Problem {
    return { severity, ...this.place(offset), message };
  }
}

function startsOf(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}
