/** Bringing a root's soname links and `/etc/ld.so.cache` up to date, as the ldconfig of its own glibc would. */
import { sameBytes } from "../bytes/text.ts";
import type { Log } from "../logger.ts";
import { EROFS, S_IFREG } from "../rootfs/constants.ts";
import { kernelFailure } from "../rootfs/failure.ts";
import type { Root } from "../rootfs/root.ts";
import type { Configuration } from "./configuration.ts";
import { allLibraries } from "./libraries.ts";
import type { LinkChange } from "./links.ts";
import type { Profile } from "./profile.ts";
import { Run } from "./run.ts";

export const CACHE_PATH = "/etc/ld.so.cache";
export const CONFIGURATION_PATH = "/etc/ld.so.conf";

/** The cache's permissions, whatever the umask says. */
const CACHE_MODE = 0o644;
/** How often a root is gone over until nothing changes any more, with `settle`. */
const PASSES = 3;

export interface UpdateOptions {
  /** Folders that come first, as ldconfig's operands do; absolute container paths. */
  readonly directories?: readonly string[];
  /** Links are made, replaced and removed; false is ldconfig's `-X`. */
  readonly links: boolean;
  /**
   * Links that lead nowhere are looked at again when the others are made, so that a second run changes nothing. ldconfig
   * itself removes such a link, or leaves it out, and takes it up in the next run. An empty file in the place of a soname's
   * link is replaced, which ldconfig leaves in the library's way.
   */
  readonly settle?: boolean;
  /** A link that cannot be made because its folder is read-only is an error, not a warning. */
  readonly needsLinks?: boolean;
  /** Where the cache goes; CACHE_PATH unless told. */
  readonly cachePath?: string;
  /** The configuration; CONFIGURATION_PATH unless told. */
  readonly confPath?: string;
  /** Called now and then with the folder that is being scanned. */
  readonly tick?: (path: string) => void;
  /** What `confPath` says, when it was read before by the profile's rules (`readConfiguration`). */
  readonly configuration?: Configuration;
  readonly log: Log;
}

/** A cache that is computed and not written; the links are done. */
export interface ComputedCache {
  readonly bytes: Uint8Array;
  readonly entries: number;
  /** Links that were changed, or that could not be, in the order of the work. */
  readonly links: readonly LinkChange[];
}

export interface UpdateResult extends ComputedCache {
  /** The cache file was written; false when it was right already. */
  readonly changed: boolean;
}

/**
 * Mends the links and writes the cache. A cache that is right already is not touched.
 *
 * @throws HookError `kernel` when the cache cannot be written or a link that is needed cannot be made, `usage` for a relative folder, `refused` for a format
 *   that this glibc writes wrongly
 */
export function update(root: Root, profile: Profile, options: UpdateOptions): UpdateResult {
  const computed = computeCache(root, profile, options);
  const { cachePath = CACHE_PATH, log } = options;
  const changed = !isCurrent(root, cachePath, computed.bytes);
  if (changed) root.replaceFile(cachePath, computed.bytes, CACHE_MODE);
  log.debug(`${cachePath}: ${changed ? "written" : "is right already"}, ${computed.entries} entries`);
  return { ...computed, changed };
}

/** As `update`, but only computes the cache; links are mended unless `links` is false. Throws HookError `kernel`. */
export function computeCache(root: Root, profile: Profile, options: UpdateOptions): ComputedCache {
  const libraries = allLibraries(root, profile.library);
  const links: LinkChange[] = [];
  for (let pass = 1; ; pass += 1) {
    using run = new Run(root, profile, options, libraries, options.confPath ?? CONFIGURATION_PATH);
    run.scan();
    const settled = run.settled();
    // Not push(...links): an engine takes 65,534 arguments at most.
    for (const link of run.links) links.push(link);
    if (!settled && pass < PASSES) continue;
    if (options.links) run.addUnmade();
    warnOfFormat(run, profile, options.log);
    // Laying the cache out takes as much memory as the scan.
    libraries.plain.forget();
    libraries.hwcaps.forget();
    if (options.needsLinks === true && run.readOnly !== undefined)
      throw kernelFailure("create link", run.readOnly, -EROFS);
    return { bytes: run.bytes(), entries: run.entries.length, links };
  }
}

/** The old formats have no right place for glibc-hwcaps; ldconfig writes them all the same (ldconfig(8) says nothing of it). */
function warnOfFormat({ entries }: Run, { layout }: Profile, log: Log): void {
  if (layout.format === "new" || entries.kinds.every(({ hwcaps }) => hwcaps === undefined)) return;
  const effect = layout.format === "old" ? "loads them on any processor" : "never finds them";
  log.warn(`format ${layout.format}: there are glibc-hwcaps libraries, and the dynamic linker ${effect} by this cache`);
}

/** Whether the file is what would be written: a regular file, its mode and its bytes. */
function isCurrent(root: Root, path: string, bytes: Uint8Array): boolean {
  const facts = root.lstat(path);
  if (typeof facts === "number" || facts.type !== S_IFREG) return false;
  if (facts.mode !== CACHE_MODE || facts.size !== bytes.length) return false;
  const present = root.read(path, bytes.length);
  return typeof present !== "number" && sameBytes(present, bytes);
}
