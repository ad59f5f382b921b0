/**
 * The folders to scan, in ldconfig's order (add_dir_1, add_single_dir, add_glibc_hwcaps_subdirectories). A folder that is
 * named twice, by whatever path, is scanned once, under its first name.
 */
import { DT_REG, describeErrno } from "../rootfs/constants.ts";
import type { Directory, Identity, Listing } from "../rootfs/directory.ts";
import type { Root } from "../rootfs/root.ts";
import type { Log } from "../logger.ts";
import type { ConfiguredFolder, LibraryType, Origin } from "./configuration.ts";
import type { Observer } from "./observer.ts";
import { isTrouble } from "./trouble.ts";

/** Folders that stay open between being found and being scanned; later ones are opened twice. */
const OPEN_LIMIT = 64;
/** Folders scanned at most, glibc-hwcaps and legacy subfolders included. */
const FOLDER_LIMIT = 4096;
/** Names looked at, at most, in all folders together: 300 bytes of memory each. */
const NAME_LIMIT = 500_000;

const HWCAPS = "glibc-hwcaps";

/** One folder of the search path. */
export interface Folder {
  /** As it was written: cache entries use this text. */
  readonly path: string;
  readonly origin: Origin;
  /** Of a `glibc-hwcaps/NAME` folder: NAME. */
  readonly hwcaps: string | undefined;
  type: LibraryType;
}

interface FoundFolder extends Folder {
  /** Without links. */
  readonly canonical: string;
  readonly identity: Identity;
  /** Emptied when it is taken. */
  listing: Listing;
  /** How many links its path leads through. */
  readonly links: number;
  directory: Directory | undefined;
}

/** A folder about to be scanned. */
export interface OpenFolder {
  readonly folder: Folder;
  readonly directory: Directory;
  /** What is in it. Only once: thousands of names are no small thing to keep. */
  readonly takeListing: () => Listing;
  /** How many links the folder's path leads through. */
  readonly links: number;
}

export class SearchPath {
  readonly #root: Root;
  readonly #log: Log;
  readonly #withHwcaps: boolean;
  readonly #observer: Observer | undefined;
  readonly #from: string;
  readonly #folders: FoundFolder[] = [];
  readonly #byIdentity = new Map<Identity, FoundFolder>();
  /** Folders by the paths under which they were added: Debian's configuration names the built-in ones. */
  readonly #byPath = new Map<string, FoundFolder>();
  #open = 0;
  #names = 0;
  #cut = false;
  /** Names of all glibc-hwcaps subfolders met, used or not; a name may be there twice. */
  readonly hwcapsNames: string[] = [];

  /** Relative paths start at `from`. */
  constructor(root: Root, withHwcaps: boolean, log: Log, observer?: Observer, from = "/") {
    this.#root = root;
    this.#withHwcaps = withHwcaps;
    this.#log = log;
    this.#observer = observer;
    this.#from = from;
  }

