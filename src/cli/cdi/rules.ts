import { defaultHookDirectory, hookDirectoryOf, type Stage } from "../../cdi/options.ts";
import { defaultStateDirectory } from "../../cdi/originals.ts";
import type { RewriteOptions } from "../../cdi/rewrite.ts";

/** The flags that say what is rewritten, and how: of `rewrite` and `watch`. */
export interface RuleFlags {
  readonly hookDir?: string;
  readonly stage?: Stage;
  readonly chain?: boolean;
  readonly match?: readonly string[];
  readonly state?: string;
  /** False with --no-backup. */
  readonly backup?: boolean;
}

/** Flags as options of rewriteSpecs. Throws HookError `usage`. */
export function rulesOf(flags: RuleFlags): Omit<RewriteOptions, "paths" | "write" | "output"> {
  return {
    hookDirectory: hookDirectoryOf(flags.hookDir ?? defaultHookDirectory),
    stage: flags.stage,
    chain: flags.chain,
    match: flags.match,
    state: flags.backup === false ? undefined : (flags.state ?? defaultStateDirectory),
  };
}
