import { hookEnvironment, hookNamed, hookProgram, hookWords } from "./hooks.ts";
import { stageOf, type RewriteRules } from "./options.ts";
import type { Hook } from "./spec.ts";

/** A hook as far as a chain is concerned. */
export type Link = Pick<Hook, "hookName" | "path" | "args" | "env" | "timeout">;

/**
 * Which hooks of a list become one, as groups of indices in ascending order, two or more each. Hooks of one group run at
 * one stage and have one environment. By itself stays a hook
 *
 * - that is not one of NVIDIA's or ours, or is a chain already;
 * - with a timeout, which is for it alone, with a state of its own (`--container-spec`), or with a word `--`, which would
 *   end it in a chain;
 * - disable-device-node-modification: gVisor leaves out every hook with that word.
 *
 * `mayMove` says of an index whether its place in the file allows it.
 */
export function chains(
  hooks: readonly Link[],
  rules: RewriteRules,
  mayMove: (index: number) => boolean,
): readonly (readonly number[])[] {
  const groups = new Map<string, number[]>();
  for (const [index, hook] of hooks.entries()) {
    if (!isLink(hook) || !mayMove(index)) continue;
    const env = hook.env.length === 0 ? [hookEnvironment] : hook.env;
    const key = [stageOf(rules, hook.hookName), ...env].join("\0");
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [index]);
    else group.push(index);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}

function isLink(hook: Link): boolean {
  const name = hookNamed(hook);
  return (
    hookProgram(hook) !== undefined &&
    hook.timeout === undefined &&
    name !== "" &&
    name !== "chain" &&
    hook.args.length > 1 &&
    !hook.args.includes("disable-device-node-modification") &&
    !hook.args.some((word) => word === "--" || /^--?container-spec(?:=|$)/.test(word))
  );
}

/** Behind which of its arguments the word `chain` stands in the command line of a group's first hook. */
export function chainPlace(first: Link): number {
  if (hookProgram(first) !== "nvidia-ctk") return 0;
  return first.args.findIndex((word, index) => index > 0 && !word.startsWith("-"));
}

/** What a hook adds to the command line of the chain that it becomes a part of. */
export function chainWords(hook: Link): readonly string[] {
  return ["--", ...hookWords(hook)];
}

/** The command line of several hooks as one: `nvidia-ctk hook chain A ... -- B ...`, under the name of the first. */
export function chainArguments([first, ...others]: readonly Link[]): readonly string[] {
  if (first === undefined) return [];
  return [...first.args.toSpliced(chainPlace(first) + 1, 0, "chain"), ...others.flatMap(chainWords)];
}
