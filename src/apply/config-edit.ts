/**
 * Changing a config.json where it is to be changed: what is not changed keeps its bytes, so that numbers which no double can
 * hold, members that nobody here knows, and the order of all stay.
 */
import { edited, type Edit } from "../cdi/edit.ts";
import { parseJson } from "../cdi/json.ts";
import type { Mapping, Node, Sequence } from "../cdi/node.ts";
import { HookError } from "../errors.ts";

/** What becomes of a list: indexes of items that go, and JSON texts that come before the item of an index. */
export interface ListChange {
  readonly remove: ReadonlySet<number>;
  readonly insert: ReadonlyMap<number, readonly string[]>;
}

/** Changes of an object's members: of a list, or of an object in it. What is missing is made. */
export type Changes = ReadonlyMap<string, ListChange | Changes>;

/** The text of a config.json with changes. Throws HookError `state` when it is not what they are for. */
export function changedConfig(text: string, changes: Changes, path: string): string {
  const root = parseJson(text);
  if (!("kind" in root)) throw unfit(path, root.message);
  const edits: Edit[] = [];
  change(root, changes, text, edits, path);
  return edited(text, edits);
}

function unfit(path: string, reason: string): HookError {
  return new HookError("state", "edit", path, reason);
}

function change(node: Node, changes: Changes, text: string, edits: Edit[], path: string): void {
  if (node.kind !== "mapping") throw unfit(path, "a list or a text stands where an object belongs");
  const added: string[] = [];
  for (const [name, part] of changes) {
    if (isNothing(part)) continue;
    const member = memberOf(node, name, path);
    if (member === undefined) added.push(`"${name}":${made(part)}`);
    else if (member.kind === "scalar" && member.style === "plain" && member.value === "null") {
      edits.push({ start: member.start, end: member.end, text: made(part) });
    } else if (!("remove" in part)) change(member, part, text, edits, path);
    else if (member.kind === "sequence") edits.push(listEdit(member, part, text));
    else throw unfit(path, `${name} is not a list`);
  }
  if (added.length === 0) return;
  const last = node.entries.at(-1)?.value.end;
  const at = last ?? node.start + 1;
  edits.push({ start: at, end: at, text: (last === undefined ? "" : ",") + added.join(",") });
}

function isNothing(part: ListChange | Changes): boolean {
  if ("remove" in part) return part.remove.size === 0 && part.insert.size === 0;
  return [...part.values()].every(isNothing);
}

/** Readers differ on what a name means that comes twice, or in other letters. */
function memberOf(node: Mapping, name: string, path: string): Node | undefined {
  const wanted = name.toLowerCase();
  const found = node.entries.filter(({ key }) => key.value.toLowerCase() === wanted);
  if (found.length > 1 || (found[0] !== undefined && found[0].key.value !== name)) {
    throw unfit(path, `"${name}" is there twice, or in other letters`);
  }
  return found[0]?.value;
}

function made(part: ListChange | Changes): string {
  if ("remove" in part) return `[${[...part.insert.values()].flat().join(",")}]`;
  const members = [...part].filter(([, inner]) => !isNothing(inner)).map(([name, inner]) => `"${name}":${made(inner)}`);
  return `{${members.join(",")}}`;
}

/** The white space before the first item stands before each, that behind the last before the bracket. */
function listEdit({ start, end, items }: Sequence, { remove, insert }: ListChange, text: string): Edit {
  const kept = items.flatMap((item, at) => [
    ...(insert.get(at) ?? []),
    ...(remove.has(at) ? [] : [text.slice(item.start, item.end)]),
  ]);
  kept.push(...(insert.get(items.length) ?? []));
  const [first, last] = [items[0], items.at(-1)];
  const before = first === undefined ? "" : text.slice(start + 1, first.start);
  const behind = last === undefined ? "" : text.slice(last.end, end - 1);
  const content = kept.length === 0 ? "" : before + kept.join(`,${before}`) + behind;
  return { start, end, text: `[${content}]` };
}
