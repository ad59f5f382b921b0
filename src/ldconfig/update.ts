/**
 * Bringing a root's soname links and `/etc/ld.so.cache` up to date, as the ldconfig of its own glibc would
 * (ldconfig.c's main): the folders that are asked for, those of ld.so.conf, the built-in ones.
 */
import { toText } from "../bytes/text.ts";
import { HookError } from "../errors.ts";
import type { CacheEntry } from "../ldcache/entry.ts";
import { writeCache } from "../ldcache/write.ts";
import type { Log } from "../logger.ts";
import { S_IFREG } from "../rootfs/constants.ts";
import type { Root } from "../rootfs/root.ts";
import { configuredFolder, readConfiguration, type Configuration } from "./configuration.ts";
import { FolderNames } from "./folder-names.ts";
import { HwcapFolders } from "./legacy-hwcaps.ts";
import { Libraries } from "./libraries.ts";
import { FolderLinks, type LinkChange, type LinkState } from "./links.ts";
import type { Profile } from "./profile.ts";
import { scanFolder, type Offer, type ScanContext } from "./scan.ts";
import { SearchPath, type Folder, type OpenFolder } from "./search-path.ts";

export const CACHE_PATH = "/etc/ld.so.cache";
export const CONFIGURATION_PATH = "/etc/ld.so.conf";

/** The cache's permissions, whatever the umask says. */
const CACHE_MODE = 0o644;
/** Entries at most; what is beyond is left out with a warning. */
const ENTRY_LIMIT = 250_000;
/** Names in one warning. */
const NAMES_SHOWN = 4;
/** Bytes of keys and values at most, before they share their tails. */
const TEXT_LIMIT = 64 << 20;

export interface UpdateOptions {
  /** Folders that come first, as ldconfig's operands do; absolute container paths. */
  readonly directories?: readonly string[];
  /** Links are made, replaced and removed; false is ldconfig's `-X`. */
  readonly links: boolean;
  /**
   * An entry whose soname link is missing or wrong, and stays so, names the file itself: on a root that cannot be
   * written the cache then serves all the same.
   */
  readonly direct?: boolean;
  /** Where the cache goes; CACHE_PATH unless told. */
  readonly cachePath?: string;
  /** The configuration; CONFIGURATION_PATH unless told. */
  readonly confPath?: string;
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
 * @throws HookError `kernel` when the cache cannot be written, `usage` for a relative folder, `refused` for a format
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

/** As `update`, but only computes the cache; links are mended unless `links` is false. */
export function computeCache(root: Root, profile: Profile, options: UpdateOptions): ComputedCache {
  using run = new Run(root, profile, options);
  return run.compute();
}

/** Whether the file is what would be written: a regular file, its mode and its bytes. */
function isCurrent(root: Root, path: string, bytes: Uint8Array): boolean {
  const facts = root.lstat(path);
  if (typeof facts === "number" || facts.type !== S_IFREG) return false;
  if (facts.mode !== CACHE_MODE || facts.size !== bytes.length) return false;
  const present = root.read(path, bytes.length);
  return typeof present !== "number" && toText(present) === toText(bytes);
}

class Run implements Disposable {
  readonly #root: Root;
  readonly #profile: Profile;
  readonly #options: UpdateOptions;
  readonly #searchPath: SearchPath;
  readonly #entries: CacheEntry[] = [];
  readonly #links: LinkChange[] = [];
  /** Names of links that could not be made in the folder at hand, by reason. */
  readonly #failures = new Map<string, string[]>();
  #text = 0;
  #cut = false;

  constructor(root: Root, profile: Profile, options: UpdateOptions) {
    this.#root = root;
    this.#profile = profile;
    this.#options = options;
    this.#searchPath = new SearchPath(root, profile.features.hwcapsFolders, options.log);
  }

  [Symbol.dispose](): void {
    this.#searchPath[Symbol.dispose]();
  }

