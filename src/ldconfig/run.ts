/** One run over all folders, in ldconfig's order: those that are asked for, those of ld.so.conf, the built-in ones. */
import { HookError } from "../errors.ts";
import { EntryList } from "../ldcache/entry-list.ts";
import { writeCache } from "../ldcache/write.ts";
import type { Log } from "../logger.ts";
import { EROFS, S_IFLNK, describeErrno } from "../rootfs/constants.ts";
import type { Directory, Listing } from "../rootfs/directory.ts";
import type { Root } from "../rootfs/root.ts";
import { configuredFolder, readConfiguration, type Configuration } from "./configuration.ts";
import { FolderNames } from "./folder-names.ts";
import { HwcapFolders } from "./legacy-hwcaps.ts";
import type { AllLibraries } from "./libraries.ts";
import type { Observer, Outcome } from "./observer.ts";
import { FolderLinks, doubtfulOffers, type LinkChange, type LinkState } from "./links.ts";
import type { Profile } from "./profile.ts";
import { retry, scanNames, type Offer, type ScanContext } from "./scan.ts";
import { SearchPath, type Folder, type OpenFolder } from "./search-path.ts";
import { addUnmadeEntries } from "./unmade-links.ts";

/** Entries at most; what is beyond is left out with a warning. */
const ENTRY_LIMIT = 250_000;
/** Bytes of keys and values at most, before they share their tails. */
const TEXT_LIMIT = 64 << 20;
/** Names in one warning. */
const NAMES_SHOWN = 4;
/** How often one folder is gone over until no link that led nowhere has come to lead somewhere. */
const ROUNDS = 3;

export interface RunOptions {
  readonly directories?: readonly string[];
  readonly links: boolean;
  readonly settle?: boolean;
  readonly needsLinks?: boolean;
  readonly configuration?: Configuration;
  /** Where relative folders start; without it, those of the command line have to be absolute. */
  readonly from?: string;
  readonly tick?: (path: string) => void;
  /** Is told of everything. What it is told of is not warned of. */
  readonly observer?: Observer;
  readonly log: Log;
}

/** Why no link is made, by what is there. */
const FAILURES = {
  occupied: "there is a file or folder of that name",
  impossible: "the soname is no file name",
} as const;

const READ_ONLY = describeErrno(-EROFS);

/** Links of one folder that lead nowhere. */
interface Dangling {
  readonly folder: Folder;
  /** The folder's place, free of links. */
  readonly path: string;
  readonly names: readonly string[];
  /** How many links had been mended when they were looked at. */
  readonly mended: number;
}

export class Run implements Disposable {
  readonly entries = new EntryList();
  readonly links: LinkChange[] = [];
  /** The path of a link that could not be made as its folder is read-only. */
  readOnly: string | undefined;
  readonly #root: Root;
  readonly #profile: Profile;
  readonly #options: RunOptions;
  readonly #searchPath: SearchPath;
  readonly #hwcapFolders: HwcapFolders | undefined;
  readonly #libraries: AllLibraries;
  readonly #settles: boolean;
  /** Links that led nowhere when their folder was scanned, and are still there. */
  readonly #dangling: Dangling[] = [];
  /** An empty file was replaced, to which a link may lead that was left out. */
  #again = false;
  /** Names of links that could not be made in the folder at hand, by reason. */
  readonly #failures = new Map<string, Set<string>>();
  /** Links made and replaced. */
  #mended = 0;
  #text = 0;
  #cut = false;

  /** Finds the folders; throws HookError `usage` for a relative one. */
  constructor(root: Root, profile: Profile, options: RunOptions, libraries: AllLibraries, confPath: string) {
    this.#root = root;
    this.#profile = profile;
    this.#options = options;
    this.#libraries = libraries;
    this.#settles = options.settle === true && options.links;
    const { log, observer, from } = options;
    this.#searchPath = new SearchPath(root, profile.features.hwcapsFolders, log, observer, from);
    const { hwcaps } = this.#findFolders(confPath);
    const table = profile.legacyHwcaps;
    this.#hwcapFolders = table === undefined ? undefined : new HwcapFolders(table, hwcaps);
  }

  [Symbol.dispose](): void {
    this.#searchPath[Symbol.dispose]();
  }

