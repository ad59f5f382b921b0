import { contentEnd, written, type Edit } from "./edit.ts";
import { resolved, type Alias, type Mapping, type Node } from "./node.ts";

/**
 * Who refers to what in a document, and changes of values that leave all others who refer to them as they are. A value
 * that changes for everybody is changed where it stands; else whoever is to differ gets one of his own.
 */
export class References {
  readonly #aliases = new Map<Node, Alias[]>();
  /** What is to become of a value, and in which places. */
  readonly #wanted = new Map<Node, { readonly text: string; readonly own: Edit; readonly places: Set<Node> }>();

  constructor(root: Mapping) {
    for (const node of descendants(root)) {
      if (node.kind !== "alias") continue;
      const others = this.#aliases.get(node.target);
      if (others === undefined) this.#aliases.set(node.target, [node]);
      else others.push(node);
    }
  }

  /** Whether an alias outside of a node leads into it. */
  reachInto(node: Node): boolean {
    for (const inner of descendants(node)) {
      if (inner.kind === "alias") continue;
      const outside = this.#aliases.get(inner)?.some(({ start }) => start < node.start || start >= node.end);
      if (outside === true) return true;
    }
    return false;
  }

  /** The aliases in a node no longer count: it will be gone. */
  leaveOut(node: Node): void {
    for (const inner of descendants(node)) {
      if (inner.kind !== "alias") continue;
      const others = this.#aliases.get(inner.target) ?? [];
      this.#aliases.set(
        inner.target,
        others.filter((alias) => alias !== inner),
      );
    }
  }

  /**
   * Wants another text in one place, which is a value itself or an alias of it: `own` is the edit of the value, `text` what
   * stands for an alias. False when that was wanted before.
   */
  want(place: Node, text: string, own: Edit): boolean {
    const value = resolved(place);
    const known = this.#wanted.get(value);
    if (known === undefined) this.#wanted.set(value, { text, own, places: new Set([place]) });
    else if (known.places.has(place)) return false;
    else known.places.add(place);
    return true;
  }

  edits(text: string): readonly Edit[] {
    return [...this.#wanted].flatMap(([value, { text: instead, own, places }]) => {
      const aliases = this.#aliases.get(value) ?? [];
      if (!places.has(value)) return aliases.filter((alias) => places.has(alias)).map((alias) => put(alias, instead));
      const others = aliases.filter((alias) => !places.has(alias));
      return [own].concat(others.map((alias) => put(alias, copyOf(value, text))));
    });
  }
}

function put({ start, end }: Alias, text: string): Edit {
  return { start, end, text };
}

/** A value as it may stand elsewhere: as it is written, if that is on one line by itself. */
function copyOf(value: Node, text: string): string {
  if (value.start === value.end) return "null";
  return value.kind === "scalar" && value.style === "block"
    ? written(value.value, "double")
    : text.slice(value.start, contentEnd(text, value));
}

/** A node and all below it; aliases are not followed. */
function descendants(root: Node): readonly Node[] {
  const nodes: Node[] = [root];
  // The list grows while it is gone through.
  for (const node of nodes) {
    if (node.kind === "sequence") for (const item of node.items) nodes.push(item);
    if (node.kind === "mapping") for (const { key, value } of node.entries) nodes.push(key, value);
  }
  return nodes;
}
