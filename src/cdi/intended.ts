/**
 * What a rewrite is meant to change, said a second time and on values instead of places, so that an edit that did anything
 * else is noticed before a file is replaced.
 */

import { chainArguments, type Link } from "./chain.ts";
import { hookEnvironment, hookProgram } from "./hooks.ts";
import { mergedInto, merges, resolved, type Mapping, type Node, type Sequence } from "./node.ts";
import { pathOf, stageOf, type RewriteRules } from "./options.ts";
import type { Group } from "./plan.ts";
import { textOf, typeOf } from "./plain.ts";
import { linkOf } from "./spec.ts";

/** A node without its place: what a reader sees, whatever aliases and merges it is written with. */
type Value = string | readonly Value[] | ReadonlyMap<string, Value>;

/** Whether a document, rewritten, says what the old one said, with nothing but the hooks changed as the rules want it. */
export function isIntended(before: Mapping, after: Mapping, rules: RewriteRules, groups: readonly Group[]): boolean {
  const plain = new Values();
  const changed = new Values(rules, groups);
  return new Comparison().same(changed.of(before, "spec"), plain.of(after, "spec"));
}

/** What a node is a part of, as far as that matters for hooks. */
type Place = "spec" | "devices" | "device" | "edits" | "hooks" | "hook" | "other";

const within: Readonly<Record<string, Place>> = {
  "spec containeredits": "edits",
  "spec devices": "devices",
  "device containeredits": "edits",
  "edits hooks": "hooks",
};

/** Nodes as values, each made once for every place in which it may stand; with rules, hooks as they are to be. */
class Values {
  readonly #rules: RewriteRules | undefined;
  readonly #groups: readonly Group[];
  readonly #known = new Map<Place, Map<Node, Value>>();

  constructor(rules?: RewriteRules, groups: readonly Group[] = []) {
    this.#rules = rules;
    this.#groups = groups;
  }

  of(node: Node, place: Place): Value {
    const target = resolved(node);
    if (target.kind === "scalar") return textValue(textOf(target), typeOf(target));
    const known = this.#known.get(place) ?? new Map<Node, Value>();
    this.#known.set(place, known);
    let value = known.get(target);
    if (value === undefined) {
      value = target.kind === "sequence" ? this.#list(target, place) : this.#object(target, place);
      known.set(target, value);
    }
    return value;
  }

  #list(list: Sequence, place: Place): Value {
    const inner = place === "devices" ? "device" : place === "hooks" ? "hook" : "other";
    const groups = place === "hooks" ? this.#groups.filter((group) => group.list === list) : [];
    const chained = new Map(groups.map(({ members }) => [members[0] ?? -1, members] as const));
    const joined = new Set(groups.flatMap(({ members }) => members.slice(1)));
    const values: Value[] = [];
    for (const [index, item] of list.items.entries()) {
      if (joined.has(index)) continue;
      const value = this.of(item, inner);
      const links = chained.get(index)?.map((member): Link => linkOfItem(list.items[member]));
      values.push(links === undefined ? value : withEntry(value, "args", chainArguments(links).map(asText)));
    }
    return values;
  }

  #object(mapping: Mapping, place: Place): Value {
    const entries = new Map<string, Value>();
    for (const owner of [...mergedInto(mapping).toReversed(), mapping]) {
      for (const { key, value } of owner.entries) {
        if (merges(key)) continue;
        const name = textOf(key);
        entries.set(name, this.of(value, within[`${place} ${name.toLowerCase()}`] ?? "other"));
      }
    }
    return place === "hook" && this.#rules !== undefined ? asWanted(entries, mapping, this.#rules) : entries;
  }
}

function asWanted(entries: ReadonlyMap<string, Value>, mapping: Mapping, rules: RewriteRules): Value {
  const link = linkOf(mapping);
  const program = hookProgram(link);
  if (program === undefined) return entries;
  let hook: Value = withEntry(entries, "path", asText(pathOf(rules, program)));
  hook = withEntry(hook, "hookName", asText(stageOf(rules, link.hookName)));
  return link.env.length > 0 ? hook : withEntry(hook, "env", [asText(hookEnvironment)]);
}

/** An object with another value for a name, in whichever case the name is written. */
function withEntry(value: Value, name: string, entry: Value): Value {
  if (!(value instanceof Map)) return value;
  const entries = new Map<string, Value>(value);
  const key = [...entries.keys()].findLast((each) => each.toLowerCase() === name.toLowerCase()) ?? name;
  return entries.set(key, entry);
}

function linkOfItem(item: Node | undefined): Link {
  const hook = item === undefined ? undefined : resolved(item);
  if (hook?.kind !== "mapping") throw new Error("a chain of what is no hook");
  return linkOf(hook);
}

function asText(value: string): Value {
  return textValue(value, "string");
}

function textValue(value: string, type: string): Value {
  return `${type} ${value}`;
}

/** Compares values, each pair once. */
class Comparison {
  readonly #compared = new Map<Value, Set<Value>>();

  same(one: Value, other: Value): boolean {
    if (typeof one === "string" || typeof other === "string") return one === other;
    const partners = this.#compared.get(one) ?? new Set<Value>();
    this.#compared.set(one, partners);
    // A pair that is different ends the comparison, so whatever is met again was the same.
    if (partners.has(other)) return true;
    partners.add(other);
    if (Array.isArray(one)) return Array.isArray(other) && this.#sameLists(one, other);
    return one instanceof Map && other instanceof Map && this.#sameObjects(one, other);
  }

  #sameLists(one: readonly Value[], other: readonly Value[]): boolean {
    return one.length === other.length && one.every((item, index) => this.same(item, other[index] ?? ""));
  }

  #sameObjects(one: ReadonlyMap<string, Value>, other: ReadonlyMap<string, Value>): boolean {
    if (one.size !== other.size) return false;
    return [...one].every(([name, value]) => {
      const partner = other.get(name);
      return partner !== undefined && this.same(value, partner);
    });
  }
}
