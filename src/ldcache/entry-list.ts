import type { CacheEntry, EntryKind } from "./entry.ts";

/**
 * Entries of a cache to be, in the order in which they were found. They are kept as one list of each member, as the work
 * on names and paths is the engine's, on all of them at once; and as most libraries are of one kind.
 */
export class EntryList {
  readonly keys: string[] = [];
  readonly values: string[] = [];
  /** The same object for neighbours that are alike: then they are not compared. */
  readonly kinds: EntryKind[] = [];
  /** Indices of the entries whose path does not end with the name. */
  readonly apart: number[] = [];

  static of(entries: readonly CacheEntry[]): EntryList {
    const list = new EntryList();
    for (const entry of entries) list.add(entry.key, entry.value, entry);
    return list;
  }

  get length(): number {
    return this.keys.length;
  }

  add(key: string, value: string, kind: EntryKind): void {
    const at = this.keys.length;
    this.keys[at] = key;
    this.values[at] = value;
    this.kinds[at] = kind;
    if (!value.endsWith(key)) this.apart.push(at);
  }

  /** The kinds, each object once. */
  distinctKinds(): EntryKind[] {
    const { kinds } = this;
    const distinct = new Set<EntryKind>();
    let last: EntryKind | undefined;
    for (let at = 0; at < kinds.length; at += 1) {
      const kind = kinds[at];
      if (kind === undefined || kind === last) continue;
      distinct.add(kind);
      last = kind;
    }
    return Array.from(distinct);
  }
}
