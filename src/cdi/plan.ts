/**
 * The edits that a rewrite makes in a document. Only what has to change is replaced: the directory of a path, a stage, an
 * environment that is missing; with `chain`, the words that are added to the first hook, and the hooks that they stand for.
 */

import { chainPlace, chains, chainWords, type Link } from "./chain.ts";
import type { SpecDocument } from "./document.ts";
import { contentEnd, lineBreak, lineEnd, lineStart, quotingAt, written, type Edit } from "./edit.ts";
import { EntryWriter } from "./entry.ts";
import { hookEnvironment, hookLists, hookProgram } from "./hooks.ts";
import { entriesNamed, merges, resolved, type Mapping, type Node, type Scalar, type Sequence } from "./node.ts";
import { pathOf, stageOf, type RewriteRules } from "./options.ts";
import { textOf } from "./plain.ts";
import { linkOf } from "./spec.ts";
import { References } from "./references.ts";

/** Something that a rewrite changes, for people. */
export interface Change {
  readonly line: number;
  /** `joined`: the hook became a part of another one. */
  readonly what: "path" | "env" | "stage" | "chain" | "joined";
  readonly from: string;
  readonly to: string;
}

/** Hooks of one list that become one: indices of its items, the first being the one that stays. */
export interface Group {
  readonly list: Sequence;
  readonly members: readonly number[];
}

export interface Plan {
  readonly edits: readonly Edit[];
  /** In the order of the file. */
  readonly changes: readonly Change[];
  readonly groups: readonly Group[];
  /** Hooks of NVIDIA's or ours that the document has, those of aliases once. */
  readonly hooks: ReadonlySet<Mapping>;
  /** Where entries of these hooks stand that are merged into them. */
  readonly bases: ReadonlySet<Mapping>;
}

/** Plans the rewrite of a document. What it leads to has to be checked (intended.ts): the plan trusts the parser. */
export function planRewrite(document: SpecDocument, rules: RewriteRules): Plan {
  return new Planner(document, rules).plan();
}

class Planner {
  readonly #document: SpecDocument;
  readonly #rules: RewriteRules;
  readonly #references: References;
  readonly #entries: EntryWriter;
  readonly #edits: Edit[] = [];
  readonly #changes: Change[] = [];
  readonly #groups: Group[] = [];
  readonly #seen = new Set<Mapping>();
  readonly #hooks = new Set<Mapping>();
  readonly #bases = new Set<Mapping>();
  /** Mappings in which an environment is to be added or filled. */
  readonly #environments = new Set<Mapping>();

  constructor(document: SpecDocument, rules: RewriteRules) {
    this.#document = document;
    this.#rules = rules;
    this.#references = new References(document.root);
    this.#entries = new EntryWriter(document.text);
  }

