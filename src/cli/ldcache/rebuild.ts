import { sameBytes } from "../../bytes/text.ts";
import { HookError } from "../../errors.ts";
import { replaceHostFile } from "../../host/replace-file.ts";
import type { Image } from "../../image/image.ts";
import type { LinkChange } from "../../ldconfig/links.ts";
import type { Profile } from "../../ldconfig/profile.ts";
import { CACHE_PATH, type ComputedCache } from "../../ldconfig/update.ts";
import type { Logger } from "../../logger.ts";
import { part } from "../../part.ts";
import type { Root } from "../../rootfs/root.ts";
import { compareCaches } from "../../ldcache/compare.ts";
import { readCache } from "../../ldcache/read.ts";
import { exitStatusOf } from "../exit.ts";
import { writeJson, type Json } from "../json.ts";
import { writeOutput } from "../output.ts";
import { openImageArgument, openRootArgument } from "../root-argument.ts";
import { compute, profileDocument, tellMusl } from "./compute.ts";
import { terminalOf } from "../terminal.ts";
import { differenceDocument, differenceLines } from "./diff.ts";
import { entryCount } from "./entry-count.ts";
import { countedLinks, DONE, linkDocument, PLANNED, plannedLinks } from "./links.ts";
import { requestedProfile, type ProfileOptions } from "./profile.ts";
import type * as Simulation from "./simulation.ts";
import { presentCache, type CacheSource } from "./source.ts";

const simulation = part<typeof Simulation>("simulation");

export interface RebuildOptions extends ProfileOptions {
  readonly root?: string;
  readonly conf?: string;
  readonly cache?: string;
  readonly output?: string;
  readonly to?: string;
  readonly inPlace?: boolean;
  /** False for `--no-links`. */
  readonly links: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** `ldcache rebuild FOLDER...`: the exit status. */
export function rebuild(folders: readonly string[], options: RebuildOptions, log: Logger): number {
  return exitStatusOf(() => rebuildCache(folders, options, log), "ldcache rebuild", log);
}

function rebuildCache(folders: readonly string[], options: RebuildOptions, log: Logger): void {
  if (options.root === undefined) throw usage("--root is required");
  const image = openImageArgument(options.root, log);
  using root = image?.root ?? openRootArgument(options.root, log);
  checkDestination(image, options);
  const { profile, libc } = requestedProfile(root, options, log);
  if (libc === "musl") {
    tellMusl(options.root, options.json === true);
    return;
  }
  const path = options.output ?? options.cache ?? CACHE_PATH;
  const isDry = options.dryRun === true;
  const before = isDry || options.json === true ? readableCache(root, options.cache ?? CACHE_PATH) : undefined;
  const computed = compute(isDry ? simulation().simulated(root) : root, profile, folders, options, log);
  const { bytes, entries, links } = computed;
  const isCurrent = options.output === undefined && isInside(root, path, bytes);
  if (!isDry) {
    if (options.output !== undefined) replaceHostFile(path, bytes);
    else {
      if (!isCurrent) root.replaceFile(path, bytes, 0o644, true);
      image?.write(options.to, "cdi-hook ldcache rebuild");
    }
  }
  const rebuilt: Rebuilt = {
    root: options.root,
    path,
    profile,
    computed,
    dryRun: isDry,
    written: !isDry && !isCurrent,
  };
  const after = (): Described => ({ cache: readCache(bytes), rules: profile.features });
  if (options.json === true) writeJson(documentOf(rebuilt, before, after()));
  else {
    if (isDry) writeOutput(plannedLines(links, before, after()));
    const state = isCurrent ? "unchanged" : isDry ? "to be written" : "written";
    const told = `${path} ${state}, ${entryCount(entries)}; links: ${countedLinks(links, isDry ? PLANNED : DONE)}`;
    writeOutput(`${options.root}: ${told}; as ldconfig ${profile.name}\n`);
  }
}

const usage = (reason: string): HookError => new HookError("usage", "parse arguments", "", reason);

/** Throws HookError `usage` unless it is said where to what can be written. */
function checkDestination(image: Image | undefined, { to, inPlace, output, dryRun }: RebuildOptions): void {
  if (image === undefined && (to !== undefined || inPlace === true)) throw usage("--to and --in-place are for images");
  if (to !== undefined && (inPlace === true || output !== undefined)) {
    throw usage("--to goes with neither --in-place nor --output");
  }
  if (image?.needsDestination === true && (to ?? inPlace ?? output ?? dryRun) === undefined) {
    throw usage("an archive is changed by --to FILE, which writes another one, or by --in-place");
  }
}

interface Rebuilt {
  readonly root: string;
  readonly path: string;
  readonly profile: Profile;
  readonly computed: ComputedCache;
  readonly dryRun: boolean;
  readonly written: boolean;
}

type Described = Pick<CacheSource, "cache" | "rules">;

/** The cache of a root before it is rebuilt; undefined where there is none, or none that can be read. */
function readableCache(root: Root, path: string): Described | undefined {
  try {
    return presentCache(root, path);
  } catch (error) {
    if (error instanceof HookError) return undefined;
    throw error;
  }
}

/** What would be changed, a line each. */
function plannedLines(links: readonly LinkChange[], before: Described | undefined, after: Described): string {
  const terminal = terminalOf(1);
  const lines = plannedLinks(links, terminal);
  const none: Described = { cache: { ...after.cache, entries: [] }, rules: after.rules };
  const { cache, rules } = before ?? none;
  lines.push(...differenceLines(compareCaches(cache, after.cache), rules, after.rules, terminal));
  return lines.map((line) => `${line}\n`).join("");
}

function isInside(root: Root, path: string, bytes: Uint8Array): boolean {
  const present = root.read(path, bytes.length);
  return typeof present !== "number" && sameBytes(present, bytes);
}

function documentOf(
  { root, path, profile, computed: { bytes, entries, links }, dryRun, written }: Rebuilt,
  before: Described | undefined,
  after: Described,
): Json {
  const difference =
    before === undefined ? null : differenceDocument(compareCaches(before.cache, after.cache), before, after);
  return {
    root,
    libc: "glibc",
    needed: true,
    profile: profileDocument(profile),
    cache: path,
    dryRun,
    written,
    bytes: bytes.length,
    entries,
    links: links.map(linkDocument),
    difference,
  };
}
