import { quotingAt, written, type Edit } from "./edit.ts";
import { resolved, type Alias, type Mapping, type Node, type Scalar } from "./node.ts";

/**
 * Who refers to what in a document, and changes of scalars that leave all others who refer to them as they are. A scalar
 * that changes for everybody is changed where it stands; else whoever is to differ gets a scalar of his own.
 */
export class References {
  readonly #aliases = new Map<Node, Alias[]>();
  /** What is to become of a scalar, and in which places. */
  readonly #wanted = new Map<Scalar, { readonly value: string; readonly places: Set<Node> }>();

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

  /** Wants a scalar to be another text in one place, which is the scalar itself or an alias. False when that was wanted. */
  want(place: Node, value: string): boolean {
    const scalar = resolved(place);
    if (scalar.kind !== "scalar") return false;
    const known = this.#wanted.get(scalar);
    if (known === undefined) this.#wanted.set(scalar, { value, places: new Set([place]) });
    else if (known.places.has(place)) return false;
    else known.places.add(place);
    return true;
  }

  edits(text: string): readonly Edit[] {
    return [...this.#wanted].flatMap(([scalar, { value, places }]) => {
      const aliases = this.#aliases.get(scalar) ?? [];
      const instead = written(value, quotingAt(text, scalar.start));
      if (!places.has(scalar)) {
        return aliases.filter((alias) => places.has(alias)).map(({ start, end }) => ({ start, end, text: instead }));
      }
      const others = aliases.filter((alias) => !places.has(alias));
      const old = scalar.style === "block" ? written(scalar.value, "double") : text.slice(scalar.start, scalar.end);
      return others.map(({ start, end }): Edit => ({ start, end, text: old })).concat(replaced(scalar, instead, text));
    });
  }
}

function replaced({ start, end, style }: Scalar, instead: string, text: string): Edit {
  if (style !== "block") return { start, end, text: instead };
  return { start, end, text: text[end - 1] === "\n" ? `${instead}\n` : instead };
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
