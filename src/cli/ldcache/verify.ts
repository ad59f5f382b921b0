import { sameBytes } from "../../bytes/text.ts";
import { HookError } from "../../errors.ts";
import { compareCaches, type CacheDifference } from "../../ldcache/compare.ts";
import { describeEntry } from "../../ldcache/describe.ts";
import type { CacheEntry } from "../../ldcache/entry.ts";
import { readCache } from "../../ldcache/read.ts";
import type { Profile } from "../../ldconfig/profile.ts";
import { CACHE_PATH, type ComputedCache } from "../../ldconfig/update.ts";
import type { Logger } from "../../logger.ts";
import { part } from "../../part.ts";
import type { Root } from "../../rootfs/root.ts";
import { exitStatusOf, failure, success } from "../exit.ts";
import { writeJson, type Json } from "../json.ts";
import { writeOutput } from "../output.ts";
import { openRootArgument } from "../root-argument.ts";
import { shownAt } from "../shown.ts";
import { styled, terminalOf, type Style, type Terminal } from "../terminal.ts";
import { compute, profileDocument, tellMusl } from "./compute.ts";
import { differenceDocument } from "./diff.ts";
import { cacheDocument } from "./document.ts";
import { requestedProfile, type ProfileOptions } from "./profile.ts";
import { linkDocument, plannedLinks } from "./links.ts";
import type * as Simulation from "./simulation.ts";
import { presentCache, type CacheSource } from "./source.ts";
import { entryCount } from "./entry-count.ts";

const simulation = part<typeof Simulation>("simulation");

export interface VerifyOptions extends ProfileOptions {
  readonly root?: string;
  readonly conf?: string;
  readonly cache?: string;
  readonly links: boolean;
  readonly json?: boolean;
}

/** What was found. */
interface Verification {
  readonly root: string;
  readonly path: string;
  readonly profile: Profile;
  /** Undefined where there is no cache. */
  readonly present: CacheSource | undefined;
  readonly expected: Pick<CacheSource, "cache" | "bytes" | "rules">;
  /** Entries of the present cache whose file is not there. */
  readonly dangling: ReadonlySet<CacheEntry>;
  readonly computed: ComputedCache;
  /** Cache and links are what a rebuild would leave. */
  readonly current: boolean;
}

/** `ldcache verify FOLDER...`: the exit status, 1 when a rebuild would change something. Nothing is written. */
export function verify(folders: readonly string[], options: VerifyOptions, log: Logger): number {
  let current = true;
  const status = exitStatusOf(
    () => {
      if (options.root === undefined) throw new HookError("usage", "parse arguments", "", "--root is required");
      using root = openRootArgument(options.root, log, true);
      const { profile, libc } = requestedProfile(root, options, log);
      if (libc === "musl") {
        tellMusl(options.root, options.json === true);
        return;
      }
      const found = examine(root, options.root, profile, folders, options, log);
      ({ current } = found);
      if (options.json === true) writeJson(documentOf(found));
      else
        writeOutput(
          linesOf(found, terminalOf(1))
            .map((line) => `${line}\n`)
            .join(""),
        );
    },
    "ldcache verify",
    log,
  );
  return status === success && !current ? failure : status;
}

function examine(
  root: Root,
  name: string,
  profile: Profile,
  folders: readonly string[],
  options: VerifyOptions,
  log: Logger,
): Verification {
  const path = options.cache ?? CACHE_PATH;
  const present = presentCache(root, path);
  const dangling = new Set<CacheEntry>();
  for (const entry of present?.cache.entries ?? []) {
    if (typeof root.stat(entry.value) === "number") dangling.add(entry);
  }
  const computed = compute(simulation().simulated(root), profile, folders, options, log);
  const { bytes, links } = computed;
  const isSame = present !== undefined && sameBytes(present.bytes, bytes);
  const current = isSame && links.every(({ change }) => change === "failed");
  const expected = { cache: readCache(bytes), bytes, rules: profile.features };
  return { root: name, path, profile, present, expected, dangling, computed, current };
}

function linesOf(found: Verification, terminal: Terminal): string[] {
  const { root, path, profile, present, expected, dangling, computed, current } = found;
  const lines: string[] = [];
  const add = (style: Style, line: string): void => {
    lines.push(styled(shownAt(terminal, line), style, terminal));
  };
  const links = computed.links.filter(({ change }) => change !== "failed");
  const counts: string[] = [];
  if (present === undefined) counts.push("there is none");
  else {
    const difference = compareCaches(present.cache, expected.cache);
    const kept = new Set(dangling);
    for (const entry of difference.removed) {
      kept.delete(entry);
      const reason = dangling.has(entry) ? "its file is gone" : "no scan finds it";
      add("red", `stale: ${describeEntry(entry, present.rules).slice(1)}: ${reason}`);
    }
    for (const entry of difference.added) {
      add("green", `missing: ${describeEntry(entry, expected.rules).slice(1)}`);
    }
    for (const { before, after } of difference.changed) {
      add("yellow", `changed: ${describeEntry(before, present.rules).slice(1)}`);
      add("yellow", `     to: ${describeEntry(after, expected.rules).slice(1)}`);
    }
    for (const key of difference.reordered) add("yellow", `order: the entries of ${key}`);
    if (difference.resorted) add("yellow", "order: the names");
    for (const { fact, before, after } of difference.facts) add("yellow", `${fact}: ${before}, would be ${after}`);
    for (const entry of kept)
      add("red", `dangling: ${describeEntry(entry, present.rules).slice(1)}: its file is not there`);
    counts.push(...countsOf(difference, kept.size));
  }
  lines.push(...plannedLinks(links, terminal));
  if (links.length > 0) counts.push(`${links.length} links to change`);
  const numbers = counts.length === 0 ? "" : ` (${counts.join(", ")})`;
  const verdict = current
    ? `is right, ${entryCount(expected.cache.entries.length)}`
    : "is not what a rebuild would leave";
  lines.push(`${root}: ${path} ${verdict}${numbers}; as ldconfig ${profile.name}`);
  return lines;
}

function countsOf(difference: CacheDifference, dangling: number): string[] {
  const { removed, added, changed, reordered } = difference;
  const counts: readonly (readonly [number, string])[] = [
    [removed.length, "stale"],
    [added.length, "missing"],
    [changed.length, "changed"],
    [reordered.length, "reordered"],
    [dangling, "dangling"],
  ];
  return counts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
}

function documentOf({ root, path, profile, present, expected, dangling, computed, current }: Verification): Json {
  return {
    root,
    libc: "glibc",
    needed: true,
    profile: profileDocument(profile),
    cache: path,
    current,
    present: present === undefined ? null : cacheDocument(present.cache, present.bytes.length),
    expected: cacheDocument(expected.cache, expected.bytes.length),
    difference:
      present === undefined
        ? null
        : differenceDocument(compareCaches(present.cache, expected.cache), present, expected),
    dangling: Array.from(dangling, ({ key, value }) => ({ name: key, path: value })),
    links: computed.links.map(linkDocument),
  };
}
