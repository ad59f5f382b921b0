import { fromText } from "../bytes/text.ts";
import { HookError } from "../errors.ts";
import { makeHostDirectories, readRegularFile } from "../host/regular-file.ts";
import type { Guard } from "../host/exchange.ts";
import { replaceHostFile } from "../host/replace-file.ts";
import { ESTALE } from "../rootfs/constants.ts";
import type { Problem } from "./document.ts";
import { baseName } from "./hooks.ts";
import { isMatched } from "./match.ts";
import type { RewriteRules } from "./options.ts";
import { keepOriginal, originalOf } from "./originals.ts";
import type { Change } from "./plan.ts";
import { cdiDirectories, largestSpec, readSpecFile, specPaths, type SpecFile } from "./read.ts";
import { rewriteText } from "./rewrite-text.ts";
import { undisturbed } from "./undisturbed.ts";

export interface RewriteOptions extends RewriteRules {
  /** Specs and directories of specs; CDI's own directories when not given. */
  readonly paths?: readonly string[] | undefined;
  /** Patterns for the specs that are meant (match.ts); all when there are none. */
  readonly match?: readonly string[] | undefined;
  /** A directory for the rewritten specs, all of them; without it they are replaced where they are. */
  readonly output?: string | undefined;
  /** Where the bytes of replaced specs are kept; without it they are not. */
  readonly state?: string | undefined;
  /** False to find out what would change. */
  readonly write: boolean;
  /** Knows the spec that was read, where there is one path only: a spec that is another one by then is not replaced. */
  readonly guard?: Guard | undefined;
}

/** What became of one spec, or of a directory that cannot be read. */
export interface RewriteOutcome {
  readonly path: string;
  /** Where the rewritten spec is, or would be. */
  readonly target: string;
  /**
   * - `changed`    rewritten, or, without `write`, it would be
   * - `unchanged`  every hook is as it should be, or there are none
   * - `skipped`    not meant by `match`, or vanished
   * - `failed`     invalid, or it cannot be written: it is as it was
   * - `disturbed`  somebody else wrote it meanwhile: it is to be looked at again
   */
  readonly status: "changed" | "unchanged" | "skipped" | "failed" | "disturbed";
  /** Hooks that are NVIDIA's or ours. */
  readonly hooks: number;
  readonly changes: readonly Change[];
  readonly problems: readonly Problem[];
  /** The bytes before and after, when they differ. */
  readonly before?: string;
  readonly after?: string;
}

/**
 * Rewrites the NVIDIA hooks of CDI specs: path, environment where there is none, stage, chain. What is right already is not
 * written, so doing it again changes nothing. Each spec is replaced whole (replaceHostFile), its original kept before. A
 * spec that is invalid or cannot be written is told and left alone, the others go on. Never throws HookError, prints nothing.
 */
export function rewriteSpecs(options: RewriteOptions): readonly RewriteOutcome[] {
  const targets = new Set<string>();
  return specPaths(options.paths ?? cdiDirectories).map((found): RewriteOutcome => {
    if ("problems" in found) return withProblems(found, found.problems);
    const { path, directory } = found;
    if (options.output !== undefined) {
      const name = baseName(path);
      if (targets.has(name))
        return withProblems(found, [
          trouble(`another spec is named ${name}: they cannot both be written to ${options.output}`),
        ]);
      targets.add(name);
    }
    const inPlace = options.write && options.output === undefined && options.guard === undefined;
    if (!inPlace) return rewriteSpec(path, directory, options);
    const outcome = undisturbed(path, (guard) => {
      const once = rewriteSpec(path, directory, { ...options, guard });
      return once.status === "disturbed" ? undefined : once;
    });
    return outcome ?? leftToOthers(path);
  });
}

function rewriteSpec(path: string, directory: string | undefined, options: RewriteOptions): RewriteOutcome {
  const file = readSpecFile(path, directory);
  const { document, spec, realPath, problems } = file;
  if (document === undefined || spec === undefined) return withProblems(file, problems);
  const target = options.output === undefined ? realPath : `${options.output}/${baseName(path)}`;
  const common = { path, target, hooks: 0, changes: [], problems };
  if (!isMatched(options.match ?? [], path, spec.kind)) return { ...common, status: "skipped" };
  const rewritten = rewrittenText(document, options);
  if ("message" in rewritten) return withProblems(file, [...problems, rewritten]);
  const { text: after, changes, hooks } = rewritten;
  const before = document.mark + document.text;
  const outcome = { ...common, hooks, changes };
  const differs = after !== before;
  if (differs && after.length > largestSpec) {
    return withProblems(file, [
      ...problems,
      trouble(`would be larger than ${largestSpec} bytes, and read by us no more`),
    ]);
  }
  if (!differs && options.output === undefined) return { ...outcome, status: "unchanged" };
  try {
    if (options.write) {
      if (options.output === undefined) {
        if (readRegularFile(path, largestSpec).text !== before) return { ...common, ...disturbed };
        replace(realPath, before, after, options);
      } else writeCopy(options.output, target, after, path);
    }
  } catch (error) {
    if (!(error instanceof HookError)) throw error;
    if (error.errno === ESTALE) return { ...common, ...disturbed };
    return withProblems(file, [...problems, trouble(error.message)]);
  }
  return differs ? { ...outcome, status: "changed", before, after } : { ...outcome, status: "unchanged" };
}

/** null is what the engine throws when there is no memory left; the next spec may be smaller. */
function rewrittenText(...[document, rules]: Parameters<typeof rewriteText>): ReturnType<typeof rewriteText> {
  try {
    return rewriteText(document, rules);
  } catch (error) {
    if (error === null) return trouble("too large to be rewritten");
    throw error;
  }
}

/** The original is on the disk before the spec is replaced, and stays the first one while the spec is what we wrote. */
function replace(path: string, before: string, after: string, { state, hookDirectory, guard }: RewriteOptions): void {
  if (/\/\.\.[^/]/.test(path)) {
    const reason = "it is kept up by Kubernetes (a ConfigMap or Secret): change its source, or use --output";
    throw new HookError("refused", "rewrite", path, reason);
  }
  if (state !== undefined) {
    const kept = originalOf(state, path);
    const ours = kept?.written.includes(before) === true;
    const written = ours ? [after, before] : [after];
    keepOriginal(state, { path, hookDirectory, text: ours ? kept.text : before, written });
  }
  replaceHostFile(path, fromText(after), undefined, guard);
}

function writeCopy(directory: string, target: string, text: string, source: string): void {
  if (source.slice(0, source.lastIndexOf("/") + 1).replace(/\/+$/, "") === directory.replace(/\/+$/, "")) {
    throw new HookError("refused", "write", target, "the directory of --output is the spec's own");
  }
  makeHostDirectories(directory, 0o755);
  replaceHostFile(target, fromText(text));
}

const disturbed = {
  status: "disturbed",
  problems: [trouble("somebody else is writing it")],
} satisfies Partial<RewriteOutcome>;

function leftToOthers(path: string): RewriteOutcome {
  return { path, target: path, hooks: 0, changes: [], ...disturbed };
}

function withProblems({ path }: Pick<SpecFile, "path">, problems: readonly Problem[]): RewriteOutcome {
  const failed = problems.some(({ severity }) => severity === "error");
  return { path, target: path, status: failed ? "failed" : "skipped", hooks: 0, changes: [], problems };
}

/** A problem of a file as a whole. */
function trouble(message: string): Problem {
  return { severity: "error", line: 0, column: 0, message };
}
