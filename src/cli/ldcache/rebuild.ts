import { toText } from "../../bytes/text.ts";
import { HookError } from "../../errors.ts";
import { replaceHostFile } from "../../host/replace-file.ts";
import type { Image } from "../../image/image.ts";
import type { LinkChange } from "../../ldconfig/links.ts";
import type { Profile } from "../../ldconfig/profile.ts";
import { CACHE_PATH, computeCache, type ComputedCache } from "../../ldconfig/update.ts";
import type { Logger } from "../../logger.ts";
import type { Root } from "../../rootfs/root.ts";
import { exitStatusOf } from "../exit.ts";
import { writeJson, type Json } from "../json.ts";
import { writeOutput } from "../output.ts";
import { Progress } from "../progress.ts";
import { openImageArgument, openRootArgument } from "../root-argument.ts";
import { requestedProfile, type ProfileOptions } from "./profile.ts";

export interface RebuildOptions extends ProfileOptions {
  readonly root?: string;
  readonly conf?: string;
  readonly cache?: string;
  readonly output?: string;
  readonly to?: string;
  readonly inPlace?: boolean;
  /** False for `--no-links`. */
  readonly links: boolean;
  readonly json?: boolean;
}

/** `ldcache rebuild FOLDER...`: the exit status. */
export function rebuild(folders: readonly string[], options: RebuildOptions, log: Logger): number {
  return exitStatusOf(() => rebuildCache(folders, options, log), "ldcache rebuild", log);
}

function rebuildCache(folders: readonly string[], options: RebuildOptions, log: Logger): void {
  if (options.root === undefined) throw usage("--root is required");
  const image = openImageArgument(options.root);
  using root = image?.root ?? openRootArgument(options.root);
  checkDestination(image, options);
  const { profile, libc } = requestedProfile(root, options, log);
  if (libc === "musl") {
    tellMusl(options.root, options.json === true);
    return;
  }
  const computed = compute(root, profile, folders, options, log);
  const path = options.output ?? options.cache ?? CACHE_PATH;
  const written = options.output === undefined ? writeInside(root, path, computed.bytes) : true;
  if (options.output !== undefined) replaceHostFile(path, computed.bytes);
  else image?.write(options.to, "cdi-hook ldcache rebuild");
  if (options.json === true) writeJson(documentOf(options.root, path, written, profile, computed));
  else {
    const cache = `${path} ${written ? "written" : "unchanged"}, ${computed.entries} entries`;
    writeOutput(`${options.root}: ${cache}; links: ${countedLinks(computed.links)}; as ldconfig ${profile.name}\n`);
  }
}

const usage = (reason: string): HookError => new HookError("usage", "parse arguments", "", reason);

/** Throws HookError `usage` unless it is said where to what can be written. */
function checkDestination(image: Image | undefined, { to, inPlace, output }: RebuildOptions): void {
  if (image === undefined && (to !== undefined || inPlace === true)) throw usage("--to and --in-place are for images");
  if (to !== undefined && (inPlace === true || output !== undefined)) {
    throw usage("--to goes with neither --in-place nor --output");
  }
  if (image?.needsDestination === true && (to ?? inPlace ?? output) === undefined) {
    throw usage("an archive is changed by --to FILE, which writes another one, or by --in-place");
  }
}

/** A root whose dynamic linker is musl needs nothing. */
export function tellMusl(root: string, json: boolean): void {
  if (json) writeJson({ root, libc: "musl", needed: false });
  else writeOutput(`${root}: its dynamic linker is musl, which has no cache; nothing is needed\n`);
}

/** Mends the links, unless told not to, and computes the cache, with progress for somebody who waits. */
export function compute(
  root: Root,
  profile: Profile,
  directories: readonly string[],
  options: Pick<RebuildOptions, "conf" | "links">,
  log: Logger,
): ComputedCache {
  using progress = new Progress("folders");
  let count = 0;
  let folder: string | undefined;
  const tick = (path: string): void => {
    if (path !== folder) count += 1;
    folder = path;
    progress.step(count, undefined, path);
  };
  const conf = options.conf === undefined ? {} : { confPath: options.conf };
  return computeCache(root, profile, { links: options.links, directories, ...conf, tick, log });
}

/** Whether the cache had to be written. */
function writeInside(root: Root, path: string, bytes: Uint8Array): boolean {
  const present = root.read(path, bytes.length);
  if (typeof present !== "number" && toText(present) === toText(bytes)) return false;
  root.replaceFile(path, bytes, 0o644, true);
  return true;
}

function documentOf(
  root: string,
  cache: string,
  written: boolean,
  profile: Profile,
  { bytes, entries, links }: ComputedCache,
): Json {
  return {
    root,
    libc: "glibc",
    needed: true,
    profile: profileDocument(profile),
    cache,
    written,
    bytes: bytes.length,
    entries,
    links: links.map(linkDocument),
  };
}

/** A profile as JSON. */
export function profileDocument({ name, glibc, architecture, layout }: Profile): Json {
  return { name, glibc, architecture, format: layout.format, generator: layout.extensions ? layout.generator : null };
}

/** A link that was changed, or would be, as JSON. */
export function linkDocument({ path, target, change, reason }: LinkChange): Json {
  return { path, target: target === "" ? null : target, change, reason: reason ?? null };
}

/** `2 made, 1 removed`, or `unchanged`. */
export function countedLinks(links: readonly LinkChange[]): string {
  const count = (change: LinkChange["change"]): number => links.filter((link) => link.change === change).length;
  const counts = (["made", "replaced", "removed", "failed"] as const).map((change) => [count(change), change] as const);
  return (
    counts
      .filter(([number]) => number > 0)
      .map(([number, change]) => `${number} ${change}`)
      .join(", ") || "unchanged"
  );
}