  compute(): ComputedCache {
    const { features } = this.#profile;
    const { log } = this.#options;
    const configuration = this.#findFolders();
    const table = this.#profile.legacyHwcaps;
    const hwcapFolders = table === undefined ? undefined : new HwcapFolders(table, configuration.hwcaps);
    const libraries = new Libraries(this.#root, this.#profile.library);
    const removed: string[] = [];
    const context: ScanContext = {
      root: this.#root,
      profile: this.#profile,
      libraries,
      searchPath: this.#searchPath,
      hwcapFolders,
      removeDangling: this.#options.links || !features.danglingKept,
      removed: (name) => removed.push(name),
      log,
    };
    for (const open of this.#searchPath) {
      const { folder, directory, entries } = open;
      if (log.debugging) log.debug(`${folder.path}: ${entries.length} names (from ${describe(folder)})`);
      const names = new FolderNames(directory, entries);
      const offers = scanFolder(context, folder, directory, names);
      for (const name of removed.splice(0)) this.#changed(folder, name, "", "removed");
      const links = new FolderLinks(this.#root, directory, names, this.#profile.keepsLoaderLinks);
      this.#take(open, offers, links, folder.hwcaps === undefined ? (hwcapFolders?.bits(folder.path) ?? 0n) : 0n);
    }
    if (log.debugging) log.debug(`${libraries.count} files read, ${this.#entries.length} entries`);
    const bytes = writeCache(this.#entries, this.#searchPath.hwcapsNames, this.#profile.layout);
    return { bytes, entries: this.#entries.length, links: this.#links };
  }

  #findFolders(): Configuration {
    const { directories = [], confPath = CONFIGURATION_PATH, log } = this.#options;
    const { configuration: rules, systemDirectories } = this.#profile;
    for (const text of directories) {
      if (!text.startsWith("/")) throw new HookError("usage", "scan", text, "a folder must be an absolute path");
      const folder = configuredFolder(text, { file: "<command line>", line: 0 }, rules.libraryTypes, log);
      if (folder !== undefined) this.#searchPath.add(folder);
    }
    const configuration = this.#options.configuration ?? readConfiguration(this.#root, confPath, rules, log);
    for (const folder of configuration.folders) this.#searchPath.add(folder);
    const origin = { file: "<built in>", line: 0 };
    for (const path of systemDirectories) this.#searchPath.add({ path, type: -1, origin });
    return configuration;
  }

  /** Mends the links of a folder, and adds its entries. */
  #take({ folder }: OpenFolder, offers: readonly Offer[], links: FolderLinks, hwcap: bigint): void {
    const { hwcaps, path } = folder;
    if (this.#text > TEXT_LIMIT || this.#entries.length + offers.length > ENTRY_LIMIT) {
      if (!this.#cut) this.#options.log.warn(`${path}: too many libraries, this folder and later ones are left out`);
      this.#cut = true;
      return;
    }
    const hwcapLow = Number(hwcap & 0xffffffffn);
    const hwcapHigh = Number(hwcap >> 32n);
    for (const offer of offers) {
      const { soname, flags, osVersion, isa, name } = offer;
      let file = hwcaps === undefined ? soname : name;
      if (hwcaps === undefined && !offer.isLink && !this.#mended(folder, offer, links)) {
        if (this.#options.direct === true) file = name;
      }
      const value = `${path}/${file}`;
      this.#text += soname.length + value.length;
      this.#entries.push({ key: soname, value, flags, osVersion, hwcapLow, hwcapHigh, hwcaps, isa });
    }
    this.#warnOfFailures(path);
  }

  #failed(reason: string, name: string): void {
    const names = this.#failures.get(reason);
    if (names === undefined) this.#failures.set(reason, [name]);
    else names.push(name);
  }

  /** One line per folder and reason: a root that cannot be written would make hundreds. */
  #warnOfFailures(path: string): void {
    for (const [reason, names] of this.#failures) {
      const more = names.length > NAMES_SHOWN ? `, and ${names.length - NAMES_SHOWN} more` : "";
      this.#options.log.warn(`${path}: no link ${names.slice(0, NAMES_SHOWN).join(", ")}${more}: ${reason}`);
    }
    this.#failures.clear();
  }

  /** Whether the soname leads to the file, now or already. */
  #mended(folder: Folder, offer: Offer, links: FolderLinks): boolean {
    const state: LinkState = links.state(offer);
    if (state === "right") return true;
    if (!this.#options.links) return false;
    const { name, soname } = offer;
    if (state === "occupied" || state === "impossible") {
      const reason = state === "occupied" ? "there is a file or folder of that name" : "the soname is no file name";
      this.#changed(folder, soname, name, "failed", reason);
      return false;
    }
    const failure = links.mend(offer, state);
    if (failure === undefined) this.#changed(folder, soname, name, state === "missing" ? "made" : "replaced");
    else this.#changed(folder, soname, name, "failed", failure);
    return failure === undefined;
  }

  #changed(folder: Folder, name: string, target: string, change: LinkChange["change"], reason?: string): void {
    const { log } = this.#options;
    const path = `${folder.path}/${name}`;
    this.#links.push({ path, target, change, ...(reason === undefined ? {} : { reason }) });
    if (reason !== undefined) this.#failed(reason, name);
    else if (log.debugging) log.debug(change === "removed" ? `${path}: removed` : `${path} -> ${target}: ${change}`);
  }
}

function describe(folder: Folder): string {
  const { file, line } = folder.origin;
  return line === 0 ? file : `${file}:${line}`;
}
