/** Letters of a word that is looked at: what is longer was not mistyped. */
const longestWord = 64;
/** Letters of an abbreviation that is understood, if only to suggest the whole word. */
const shortestBeginning = 3;

/**
 * The one of `candidates` that was probably meant by `word`: the only one that begins with it, or else the one that fewest
 * slips of the hand lead to, at most one for every three letters and three in all. undefined when none is near.
 */
export function suggestionFor(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > longestWord || candidates.includes(word)) return undefined;
  const longer = word.length < shortestBeginning ? [] : candidates.filter((candidate) => candidate.startsWith(word));
  if (longer.length === 1) return longer[0];
  let nearest: string | undefined;
  let least = Math.min(3, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const slips = slipsBetween(word, candidate);
    if (slips < least) [nearest, least] = [candidate, slips];
  }
  return nearest;
}

/** Letters left out, added, mistaken, or exchanged with their neighbour (optimal string alignment). */
function slipsBetween(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const mistaken = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const exchanged =
        i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (beforeLast[j - 2] ?? 0) + 1 : mistaken;
      row.push(Math.min(mistaken, exchanged, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length] ?? 0;
}
