import { fromText } from "../bytes/text.ts";
import { HookError } from "../errors.ts";
import type { Guard } from "../host/exchange.ts";
import { readRegularFile, realHostPath } from "../host/regular-file.ts";
import { replaceHostFile } from "../host/replace-file.ts";
import { ESTALE } from "../rootfs/constants.ts";
import { dropOriginal, originalOf, pathsKept } from "./originals.ts";
import { largestSpec } from "./read.ts";
import { undisturbed } from "./undisturbed.ts";

export interface RestoreOptions {
  /** Specs and directories; all of which something is kept when not given. */
  readonly paths?: readonly string[] | undefined;
  /** Where the originals are kept. */
  readonly state: string;
  /** Whether a spec is restored over what somebody else wrote since. */
  readonly force?: boolean | undefined;
  /** False to find out what would change. */
  readonly write: boolean;
}

/** What became of one spec. */
export interface RestoreOutcome {
  readonly path: string;
  /**
   * - `restored`   it has its original bytes, or, without `write`, it would have
   * - `original`   it had them already
   * - `regenerated` somebody wrote it anew since, without our hooks: left alone, as there is nothing of ours in it
   * - `changed`    somebody changed it since, and our hooks are in it: left alone, its original is still kept
   * - `gone`       there is no such file any more
   * - `unknown`    it was not rewritten, or its original was not kept
   * - `failed`
   */
  readonly status: "restored" | "original" | "regenerated" | "changed" | "gone" | "unknown" | "failed";
  /** Why it failed. */
  readonly reason?: string;
  readonly before?: string;
  readonly after?: string;
}

/**
 * Gives specs the bytes that they had before they were rewritten, if they are still what rewriting made of them, byte for
 * byte. What is kept of a spec is dropped when it is of no more use. Throws HookError when the state directory cannot be
 * read; what is wrong with one spec stands in its outcome.
 */
export function restoreSpecs(options: RestoreOptions): readonly RestoreOutcome[] {
  const kept = pathsKept(options.state);
  const wanted = (options.paths ?? []).map((path) => realHostPath(path.replace(/(?<=.)\/+$/, "")));
  const meant = (path: string): boolean =>
    options.paths === undefined || wanted.some((each) => path === each || path.startsWith(`${each}/`));
  const chosen = kept.filter(meant);
  const unknown = wanted
    .filter((path) => !chosen.some((each) => each === path || each.startsWith(`${path}/`)))
    .map((path): RestoreOutcome => ({ path, status: "unknown" }));
  return [...chosen.map((path) => restored(path, options)), ...unknown];
}

function restored(path: string, options: RestoreOptions): RestoreOutcome {
  try {
    if (!options.write) return restoreSpec(path, options);
    const outcome = undisturbed(path, (guard) => restoredIfHeld(path, options, guard));
    return outcome ?? { path, status: "failed", reason: "somebody else is writing it" };
  } catch (error) {
    if (!(error instanceof HookError)) throw error;
    return { path, status: "failed", reason: error.message };
  }
}

function restoredIfHeld(path: string, options: RestoreOptions, guard: Guard | undefined): RestoreOutcome | undefined {
  try {
    return restoreSpec(path, options, guard);
  } catch (error) {
    if (error instanceof HookError && error.errno === ESTALE) return undefined;
    throw error;
  }
}

function restoreSpec(path: string, { state, force, write }: RestoreOptions, guard?: Guard): RestoreOutcome {
  const kept = originalOf(state, path);
  if (kept === undefined) return { path, status: "unknown" };
  const drop = (): void => {
    if (write) dropOriginal(state, path);
  };
  const present = textOf(path);
  if (present === undefined || present === kept.text) {
    drop();
    return { path, status: present === undefined ? "gone" : "original" };
  }
  if (!kept.written.includes(present) && force !== true) {
    if (present.includes(`${kept.hookDirectory}/`)) return { path, status: "changed" };
    drop();
    return { path, status: "regenerated" };
  }
  if (write) replaceHostFile(path, fromText(kept.text), undefined, guard);
  drop();
  return { path, status: "restored", before: present, after: kept.text };
}

const ENOENT = 2;

function textOf(path: string): string | undefined {
  try {
    return readRegularFile(path, largestSpec).text;
  } catch (error) {
    if (error instanceof HookError && error.errno === ENOENT) return undefined;
    throw error;
  }
}
