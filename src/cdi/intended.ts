/**
 * What a rewrite is meant to change, said a second time and on values instead of places, so that an edit that did anything
 * else is noticed before a file is replaced.
 */

import { chainArguments } from "./chain.ts";
import { hookEnvironment, hookProgram } from "./hooks.ts";
import { mergedInto, merges, resolved, type Alias, type Mapping, type Node, type Sequence } from "./node.ts";
import { pathOf, stageOf, type RewriteRules } from "./options.ts";
import type { Group, Plan } from "./plan.ts";
import { textOf, typeOf } from "./plain.ts";
import { linkOf } from "./spec.ts";

/**
 * Whether a document, rewritten, says what the old one said, whatever aliases and merges either is written with, and
 * nothing but the hooks is different, as the rules want it.
 */
export function isIntended(before: Mapping, after: Mapping, rules: RewriteRules, planned: Planned): boolean {
  return new Comparison(rules, planned).same(before, after, "spec");
}

/** What a plan says of nodes: which hooks become one, and which are hooks wherever else aliases and merges use them. */
type Planned = Pick<Plan, "groups" | "hooks" | "bases">;

/** What a node is a part of, as far as that matters for hooks. */
type Place = "spec" | "devices" | "device" | "edits" | "hooks" | "hook" | "other";

const within: Readonly<Record<string, Place>> = {
  "spec containeredits": "edits",
  "spec devices": "devices",
  "device containeredits": "edits",
  "edits hooks": "hooks",
};

type Target = Exclude<Node, Alias>;

/** The entries of an object as a reader sees them. */
type Entries = ReadonlyMap<string, Target>;

class Comparison {
  readonly #rules: RewriteRules;
  readonly #planned: Planned;
  /** Pairs of nodes with anchors that were compared, by place: aliases lead there again and again. */
  readonly #compared = new Map<string, Map<Node, Set<Node>>>();

  constructor(rules: RewriteRules, planned: Planned) {
    this.#rules = rules;
    this.#planned = planned;
  }

  same(one: Node, other: Node, place: Place): boolean {
    const before = resolved(one);
    const after = resolved(other);
    if (before.kind === "scalar") {
      return after.kind === "scalar" && textOf(before) === textOf(after) && typeOf(before) === typeOf(after);
    }
    if (before.anchor !== undefined && this.#wasCompared(before, after, place)) return true;
    if (before.kind === "sequence") return after.kind === "sequence" && this.#sameLists(before, after, place);
    if (after.kind !== "mapping") return false;
    const isHook = place === "hook" || (place === "other" && this.#planned.hooks.has(before));
    if (isHook) return this.#sameEntries(this.#wanted(before), entriesOf(after), "hook");
    if (place !== "other" || !this.#planned.bases.has(before)) {
      return this.#sameEntries(entriesOf(before), entriesOf(after), place);
    }
    // What is merged into hooks is compared there; here the rest is.
    return this.#sameEntries(withoutMerged(before), withoutMerged(after), place);
  }

  /** A pair that is different ends the comparison, so whatever is met again was the same. */
  #wasCompared(before: Node, after: Node, place: Place): boolean {
    const pairs = this.#compared.get(place) ?? new Map<Node, Set<Node>>();
    this.#compared.set(place, pairs);
    const partners = pairs.get(before) ?? new Set<Node>();
    pairs.set(before, partners);
    if (partners.has(after)) return true;
    partners.add(after);
    return false;
  }

  #sameLists(before: Sequence, after: Sequence, place: Place): boolean {
    const inner = place === "devices" ? "device" : place === "hooks" ? "hook" : "other";
    const groups = place === "hooks" ? this.#planned.groups.filter(({ list }) => list === before) : [];
    const joined = new Set(groups.flatMap(({ members }) => members.slice(1)));
    if (before.items.length - joined.size !== after.items.length) return false;
    let at = 0;
    for (const [index, item] of before.items.entries()) {
      if (joined.has(index)) continue;
      const partner = after.items[at++];
      if (partner === undefined) return false;
      const group = groups.find(({ members }) => members[0] === index);
      if (!(group === undefined ? this.same(item, partner, inner) : this.#isChain(group, partner))) return false;
    }
    return true;
  }

  #isChain({ list, members }: Group, after: Node): boolean {
    const hooks = members.map((index) => resolved(list.items[index] ?? list)).filter((item) => item.kind === "mapping");
    const [first] = hooks;
    const chain = resolved(after);
    if (first === undefined || hooks.length !== members.length || chain.kind !== "mapping") return false;
    const wanted = withEntry(this.#wanted(first), "args", listOf(chainArguments(hooks.map(linkOf))));
    return this.#sameEntries(wanted, entriesOf(chain), "hook");
  }

  #sameEntries(wanted: Entries, after: Entries, place: Place): boolean {
    if (wanted.size !== after.size) return false;
    for (const [name, value] of wanted) {
      const partner = after.get(name);
      if (partner === undefined) return false;
      if (!this.same(value, partner, within[`${place} ${name.toLowerCase()}`] ?? "other")) return false;
    }
    return true;
  }

  /** A hook as it is to be. */
  #wanted(hook: Mapping): Entries {
    const entries = entriesOf(hook);
    const link = linkOf(hook);
    const program = hookProgram(link);
    if (program === undefined) return entries;
    const moved = withEntry(entries, "path", textNode(pathOf(this.#rules, program)));
    const stage = stageOf(this.#rules, link.hookName);
    const staged = stage === link.hookName ? moved : withEntry(moved, "hookName", textNode(stage));
    return link.env.length > 0 ? staged : withEntry(staged, "env", listOf([hookEnvironment]));
  }
}

function entriesOf(mapping: Mapping): Entries {
  const entries = new Map<string, Target>();
  const merged = mapping.entries.some(({ key }) => merges(key)) ? mergedInto(mapping).toReversed() : [];
  for (const owner of [...merged, mapping]) {
    for (const { key, value } of owner.entries) if (!merges(key)) entries.set(textOf(key), resolved(value));
  }
  return entries;
}

function withoutMerged(mapping: Mapping): Entries {
  return new Map([...entriesOf(mapping)].filter(([name]) => !/^(?:path|env|hookName)$/i.test(name)));
}

/** Entries with another value for a name, in whichever case the name is written. */
function withEntry(entries: Entries, name: string, value: Target): Entries {
  const key = [...entries.keys()].findLast((each) => each.toLowerCase() === name.toLowerCase()) ?? name;
  return new Map(entries).set(key, value);
}

function textNode(value: string): Target {
  return { kind: "scalar", start: 0, end: 0, style: "quoted", value, tagged: false, anchor: undefined };
}

function listOf(values: readonly string[]): Target {
  return { kind: "sequence", start: 0, end: 0, flow: true, items: values.map(textNode), anchor: undefined };
}
