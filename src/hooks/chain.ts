import type { FlagValues, Hook } from "./hook.ts";

/** One hook of a chain, and what the command line gave for it. */
export interface ChainedHook {
  readonly hook: Hook;
  readonly flags: FlagValues;
}

/**
 * The order in which hooks make sense of each other: links and the choice of the driver's libraries come before the cache
 * that is made of them; modes come last, as they may take away what the others need. A hook that is not named here has no
 * part in that and comes after them.
 */
const order: readonly string[] = [
  "create-symlinks",
  "enable-cuda-compat",
  "update-ldcache",
  "disable-device-node-modification",
  "update-application-profile",
  "chmod",
];

/** The hooks in that order, as groups of those that are run together; hooks of one name stay in the order given. */
export function inOrder(chain: readonly ChainedHook[]): readonly ChainedHook[][] {
  const groups: ChainedHook[][] = [];
  for (const next of chain.toSorted((one, other) => rank(one.hook) - rank(other.hook))) {
    const group = groups.at(-1);
    if (group?.[0]?.hook === next.hook && next.hook.runTogether !== undefined) group.push(next);
    else groups.push([next]);
  }
  return groups;
}

function rank(hook: Hook): number {
  const at = order.indexOf(hook.name);
  return at < 0 ? order.length : at;
}

/** A group as one hook. */
export function together(group: readonly ChainedHook[], hook: Hook): Hook {
  const all = group.map(({ flags }) => flags);
  return all.length === 1 ? hook : { ...hook, run: (call) => hook.runTogether?.(call, all) };
}