  plan(): Plan {
    for (const list of hookLists(this.#document.root)) {
      const groups = this.#rules.chain === true ? this.#chain(list) : [];
      const joined = new Set(groups.flatMap(({ members }) => members.slice(1)));
      for (const [index, item] of list.items.entries()) if (!joined.has(index)) this.#hook(resolved(item));
    }
    this.#edits.push(...this.#references.edits(this.#document.text));
    const changes = this.#changes.toSorted((one, other) => one.line - other.line);
    return { edits: this.#edits, changes, groups: this.#groups, hooks: this.#hooks, bases: this.#bases };
  }

  #hook(hook: Node): void {
    if (hook.kind !== "mapping" || this.#seen.has(hook)) return;
    this.#seen.add(hook);
    const link = linkOf(hook);
    const program = hookProgram(link);
    if (program === undefined) return;
    this.#hooks.add(hook);
    const path = pathOf(this.#rules, program);
    this.#scalars(hook, "path", path, "path");
    this.#scalars(hook, "hookName", stageOf(this.#rules, link.hookName), "stage");
    if (link.env.length === 0) this.#environment(hook);
  }

  /** Every entry of that name, should it come twice: no reader takes such a file, but no reader should be surprised. */
  #scalars(hook: Mapping, name: string, wanted: string, what: Change["what"]): void {
    for (const { value, owner } of entriesNamed(hook, name)) {
      if (owner !== hook) this.#bases.add(owner);
      const scalar = resolved(value);
      if (scalar.kind !== "scalar" || textOf(scalar) === wanted) continue;
      const text = written(wanted, quotingAt(this.#document.text, scalar.start));
      if (!this.#references.want(value, text, scalarEdit(this.#document.text, scalar, text))) continue;
      this.#change(value, what, textOf(scalar), wanted);
    }
  }

  /** An environment stands beside the path: where that is merged from elsewhere, all who merge it get both. */
  #environment(hook: Mapping): void {
    const [own] = entriesNamed(hook, "env");
    const owner = own?.owner ?? entriesNamed(hook, "path")[0]?.owner ?? hook;
    if (owner !== hook) this.#bases.add(owner);
    if (this.#environments.has(owner)) return;
    this.#environments.add(owner);
    if (own === undefined) this.#edits.push(this.#entries.added(owner, "env", hookEnvironment));
    else {
      const { text, edit } = this.#entries.filled(own, hookEnvironment);
      this.#references.want(own.value, text, edit);
    }
    this.#change(own?.value ?? owner, "env", "", hookEnvironment);
  }

  #chain(list: Sequence): readonly Group[] {
    const { text } = this.#document;
    const { items } = list;
    const links = items.map((item): Link => (item.kind === "mapping" ? linkOf(item) : noLink));
    const mayMove = (index: number): boolean => {
      const item = items[index];
      return item?.kind === "mapping" && standsAlone(item) && !this.#references.reachInto(item);
    };
    const groups = chains(links, this.#rules, mayMove).map((members): Group => ({ list, members }));
    for (const { members } of groups) {
      const [first = 0, ...others] = members;
      const hook = items[first];
      if (hook?.kind !== "mapping") continue;
      this.#edits.push(
        ...this.#lengthened(
          hook,
          links[first] ?? noLink,
          others.map((index) => links[index] ?? noLink),
        ),
      );
      this.#change(hook, "chain", "", `${members.length} hooks`);
      for (const index of others) {
        this.#edits.push(removal(text, list, index));
        this.#references.leaveOut(items[index] ?? hook);
        this.#change(items[index] ?? hook, "joined", links[index]?.path ?? "", "");
      }
    }
    this.#groups.push(...groups);
    return groups;
  }

  /** The edits that make the first hook of a group the chain. */
  #lengthened(hook: Mapping, first: Link, others: readonly Link[]): readonly Edit[] {
    const { text } = this.#document;
    const args = entriesNamed(hook, "args").at(-1)?.value;
    const place = args?.kind === "sequence" ? args.items[chainPlace(first)] : undefined;
    const last = args?.kind === "sequence" ? args.items.at(-1) : undefined;
    if (args?.kind !== "sequence" || place === undefined || last === undefined) return [];
    const between = separator(text, args);
    const quoting = quotingAt(text, args.items[0]?.start ?? 0);
    const word = (value: string): string => between + written(value, quoting);
    const at = contentEnd(text, place);
    const end = contentEnd(text, last);
    return [
      { start: at, end: at, text: word("chain") },
      { start: end, end, text: others.flatMap(chainWords).map(word).join("") },
    ];
  }

  #change({ start }: Node, what: Change["what"], from: string, to: string): void {
    this.#changes.push({ line: this.#document.lines.place(start).line, what, from, to });
  }
}

/** Puts a text in the place of a scalar; that of a block takes its lines along, and leaves the last one's end. */
function scalarEdit(whole: string, { start, end, style }: Scalar, text: string): Edit {
  return { start, end, text: style === "block" && whole[end - 1] === "\n" ? `${text}\n` : text };
}

const noLink: Link = { hookName: "", path: "", args: [], env: [], timeout: undefined };

const knownNames: ReadonlySet<string> = new Set(["hookname", "path", "args", "env", "timeout"]);

/**
 * Whether a hook is all in its own place: nothing is merged into it, its arguments are listed in it, once, and there is
 * nothing to it that a chain would lose.
 */
function standsAlone(hook: Mapping): boolean {
  if (hook.entries.some(({ key }) => merges(key) || !knownNames.has(key.value.toLowerCase()))) return false;
  const args = entriesNamed(hook, "args");
  const [only] = args;
  if (args.length !== 1 || only?.value.kind !== "sequence") return false;
  return only.value.items.every((item) => item.kind === "scalar" && item.style !== "block");
}

/** What stands between the items of a list: ", ", or a line break with the indentation and dash. */
function separator(text: string, { items, start, flow }: Sequence): string {
  const [one, other] = items;
  if (one !== undefined && other !== undefined) {
    const between = text.slice(contentEnd(text, one), other.start);
    if (/^\s*,\s*$/.test(between) || /^\r?\n *- +$/.test(between)) return between;
  }
  if (flow) return ", ";
  return `${lineBreak(text)}${" ".repeat(start - lineStart(text, start))}- `;
}

/** Takes an item that is not the first out of a list, with the comma before it or the lines on which it stands. */
function removal(text: string, list: Sequence, index: number): Edit {
  const item = list.items[index];
  const before = list.items[index - 1];
  if (item === undefined || before === undefined) throw new Error("no item to remove");
  if (list.flow) return { start: contentEnd(text, before), end: contentEnd(text, item), text: "" };
  const end = lineEnd(text, contentEnd(text, item));
  return { start: lineStart(text, dashBefore(text, item.start)), end, text: "" };
}

function dashBefore(text: string, start: number): number {
  return text.lastIndexOf("-", start - 1);
}