  #findFolders(confPath: string): Configuration {
    const { directories = [], from, log } = this.#options;
    const { configuration: rules, systemDirectories } = this.#profile;
    for (const text of directories) {
      if (from === undefined && !text.startsWith("/")) {
        throw new HookError("usage", "scan", text, "a folder must be an absolute path");
      }
      const folder = configuredFolder(text, { file: "<cmdline>", line: 0 }, rules.libraryTypes, log);
      if (folder !== undefined) this.#searchPath.add(folder);
    }
    const configuration = this.#options.configuration ?? readConfiguration(this.#root, confPath, rules, log);
    for (const folder of configuration.folders) this.#searchPath.add(folder);
    const origin = { file: "<builtin>", line: 0 };
    for (const path of systemDirectories) this.#searchPath.add({ path, type: -1, origin });
    return configuration;
  }

  /** Scans the folders and mends their links. */
  scan(): void {
    const { log } = this.#options;
    for (const open of this.#searchPath) {
      const { folder } = open;
      this.#options.observer?.folder(folder, this.#bits(folder));
      // What a folder's scan takes in memory is gone by the time that its entries take theirs.
      this.#addEntries(folder, this.#scanFolder(open));
      this.#warnOfFailures(folder.path);
    }
    const { plain, hwcaps } = this.#libraries;
    if (log.debugging) log.debug(`${plain.count + hwcaps.count} files read, ${this.entries.length} entries`);
  }

  /**
   * Whether a further run would find the same. Links that led nowhere are removed if they still do; when one of them
   * has come to lead somewhere by a later folder's links, or to a library instead of an empty file, the answer is no.
   */
  settled(): boolean {
    if (this.#again) return false;
    for (const { path, names, mended } of this.#dangling) {
      if (mended === this.#mended) continue; // nothing that they could lead to was made since
      for (const name of names) if (typeof this.#root.stat(name, path) !== "number") return false;
    }
    for (const dangling of this.#dangling) this.#removeStale(dangling);
    return true;
  }

  #removeStale({ folder, path, names }: Dangling): void {
    const opened = this.#root.directory(path);
    if (typeof opened === "number") return;
    using directory = opened;
    for (const name of names) {
      const facts = isStale(name) ? directory.stat(name) : 0;
      if (typeof facts === "number" || facts.type !== S_IFLNK) continue;
      if (directory.unlink(name) === 0) this.#changed(folder, name, "", "removed");
    }
  }

  /** What links that exist in memory only would have the dynamic linker find without the cache. */
  addUnmade(): void {
    const { systemDirectories } = this.#profile;
    addUnmadeEntries(this.#root, systemDirectories, this.#libraries.plain, this.entries);
  }

  /** The bytes of the cache; throws HookError `refused`, see writeCache. */
  bytes(): Uint8Array {
    return writeCache(this.entries, this.#searchPath.hwcapsNames, this.#profile.layout);
  }

  /** The folder's sonames, the last of ldconfig's order first; their links are mended. */
  #scanFolder({ folder, directory, takeListing, links }: OpenFolder): Offer[] {
    const { log, observer, tick } = this.#options;
    const listing = takeListing();
    const count = listing.names.length;
    if (log.debugging) log.debug(`${folder.path}: ${count} names (from ${describe(folder)})`);
    let names = new FolderNames(directory, listing, links);
    let dangling: string[] = [];
    let ambiguous = false;
    const context: ScanContext = {
      root: this.#root,
      profile: this.#profile,
      libraries: folder.hwcaps === undefined ? this.#libraries.plain : this.#libraries.hwcaps,
      searchPath: this.#searchPath,
      hwcapFolders: this.#hwcapFolders,
      dangling: (name, result) => {
        observer?.dangling(`${folder.path}/${name}`, result);
        if (this.#settles) dangling.push(name);
        else if (this.#removes(name) && directory.unlink(name) === 0) {
          names.removed(name);
          this.#changed(folder, name, "", "removed");
        }
      },
      ambiguous: () => {
        ambiguous = true;
      },
      observer,
      tick,
      log,
    };
    let scan = scanNames(context, folder, directory, names);
    for (let round = 1; ; round += 1) {
      const before = this.#mended;
      if (folder.hwcaps !== undefined) {
        if (observer !== undefined)
          for (const offer of scan.offers.toReversed()) observer.offered(folder, offer, "kept");
      } else if (this.#options.links || observer !== undefined) {
        const folderLinks = new FolderLinks(this.#root, directory, names, this.#profile.keepsLoaderLinks);
        this.#mend(folder, this.#wanting(names, scan.offers), folderLinks);
      }
      const again = this.#settles && (dangling.length > 0 || ambiguous);
      if (!again || this.#mended === before || round === ROUNDS) break;
      if (ambiguous) {
        const listed = this.#listAgain(directory, 2 * count);
        if (listed === undefined) break;
        dangling = [];
        names = names.renewed(listed);
        scan = scanNames(context, folder, directory, names);
      } else retry(scan, dangling.splice(0));
    }
    if (dangling.length > 0) {
      this.#dangling.push({ folder, path: directory.path, names: dangling, mended: this.#mended });
    }
    return scan.offers;
  }

  /** What older packages left behind; links for compilers (`libx.so`) stay, as their target may be installed later. */
  #removes(name: string): boolean {
    return isStale(name) && (this.#options.links || !this.#profile.features.danglingKept);
  }

  #listAgain(directory: Directory, count: number): Listing | undefined {
    const opened = this.#root.directory(directory.path);
    if (typeof opened === "number") return undefined;
    using again = opened;
    return again.identity === directory.identity ? again.list(count) : undefined;
  }

  /** The offers whose links are looked at, in ldconfig's order; an observer is told of all. */
  #wanting(names: FolderNames, offers: readonly Offer[]): Offer[] {
    if (this.#options.observer === undefined) return doubtfulOffers(names, offers);
    return offers.toReversed().filter(({ isLink }) => !isLink);
  }

  /** Mends the links of a folder, or only looks at them for the observer. */
  #mend(folder: Folder, offers: readonly Offer[], links: FolderLinks): void {
    const { observer } = this.#options;
    for (const offer of offers) {
      const state = links.state(offer);
      const outcome = state === "right" ? "kept" : this.#mendOne(folder, offer, links, state);
      observer?.offered(folder, offer, outcome);
    }
  }

  #mendOne(folder: Folder, offer: Offer, links: FolderLinks, found: Exclude<LinkState, "right">): Outcome {
    const { name, soname } = offer;
    const state = found === "empty" && !this.#settles ? "occupied" : found;
    if (!this.#options.links) return state === "occupied" ? "occupied" : "unmade";
    const reason = state === "occupied" || state === "impossible" ? FAILURES[state] : links.mend(offer, state);
    if (reason === READ_ONLY) this.readOnly ??= `${folder.path}/${soname}`;
    if (reason !== undefined) {
      this.#failed(folder, soname, name, reason);
      return state === "occupied" ? "occupied" : "failed";
    }
    this.#mended += 1;
    this.#again ||= state === "empty";
    this.#changed(folder, soname, name, state === "missing" ? "made" : "replaced");
    return "changed";
  }

  /** The legacy capability bits of a folder's entries. */
  #bits({ hwcaps, path }: Folder): bigint {
    return hwcaps === undefined ? (this.#hwcapFolders?.bits(path) ?? 0n) : 0n;
  }

  /** Turns offers into entries, from the last one on, and lets go of each: there can be tens of thousands. */
  #addEntries(folder: Folder, offers: (Offer | undefined)[]): void {
    const { hwcaps, path } = folder;
    const { log } = this.#options;
    if (this.#text > TEXT_LIMIT || this.entries.length + offers.length > ENTRY_LIMIT) {
      if (!this.#cut) log.warn(`${path}: too many libraries, this folder and later ones are left out`);
      this.#cut = true;
      return;
    }
    const { lasting } = this.#root;
    const hwcap = this.#bits(folder);
    const hwcapLow = Number(hwcap & 0xffffffffn);
    const hwcapHigh = Number(hwcap >> 32n);
    const prefix = `${path}/`;
    let kind = this.entries.kinds.at(-1);
    if (kind?.hwcaps !== hwcaps || kind?.hwcapLow !== hwcapLow || kind.hwcapHigh !== hwcapHigh) kind = undefined;
    let text = 0;
    for (let last = offers.length - 1; last >= 0; last -= 1) {
      const offer = offers[last];
      if (offer === undefined) continue;
      offers[last] = undefined;
      const { soname, flags } = offer;
      const { osVersion, isa } = offer.file;
      let value = prefix + (hwcaps === undefined ? soname : offer.name);
      if (lasting !== undefined) value = lasting(value);
      text += soname.length + value.length;
      if (kind === undefined || kind.flags !== flags || kind.osVersion !== osVersion || kind.isa !== isa) {
        kind = { flags, osVersion, hwcapLow, hwcapHigh, hwcaps, isa };
      }
      this.entries.add(soname, value, kind);
    }
    this.#text += text;
  }

  #changed(folder: Folder, name: string, target: string, change: "made" | "replaced" | "removed"): void {
    const { log } = this.#options;
    const path = `${folder.path}/${name}`;
    this.links.push({ path, target, change });
    if (log.debugging) log.debug(change === "removed" ? `${path}: removed` : `${path} -> ${target}: ${change}`);
  }

  #failed(folder: Folder, name: string, target: string, reason: string): void {
    const names = this.#failures.get(reason) ?? new Set();
    this.#failures.set(reason, names);
    if (names.has(name)) return;
    names.add(name);
    this.links.push({ path: `${folder.path}/${name}`, target, change: "failed", reason });
  }

  /** One line per folder and reason: a root that cannot be written would make hundreds. */
  #warnOfFailures(path: string): void {
    if (this.#options.observer !== undefined) this.#failures.clear();
    if (this.#options.needsLinks === true) this.#failures.delete(READ_ONLY);
    for (const [reason, failed] of this.#failures) {
      const names = [...failed];
      const more = names.length > NAMES_SHOWN ? `, and ${names.length - NAMES_SHOWN} more` : "";
      this.#options.log.warn(`${path}: no link ${names.slice(0, NAMES_SHOWN).join(", ")}${more}: ${reason}`);
    }
    this.#failures.clear();
  }
}

/** Whether a link of that name is removed when it leads nowhere. */
function isStale(name: string): boolean {
  return name.includes(".so.");
}

function describe(folder: Folder): string {
  const { file, line } = folder.origin;
  return line === 0 ? file : `${file}:${line}`;
}
