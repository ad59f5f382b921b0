import type { LinkChange } from "../../ldconfig/links.ts";
import type { Json } from "../json.ts";
import { shownAt } from "../shown.ts";
import type { Terminal } from "../terminal.ts";

/** Links that would be changed, a line each. */
export function plannedLinks(links: readonly LinkChange[], terminal: Terminal): string[] {
  return links.map(({ path, target, change, reason }) => {
    const to = target === "" ? "" : ` -> ${target}`;
    return shownAt(terminal, `link ${PLANNED[change]}: ${path}${to}${reason === undefined ? "" : `: ${reason}`}`);
  });
}

/** A link that was changed, or would be, as JSON. */
export function linkDocument({ path, target, change, reason }: LinkChange): Json {
  return { path, target: target === "" ? null : target, change, reason: reason ?? null };
}

export type Words = Readonly<Record<LinkChange["change"], string>>;

export const DONE: Words = { made: "made", replaced: "replaced", removed: "removed", failed: "failed" };
export const PLANNED: Words = { made: "to make", replaced: "to replace", removed: "to remove", failed: "impossible" };

/** `2 made, 1 removed`, or `unchanged`. */
export function countedLinks(links: readonly LinkChange[], words: Words): string {
  const counts = (["made", "replaced", "removed", "failed"] as const).map(
    (change) => [links.filter((link) => link.change === change).length, words[change]] as const,
  );
  return (
    counts
      .filter(([number]) => number > 0)
      .map(([number, word]) => `${number} ${word}`)
      .join(", ") || "unchanged"
  );
}
