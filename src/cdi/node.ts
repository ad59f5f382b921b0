/**
 * A CDI document as a tree whose nodes know where they stand, and nothing of what a spec means. Offsets are bytes of the
 * file, `end` is behind the last one. An anchor belongs to its node, but not to the node's place.
 */

/** Collections within each other that are parsed; a CDI spec has seven. */
export const deepest = 100;

/** A scalar. `value` is a byte string; of a plain one it is what stands in the file, whatever type a reader sees in it. */
export interface Scalar {
  readonly kind: "scalar";
  readonly start: number;
  readonly end: number;
  readonly style: "plain" | "quoted" | "block";
  readonly value: string;
  /** Whether a tag says that it is text, whatever it looks like. */
  readonly tagged: boolean;
  readonly anchor: string | undefined;
}

export interface Sequence {
  readonly kind: "sequence";
  readonly start: number;
  readonly end: number;
  readonly flow: boolean;
  readonly items: readonly Node[];
  readonly anchor: string | undefined;
}

export interface Mapping {
  readonly kind: "mapping";
  readonly start: number;
  readonly end: number;
  readonly flow: boolean;
  /** In the order of the file; a key may come twice. */
  readonly entries: readonly Entry[];
  readonly anchor: string | undefined;
}

export interface Entry {
  readonly key: Scalar;
  readonly value: Node;
}

/** `*name`: what an anchor before it names. */
export interface Alias {
  readonly kind: "alias";
  readonly start: number;
  readonly end: number;
  readonly name: string;
  readonly target: Exclude<Node, Alias>;
}

export type Node = Scalar | Sequence | Mapping | Alias;

/** The node itself, or the one that it is an alias of. */
export function resolved(node: Node): Exclude<Node, Alias> {
  return node.kind === "alias" ? node.target : node;
}

/** An entry of a mapping, and the mapping in which it stands: the same, or one that is merged into it. */
export interface FoundEntry extends Entry {
  readonly owner: Mapping;
}

/** Mappings that may be merged into each other, one into the next. */
const deepestMerge = 16;

/**
 * The entries of a mapping under a name, its own before those that `<<` merges into it. Letter case does not matter, as it
 * does not for Go's encoding/json, which CDI's readers use.
 */
export function entriesNamed(mapping: Mapping, name: string): readonly FoundEntry[] {
  const wanted = name.toLowerCase();
  return [mapping, ...mergedInto(mapping)].flatMap((owner) =>
    owner.entries
      .filter(({ key }) => key.value === name || key.value.toLowerCase() === wanted)
      .map(({ key, value }) => ({ key, value, owner })),
  );
}

/** The value that a reader takes: of names that come twice the last, of merged ones the first. */
export function valueNamed(mapping: Mapping, name: string): Exclude<Node, Alias> | undefined {
  const found = entriesNamed(mapping, name);
  const own = found.filter(({ owner }) => owner === mapping);
  const entry = own.at(-1) ?? found[0];
  return entry === undefined ? undefined : resolved(entry.value);
}

/** Whether a key is the `<<` that merges. */
export function merges(key: Scalar): boolean {
  return key.style === "plain" && key.value === "<<";
}

/** The mappings that `<<` merges into one, nearest first, each once. */
export function mergedInto(mapping: Mapping): readonly Mapping[] {
  const found = new Set<Mapping>();
  const visit = (from: Mapping, depth: number): void => {
    for (const { key, value } of from.entries) {
      if (!merges(key)) continue;
      const source = resolved(value);
      const sources = source.kind === "sequence" ? source.items.map(resolved) : [source];
      for (const next of sources) {
        if (next.kind !== "mapping" || found.has(next) || next === mapping) continue;
        found.add(next);
        if (depth < deepestMerge) visit(next, depth + 1);
      }
    }
  };
  visit(mapping, 1);
  return [...found];
}
