import { completeTree, type TreeEntry } from "../support/tree-entries.ts";

/**
 * A smaller tree that still fails: entries are left out, first in large pieces, then one by one, as long as `fails` holds
 * and not more than `budget` tries are used.
 */
export function shrinkTree(
  entries: readonly TreeEntry[],
  fails: (entries: readonly TreeEntry[]) => boolean,
  budget = 400,
): readonly TreeEntry[] {
  let kept = entries;
  let tries = 0;
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let end = kept.length; end > 0 && tries < budget; end -= size) {
      const smaller = completeTree([...kept.slice(0, Math.max(0, end - size)), ...kept.slice(end)]);
      tries += 1;
      if (smaller.length < kept.length && fails(smaller)) kept = smaller;
    }
  }
  return kept;
}
