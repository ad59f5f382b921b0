/**
 * Scanning one folder: which libraries it offers, under which sonames, and which file of several is the one
 * (ldconfig.c's search_dir).
 */
import type { Library } from "../elf/library.ts";
import { compareNames } from "../ldcache/compare-names.ts";
import type { Skip } from "../elf/skip.ts";
import type { Log } from "../logger.ts";
import {
  DT_DIR,
  DT_LNK,
  DT_REG,
  DT_UNKNOWN,
  EISDIR,
  ELOOP,
  ENOENT,
  ENOTDIR,
  describeErrno,
} from "../rootfs/constants.ts";
import type { Directory, ListedName } from "../rootfs/directory.ts";
import type { Root } from "../rootfs/root.ts";
import { anyTemporary, isLibraryName, isTemporaryName } from "./candidates.ts";
import { emptyColumn, type FolderNames } from "./folder-names.ts";
import type { HwcapFolders } from "./legacy-hwcaps.ts";
import type { Libraries, LibraryFile } from "./libraries.ts";
import type { Observer } from "./observer.ts";
import type { Profile } from "./profile.ts";
import type { Folder, SearchPath } from "./search-path.ts";
import { isTrouble } from "./trouble.ts";

/** A soname that a folder offers. */
export interface Offer {
  readonly soname: string;
  /** The soname's place in its folder's names. */
  readonly place: number;
  /** The file, or the link that counts as one. */
  name: string;
  /** Its place. */
  at: number;
  flags: number;
  /** The entry is for a link that needs none: `libx.so` for compilers, or a soname's own. */
  isLink: boolean;
  /** What `name` leads to. */
  file: Library;
}

/** What all folders' scans share. */
export interface ScanContext {
  readonly root: Root;
  readonly profile: Profile;
  readonly libraries: Libraries;
  readonly searchPath: SearchPath;
  /** Legacy hardware capability subfolders are looked for by this. */
  readonly hwcapFolders: HwcapFolders | undefined;
  /** Called for each candidate that is a link to nowhere, with -errno; it may be removed then. */
  readonly dangling: (name: string, result: number) => void;
  /** Called when the listing's order decides: two files of one soname are of different types. */
  readonly ambiguous: () => void;
  readonly observer: Observer | undefined;
  /** Called with the folder's path, once for some hundred names. */
  readonly tick: ((path: string) => void) | undefined;
  readonly log: Log;
}

/** What the low byte of an entry's flags can be told by `DIR=TYPE`. */
const FLAG_ELF = 1;

/** Names between two ticks. */
const TICK = 256;

/** The scan of one folder. */
export class FolderScan {
  readonly #context: ScanContext;
  readonly #folder: Folder;
  readonly #directory: Directory;
  readonly #names: FolderNames;
  /** In the order in which their sonames were met. */
  readonly #offers: Offer[] = [];
  /** The same, by the places of their sonames. */
  readonly #byPlace: (Offer | undefined)[];
  readonly #libraryTypes: boolean;
  #troubled = false;

  constructor(context: ScanContext, folder: Folder, directory: Directory, names: FolderNames) {
    this.#context = context;
    this.#folder = folder;
    this.#directory = directory;
    this.#names = names;
    this.#byPlace = emptyColumn(names.types.length);
    this.#libraryTypes = context.profile.features.libraryTypes;
  }

  /** The folder's sonames, once it is scanned, as they first appeared: ldconfig's order is the reverse. */
  get offers(): Offer[] {
    return this.#offers;
  }

  /** Goes through all names. */
  scan(): void {
    const { hwcapFolders, tick } = this.#context;
    const { loaderNames, temporaryNamesSkipped } = this.#context.profile.features;
    const { listed, types, hasRepeats } = this.#names;
    const checkTemporary = anyTemporary(listed.join("/"));
    const isPlain = this.#folder.hwcaps === undefined;
    for (let at = 0; at < listed.length; at += 1) {
      const name = listed[at];
      if (name === undefined || (hasRepeats && this.#names.find(name) !== at)) continue;
      if (tick !== undefined && at % TICK === 0) tick(this.#folder.path);
      const type = types[at];
      if (!isLibraryName(name, loaderNames)) {
        if (type === DT_REG || (isPlain && hwcapFolders?.descends(name) !== true)) continue;
      }
      if (checkTemporary && isTemporaryName(name, temporaryNamesSkipped)) continue;
      if (type === DT_REG) this.#regular(at, name);
      else if (type === DT_LNK) this.#link(at, name);
      else if (type === DT_DIR) this.#subfolder(name);
      else if (type === DT_UNKNOWN) this.#unknown(at, name);
    }
  }

  /** Looks once more at links that led nowhere. */
  retry(links: readonly string[]): void {
    for (const link of links) {
      const at = this.#names.find(link);
      const name = at === undefined ? undefined : this.#names.listed[at];
      if (at !== undefined && name !== undefined) this.#link(at, name);
    }
  }

  #unknown(at: number, name: ListedName): void {
    const type = this.#names.typeOf(at);
    if (type === DT_REG) this.#regular(at, name);
    else if (type === DT_LNK) this.#link(at, name);
    else if (type === DT_DIR) this.#subfolder(name);
  }

  #subfolder(name: string): void {
    const { hwcapFolders, root, searchPath } = this.#context;
    if (this.#folder.hwcaps !== undefined || hwcapFolders?.descends(name) !== true) return;
    searchPath.addLegacy(this.#folder, name, root.directory(name, this.#directory.path));
  }

  #linkedFolder(name: string): void {
    const { hwcapFolders, observer } = this.#context;
    const isLegacy = this.#folder.hwcaps === undefined && hwcapFolders?.descends(name) === true;
    if (!isLegacy) observer?.unopened(`${this.#folder.path}/${name}`, -EISDIR);
    this.#subfolder(name);
  }

  #regular(at: number, name: ListedName): void {
    const file = this.#names.libraries[at] ?? this.#read(at, name);
    if (typeof file === "number") this.#unopened(name, file, "cannot be opened");
    else this.#offer(at, name, file, false);
  }

  #link(at: number, name: ListedName): void {
    const file = this.#linkedFile(at);
    if (typeof file !== "number") this.#offer(at, name, file, true);
    else if (file === -EISDIR) this.#linkedFolder(name);
    else if (file === -ENOENT || file === -ENOTDIR || file === -ELOOP) this.#context.dangling(name, file);
    else this.#unopened(name, file, "leads to no regular file");
  }

