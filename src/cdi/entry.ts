import { contentEnd, lineBreak, lineEnd, lineStart, quotingAt, written, type Edit } from "./edit.ts";
import { resolved, type Entry, type FoundEntry, type Mapping } from "./node.ts";

/** Writes entries whose value is a list of one text, in the manner of what stands around them. */
export class EntryWriter {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** Adds an entry behind `args`, or else `path`, or else the last one; its name is not in the mapping yet. */
  added(mapping: Mapping, name: string, item: string): Edit {
    const { entries } = mapping;
    const neighbour =
      entries.findLast(({ key }) => key.value === "args") ??
      entries.findLast(({ key }) => key.value === "path") ??
      entries.at(-1);
    if (neighbour === undefined) throw new Error("nothing to write beside");
    return mapping.flow
      ? this.#inBraces(mapping, neighbour, name, item)
      : this.#onLines(mapping, neighbour, name, item);
  }

  /** Fills an entry that has an empty list, or nothing, for a value: the list, and the edit that puts it there. */
  filled({ owner, key, value }: FoundEntry, item: string): { readonly text: string; readonly edit: Edit } {
    const text = `[${this.#like(owner.entries[0] ?? { key, value }, item)}]`;
    const list = resolved(value);
    const { start, end } = list;
    if (end > start) return { text, edit: { start, end: contentEnd(this.#text, list), text } };
    // Nothing stands behind the colon, or behind an anchor.
    const colon = /^[ \t]*:/.exec(this.#text.slice(key.end, start))?.[0].length;
    const at = list.anchor !== undefined || colon === undefined ? start : key.end + colon;
    return { text, edit: { start: at, end: at, text: ` ${text}` } };
  }

  /** On a line of its own before a neighbour that begins one, so that no other line changes; else behind it. */
  #inBraces({ entries }: Mapping, { key, value }: Entry, name: string, item: string): Edit {
    const text = this.#text;
    const neighbour = { key, value };
    const colonText = text.slice(key.end, value.start);
    const colon = /^ *:[ \t]*$/.test(colonText) ? colonText : ": ";
    const entry = `${this.#like(neighbour, name)}${colon}[${this.#like(neighbour, item)}]`;
    const indentation = indentationBefore(text, key.start);
    if (indentation !== undefined) {
      return { start: key.start, end: key.start, text: `${entry},${lineBreak(text)}${indentation}` };
    }
    const at = contentEnd(text, value);
    const other = entries[1];
    const tight =
      other !== undefined && text.slice(contentEnd(text, (entries[0] ?? neighbour).value), other.key.start) === ",";
    return { start: at, end: at, text: (tight ? "," : ", ") + entry };
  }

  #onLines({ entries }: Mapping, neighbour: Entry, name: string, item: string): Edit {
    const text = this.#text;
    const { key, value } = neighbour;
    const newline = lineBreak(text);
    const column = (offset: number): number => offset - lineStart(text, offset);
    const indent = " ".repeat(column(key.start));
    const list =
      value.kind === "sequence" && !value.flow
        ? `:${newline}${" ".repeat(column(value.start))}- ${this.#like(neighbour, item)}`
        : `: [${this.#like(neighbour, item)}]`;
    const entry = indent + this.#like(entries[0] ?? neighbour, name) + list;
    const block = value.kind === "scalar" && value.style === "block";
    const at = block ? value.end : lineEnd(text, contentEnd(text, { start: key.start, end: value.end }));
    return at > 0 && text[at - 1] !== "\n"
      ? { start: at, end: at, text: newline + entry }
      : { start: at, end: at, text: entry + newline };
  }

  /** A text, quoted if the name of an entry is. */
  #like({ key }: Entry, value: string): string {
    return written(value, quotingAt(this.#text, key.start) === "double" ? "double" : "plain");
  }
}

/** What stands between the line's start and an offset, if it is blank. A whole document may be on one line. */
function indentationBefore(text: string, offset: number): string | undefined {
  let at = offset;
  while (at > 0 && (text[at - 1] === " " || text[at - 1] === "\t")) at -= 1;
  return at === 0 || text[at - 1] === "\n" ? text.slice(at, offset) : undefined;
}
