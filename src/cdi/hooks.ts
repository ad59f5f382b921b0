import { entriesNamed, resolved, type Mapping, type Node, type Sequence } from "./node.ts";
import type { Hook } from "./spec.ts";

/** The names of programs that run NVIDIA's hooks, which are also ours. */
export type HookProgram = "nvidia-ctk" | "nvidia-cdi-hook" | "cdi-hook";

/** The environment that a hook without one gets: what `nvidia-ctk cdi generate` writes since 1.17.8. */
export const hookEnvironment = "NVIDIA_CTK_DEBUG=false";

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/**
 * Which program a hook runs, if it is one of NVIDIA's hooks or of ours: `nvidia-cdi-hook`, `cdi-hook`, or `nvidia-ctk`
 * with `hook` as its first word. Everything else that `nvidia-ctk` does is its own.
 */
export function hookProgram({ path, args }: Pick<Hook, "path" | "args">): HookProgram | undefined {
  const name = baseName(path);
  if (name === "nvidia-cdi-hook" || name === "cdi-hook") return name;
  return name === "nvidia-ctk" && firstWord(args) === "hook" ? name : undefined;
}

function firstWord(args: readonly string[]): string | undefined {
  return args.slice(1).find((word) => !word.startsWith("-"));
}

/** The words of a hook behind the program's name, without the word `hook` of nvidia-ctk. */
export function hookWords({ path, args }: Pick<Hook, "path" | "args">): readonly string[] {
  const words = args.slice(1);
  const at = words.findIndex((word) => !word.startsWith("-"));
  return words[at] === "hook" && hookProgram({ path, args }) !== undefined ? words.toSpliced(at, 1) : words;
}

/** The name of the hook that a command line is for: `create-symlinks`; "" when there is none. */
export function hookNamed(hook: Pick<Hook, "path" | "args">): string {
  return hookWords(hook).find((word) => !word.startsWith("-")) ?? "";
}

/** Every list of hooks of a document, its own and its devices', each once. */
export function hookLists(root: Mapping): readonly Sequence[] {
  const lists = new Set<Sequence>();
  const seen = new Set<Node>();
  const take = (parent: Mapping): void => {
    for (const edits of valuesOf(parent, "containerEdits")) {
      if (edits.kind !== "mapping" || seen.has(edits)) continue;
      seen.add(edits);
      for (const hooks of valuesOf(edits, "hooks")) if (hooks.kind === "sequence") lists.add(hooks);
    }
  };
  take(root);
  for (const devices of valuesOf(root, "devices")) {
    if (devices.kind !== "sequence") continue;
    for (const item of devices.items) {
      const device = resolved(item);
      if (device.kind !== "mapping" || seen.has(device)) continue;
      seen.add(device);
      take(device);
    }
  }
  return [...lists].sort((one, other) => one.start - other.start);
}

function valuesOf(mapping: Mapping, name: string): readonly ReturnType<typeof resolved>[] {
  return entriesNamed(mapping, name).map(({ value }) => resolved(value));
}