  /** Adds a folder, and its glibc-hwcaps subfolders right behind it. A path that is no folder is ignored. */
  add(configured: ConfiguredFolder): void {
    const { path, type, origin } = configured;
    const before = this.#byPath.get(path);
    if (before !== undefined) {
      before.type = type;
      this.#observer?.repeated(path, origin, before.origin);
      return;
    }
    const directory = this.#root.directory(path, this.#from);
    if (typeof directory === "number") this.#observer?.missing(path, directory);
    else if (this.#observer !== undefined) {
      const known = this.#byIdentity.get(directory.identity);
      if (known !== undefined) this.#observer.repeated(path, origin, known.origin);
    }
    const added = this.#add(directory, path, { origin, hwcaps: undefined, type });
    if (added === undefined) return;
    this.#byPath.set(path, added);
    if (!this.#withHwcaps) return;
    if (hasHwcaps(added.listing.names)) this.#addHwcaps(added);
  }

  /** Adds a subfolder for legacy hardware capabilities at the end, in the middle of the scan. */
  addLegacy(parent: Folder, name: string, directory: Directory | number): void {
    const { origin, type } = parent;
    const links = this.#folders.find((folder) => folder === parent)?.links;
    this.#add(directory, `${parent.path}/${name}`, { origin, hwcaps: undefined, type }, links);
  }

  /** Each folder in order, those included that are added meanwhile. It is closed when the next one is asked for. */
  *[Symbol.iterator](): Generator<OpenFolder, void> {
    // An array's iterator sees what is pushed meanwhile.
    for (const folder of this.#folders) {
      const directory = folder.directory ?? this.#root.directory(folder.canonical);
      if (typeof directory === "number") {
        this.#unopened(folder.path, directory);
        continue;
      }
      if (folder.directory !== undefined) this.#open -= 1;
      folder.directory = undefined;
      try {
        if (directory.identity === folder.identity) {
          yield { folder, directory, takeListing: () => takeListing(folder), links: folder.links };
        }
      } finally {
        directory.close();
      }
    }
  }

  /** Closes what was not scanned. */
  [Symbol.dispose](): void {
    for (const folder of this.#folders) folder.directory?.close();
  }

  #addHwcaps(parent: FoundFolder): void {
    const top = this.#root.directory(HWCAPS, parent.canonical);
    if (typeof top === "number") return this.#unopened(`${parent.path}/${HWCAPS}`, top);
    using open = top;
    const { names, types, ended } = open.list(FOLDER_LIMIT);
    this.#tellEnd(open.path, ended);
    for (let at = 0; at < names.length; at += 1) {
      if (this.#cut) return;
      const name = names[at] ?? "";
      if (name.startsWith(".") || name.includes(":") || types[at] === DT_REG) continue;
      const directory = this.#root.directory(name, open.path);
      if (typeof directory === "number") {
        this.#unopened(`${parent.path}/${HWCAPS}/${name}`, directory);
        continue;
      }
      this.hwcapsNames.push(name);
      const { origin, type } = parent;
      const links = parent.links + open.links;
      this.#add(directory, `${parent.path}/${HWCAPS}/${name}`, { origin, hwcaps: name, type }, links);
    }
  }

  #unopened(path: string, result: number): void {
    if (isTrouble(result)) this.#log.warn(`${path}: left out: ${describeErrno(result)}`);
    else if (this.#log.debugging) this.#log.debug(`${path}: no folder`);
  }

  /** Takes over `directory`. Undefined when it is none, or known already. */
  #add(
    directory: Directory | number,
    path: string,
    facts: Omit<Folder, "path">,
    parentLinks = 0,
  ): FoundFolder | undefined {
    if (typeof directory === "number") {
      this.#unopened(path, directory);
      return undefined;
    }
    const known = this.#byIdentity.get(directory.identity);
    if (known !== undefined) {
      known.type = facts.type;
      directory.close();
      if (this.#log.debugging) this.#log.debug(`${path}: the same folder as ${known.path}`);
      return undefined;
    }
    if (this.#folders.length >= FOLDER_LIMIT || this.#names >= NAME_LIMIT) {
      directory.close();
      if (!this.#cut) this.#log.warn(`${path}: too many folders or names, this one and later ones are left out`);
      this.#cut = true;
      return undefined;
    }
    const room = NAME_LIMIT - this.#names;
    const listing = directory.list(room);
    if (listing.names.length > room) this.#log.warn(`${path}: too many names, those behind ${room} are left out`);
    this.#tellEnd(path, listing.ended);
    this.#names += listing.names.length;
    const { identity, path: canonical } = directory;
    const links = parentLinks + directory.links;
    const folder: FoundFolder = { ...facts, path, canonical, identity, listing, links, directory };
    if (this.#open >= OPEN_LIMIT) {
      directory.close();
      folder.directory = undefined;
    } else this.#open += 1;
    this.#folders.push(folder);
    this.#byIdentity.set(directory.identity, folder);
    return folder;
  }

  #tellEnd(path: string, ended: number): void {
    if (isTrouble(ended)) this.#log.warn(`${path}: names are left out: ${describeErrno(ended)}`);
  }
}

function takeListing(folder: FoundFolder): Listing {
  const { listing } = folder;
  folder.listing = { names: [], types: [], ended: 0 };
  return listing;
}

function hasHwcaps(names: readonly string[]): boolean {
  return names.includes(HWCAPS);
}
