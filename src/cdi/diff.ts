/** Lines of context around a change, as `diff -u` shows them. */
const context = 3;
/** Lines removed and added up to which the shortest difference is looked for; beyond, all between is one change. */
const mostChanges = 3000;

/** Lines `from..to` of the old text that became lines `newFrom..newTo` of the new one, from 0. */
interface Block {
  readonly from: number;
  readonly to: number;
  readonly newFrom: number;
  readonly newTo: number;
}

/**
 * The difference of two texts in the unified format, which patch(1) takes: each line with its newline, beginning with a
 * space, `-`, `+`, `@` or `\`; none when the texts are the same.
 */
export function unifiedDiff(before: string, after: string, oldName: string, newName: string): readonly string[] {
  const old = linesOf(before);
  const now = linesOf(after);
  const blocks = blocksOf(old, now);
  if (blocks.length === 0) return [];
  return [`--- ${oldName}\n`, `+++ ${newName}\n`, ...hunksOf(blocks).flatMap((hunk) => shown(hunk, old, now))];
}

/** Lines with their newlines. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function blocksOf(old: readonly string[], now: readonly string[]): readonly Block[] {
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1;
  let end = 0;
  const most = Math.min(old.length, now.length) - start;
  while (end < most && old[old.length - 1 - end] === now[now.length - 1 - end]) end += 1;
  const inner = changesOf(old.slice(start, old.length - end), now.slice(start, now.length - end));
  return inner.map(({ from, to, newFrom, newTo }) => ({
    from: from + start,
    to: to + start,
    newFrom: newFrom + start,
    newTo: newTo + start,
  }));
}

/** Myers, "An O(ND) Difference Algorithm and Its Variations", 1986: the furthest point of each diagonal, step by step. */
function changesOf(old: readonly string[], now: readonly string[]): readonly Block[] {
  if (old.length === 0 && now.length === 0) return [];
  const steps: Map<number, number>[] = [];
  let furthest = new Map([[1, 0]]);
  const most = Math.min(old.length + now.length, mostChanges);
  for (let changes = 0; changes <= most; changes += 1) {
    steps.push(furthest);
    const next = new Map<number, number>();
    for (let diagonal = -changes; diagonal <= changes; diagonal += 2) {
      const down = takesDown(furthest, diagonal, changes);
      let x = down ? (furthest.get(diagonal + 1) ?? 0) : (furthest.get(diagonal - 1) ?? 0) + 1;
      while (x < old.length && x - diagonal < now.length && old[x] === now[x - diagonal]) x += 1;
      next.set(diagonal, x);
      if (x >= old.length && x - diagonal >= now.length) return walkedBack(steps, old.length, now.length);
    }
    furthest = next;
  }
  return [{ from: 0, to: old.length, newFrom: 0, newTo: now.length }];
}

function takesDown(furthest: ReadonlyMap<number, number>, diagonal: number, changes: number): boolean {
  if (diagonal === -changes) return true;
  return diagonal !== changes && (furthest.get(diagonal - 1) ?? -1) < (furthest.get(diagonal + 1) ?? -1);
}

function walkedBack(steps: readonly ReadonlyMap<number, number>[], oldLength: number, newLength: number): Block[] {
  const blocks: Block[] = [];
  let x = oldLength;
  let y = newLength;
  for (let changes = steps.length - 1; changes > 0; changes -= 1) {
    const furthest = steps[changes] ?? new Map<number, number>();
    const diagonal = x - y;
    const down = takesDown(furthest, diagonal, changes);
    const fromX = furthest.get(down ? diagonal + 1 : diagonal - 1) ?? 0;
    const fromY = fromX - (down ? diagonal + 1 : diagonal - 1);
    const block = { from: fromX, to: down ? fromX : fromX + 1, newFrom: fromY, newTo: down ? fromY + 1 : fromY };
    const next = blocks[0];
    if (next?.from === block.to && next.newFrom === block.newTo) {
      blocks[0] = { from: block.from, to: next.to, newFrom: block.newFrom, newTo: next.newTo };
    } else blocks.unshift(block);
    x = fromX;
    y = fromY;
  }
  return blocks;
}

/** Changes whose contexts touch belong to one hunk. */
function hunksOf(blocks: readonly Block[]): readonly (readonly Block[])[] {
  const hunks: Block[][] = [];
  for (const block of blocks) {
    const hunk = hunks.at(-1);
    const last = hunk?.at(-1);
    if (hunk !== undefined && last !== undefined && block.from - last.to <= 2 * context) hunk.push(block);
    else hunks.push([block]);
  }
  return hunks;
}

function shown(hunk: readonly Block[], old: readonly string[], now: readonly string[]): string[] {
  const [first] = hunk;
  const last = hunk.at(-1);
  if (first === undefined || last === undefined) return [];
  const from = Math.max(0, first.from - context);
  const to = Math.min(old.length, last.to + context);
  const newFrom = first.newFrom - (first.from - from);
  const newTo = last.newTo + (to - last.to);
  const lines: string[] = [];
  let at = from;
  for (const block of hunk) {
    lines.push(...old.slice(at, block.from).map((line) => ` ${line}`));
    lines.push(...old.slice(block.from, block.to).map((line) => `-${line}`));
    lines.push(...now.slice(block.newFrom, block.newTo).map((line) => `+${line}`));
    at = block.to;
  }
  lines.push(...old.slice(at, to).map((line) => ` ${line}`));
  return [`@@ -${range(from, to)} +${range(newFrom, newTo)} @@\n`, ...lines.flatMap(ended)];
}

function range(from: number, to: number): string {
  const length = to - from;
  const start = length === 0 ? from : from + 1;
  return length === 1 ? `${start}` : `${start},${length}`;
}

function ended(line: string): string[] {
  return line.endsWith("\n") ? [line] : [`${line}\n`, "\\ No newline at end of file\n"];
}