  /** The library that a link leads to; -errno, -EISDIR for a directory. */
  #linkedFile(at: number): LibraryFile | number {
    const end = this.#names.destination(at);
    if (end === undefined) return -ENOENT;
    const type = this.#names.types[end];
    // Only what was listed is ever known to be a file.
    if (type === DT_REG) return this.#names.libraries[end] ?? this.#read(end, this.#names.listed[end]);
    const target = this.#names.targets[end];
    if (type === DT_LNK && typeof target === "string") {
      return this.#context.libraries.at(target, this.#directory.path);
    }
    return type === DT_DIR ? -EISDIR : -1;
  }

  #read(at: number, name: ListedName | undefined): LibraryFile | number {
    const file = name === undefined ? -ENOENT : this.#context.libraries.named(this.#directory, name);
    this.#names.libraries[at] = file;
    return file;
  }

  #offer(at: number, name: string, file: LibraryFile, viaLink: boolean): void {
    if (file.skip !== undefined) return this.#leftOut(name, file);
    let isLink = viaLink;
    let soname = file.soname ?? implicitSoname(name, file, this.#context.profile);
    if (isLink && name !== soname) isLink = name.endsWith(".so") && soname.startsWith(name);
    if (isLink) soname = name;
    let { flags } = file;
    if (flags === FLAG_ELF && this.#libraryTypes && this.#folder.type > 1) flags = this.#folder.type;
    const place = soname === name ? at : this.#names.placeOf(soname);
    const known = this.#byPlace[place];
    if (known === undefined) {
      const offer = { soname, place, name, at, flags, isLink, file };
      this.#byPlace[place] = offer;
      this.#offers[this.#offers.length] = offer;
      return;
    }
    // The usual case: the link that the soname's file has already.
    if (isLink && !known.isLink && flags === known.flags) return;
    this.#rival(known, at, name, flags, isLink, file);
  }

  /** A second file for a soname: a file wins over a link, else the higher version in its name. */
  #rival(known: Offer, at: number, name: string, flags: number, isLink: boolean, file: Library): void {
    const { charSigned } = this.#context.profile.layout;
    if (flags !== known.flags) this.#context.ambiguous();
    const better = isLink === known.isLink ? compareNames(known.name, name, charSigned) < 0 : !isLink;
    if (!better) return;
    if (flags !== known.flags) {
      const [low, high] = flags < known.flags ? [flags, known.flags] : [known.flags, flags];
      if (this.#libraryTypes && low === FLAG_ELF && (high === 2 || high === 3)) known.flags = flags;
      else {
        this.#context.observer?.conflict(this.#folder, known.name, name);
        this.#skipped(name, `has the soname of ${known.name}, but is of another type`);
      }
    }
    known.name = name;
    known.at = at;
    known.isLink = isLink;
    known.file = file;
  }

  /** One warning per folder: what one file lacks, the next lacks as well. */
  #unopened(name: string, result: number, reason: string): void {
    this.#context.observer?.unopened(`${this.#folder.path}/${name}`, result);
    if (!isTrouble(result) || this.#troubled) return this.#skipped(name, reason);
    this.#troubled = true;
    this.#context.log.warn(`${this.#folder.path}/${name}: left out, and maybe others: ${describeErrno(result)}`);
  }

  #leftOut(name: string, content: Skip): void {
    this.#context.observer?.skipped(`${this.#folder.path}/${name}`, content);
    this.#skipped(name, content.skip);
  }

  #skipped(name: string, reason: string): void {
    const { log } = this.#context;
    if (log.debugging) log.debug(`${this.#folder.path}/${name}: ${reason}`);
  }
}

/** The soname of a library that has none: its file name, which 2.37 (and an a.out file) cut behind the first number. */
export function implicitSoname(name: string, library: Library, profile: Profile): string {
  if (!library.aout && !profile.features.implicitSonameCut) return name;
  const version = name.indexOf(".so.");
  const end = version === -1 ? -1 : name.indexOf(".", version + 4);
  return end === -1 ? name : name.slice(0, end);
}
