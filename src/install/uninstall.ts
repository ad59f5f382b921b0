import { defaultStateDirectory } from "../cdi/originals.ts";
import { HookError } from "../errors.ts";
import { leftoversIn, removeHostDirectory, removeHostFile, removeLeftovers } from "../host/host-directory.ts";
import { hostFacts } from "../host/host-facts.ts";
import { candidates, executableName, isInstalled, linkNames, ownership, parentOf, parsePrefix } from "./prefix.ts";
import { referencesTo } from "./references.ts";

export interface UninstallRequest {
  /** An absolute path, or `auto` for all that `install --prefix auto` may have chosen. */
  readonly prefix: string;
  /** Even when CDI specs still point there. */
  readonly force: boolean;
  /** Nothing is changed. */
  readonly dryRun: boolean;
}

export interface Uninstalled {
  readonly prefixes: readonly string[];
  readonly removed: readonly string[];
  /** What stands in a prefix and is not ours, or could not go. */
  readonly kept: readonly { readonly path: string; readonly reason: string }[];
  /** Files that still name something of the installation. */
  readonly references: readonly string[];
}

/**
 * Removes an installation, of any version, and its directories if nothing else is in them. Nothing there is a success.
 * Throws HookError `refused` while CDI specs or settings point there, unless forced; `kernel` when something cannot be
 * removed.
 */
export function uninstall({ prefix: asked, force, dryRun }: UninstallRequest): Uninstalled {
  const prefixes = asked === "auto" ? candidates.filter((prefix) => isInstalled(prefix)) : [parsePrefix(asked)];
  const references = prefixes.flatMap((prefix) => referencesOf(prefix, force));
  if (references.length > 0 && !force && !dryRun) {
    throw new HookError(
      "refused",
      "uninstall",
      prefixes.join(", "),
      `still in use by ${references.join(", ")}; give them back first (cdi-hook cdi restore), or use --force`,
    );
  }
  const removed: string[] = [];
  const kept: { path: string; reason: string }[] = [];
  for (const prefix of prefixes) removeFrom(prefix, dryRun, removed, kept);
  if (!dryRun && removed.length > 0) removeEmptyState(removed);
  return { prefixes, removed, kept, references };
}

/** What cannot be read may point there, so that is an error, but none that keeps an installation which is forced out. */
function referencesOf(prefix: string, force: boolean): readonly string[] {
  try {
    return referencesTo(`${prefix}/bin`, `${prefix}/bin/${executableName}`);
  } catch (error) {
    if (force && error instanceof HookError) return [];
    throw error;
  }
}

/** The directory of the specs' originals, when all of them are given back. */
function removeEmptyState(removed: string[]): void {
  for (const directory of [defaultStateDirectory, parentOf(defaultStateDirectory)]) {
    if (hostFacts(directory)?.type !== "directory" || removeHostDirectory(directory) !== undefined) return;
    removed.push(directory);
  }
}

function removeFrom(
  prefix: string,
  dryRun: boolean,
  removed: string[],
  kept: { path: string; reason: string }[],
): void {
  const bin = `${prefix}/bin`;
  // The file first: where it may not go (chattr +i), the links stay with it.
  for (const name of [executableName, ...linkNames]) {
    const owner = ownership(bin, name);
    if (owner === "foreign") kept.push({ path: `${bin}/${name}`, reason: "not of cdi-hook" });
    if (owner !== "ours") continue;
    if (!dryRun) removeHostFile(`${bin}/${name}`);
    removed.push(`${bin}/${name}`);
  }
  removed.push(...(dryRun ? leftoversIn(bin) : removeLeftovers(bin)).map((name) => `${bin}/${name}`));
  if (dryRun || removed.length === 0) return;
  for (const directory of [bin, prefix]) {
    if (hostFacts(directory)?.type !== "directory") continue;
    const reason = removeHostDirectory(directory);
    if (reason === undefined) removed.push(directory);
    else {
      kept.push({ path: directory, reason });
      return;
    }
  }
}
