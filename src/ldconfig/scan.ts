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
import { LOOP, destination, emptyColumn, fileBeside, linksFollowed, type FolderNames } from "./folder-names.ts";
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

/** The scan of one folder: what it works on, and what it has found. Functions do the work, for each name in thousands. */
export interface FolderScan {
  readonly context: ScanContext;
  readonly folder: Folder;
  readonly directory: Directory;
  readonly names: FolderNames;
  /** The folder's sonames as they first appeared: ldconfig's order is the reverse. */
  readonly offers: Offer[];
  /** The same, by the places of their sonames. */
  readonly byPlace: (Offer | undefined)[];
  /** A file was warned of. */
  troubled: boolean;
}

/** Goes through all names of a folder. */
export function scanNames(context: ScanContext, folder: Folder, directory: Directory, names: FolderNames): FolderScan {
  const byPlace = emptyColumn<Offer>(names.types.length);
  const scan: FolderScan = { context, folder, directory, names, offers: [], byPlace, troubled: false };
  const { hwcapFolders, tick } = context;
  const { loaderNames, temporaryNamesSkipped } = context.profile.features;
  const { listed, types, hasRepeats } = names;
  const checkTemporary = anyTemporary(listed.join("/"));
  const isPlain = folder.hwcaps === undefined;
  for (let at = 0; at < listed.length; at += 1) {
    const name = listed[at];
    if (name === undefined || (hasRepeats && names.find(name) !== at)) continue;
    if (tick !== undefined && at % TICK === 0) tick(folder.path);
    const type = types[at];
    if (!isLibraryName(name, loaderNames)) {
      if (type === DT_REG || (isPlain && hwcapFolders?.descends(name) !== true)) continue;
    }
    if (checkTemporary && isTemporaryName(name, temporaryNamesSkipped)) continue;
    look(scan, at, name, type);
  }
  return scan;
}

/** Looks once more at links that led nowhere. */
export function retry(scan: FolderScan, links: readonly string[]): void {
  for (const link of links) {
    const at = scan.names.find(link);
    const name = at === undefined ? undefined : scan.names.listed[at];
    if (at !== undefined && name !== undefined) look(scan, at, name, DT_LNK);
  }
}

function look(scan: FolderScan, at: number, name: ListedName, type: number | undefined): void {
  if (type === DT_REG) {
    const file = scan.names.libraries[at] ?? read(scan, at, name);
    if (typeof file === "number") unopened(scan, name, file, false);
    else offer(scan, at, name, file, false);
  } else if (type === DT_LNK) {
    const file = linkedFile(scan, at);
    const known = scan.byPlace[at];
    // The usual case: the link of a soname whose file was met before.
    if (known !== undefined && known.file === file && !known.isLink) return;
    if (typeof file !== "number") offer(scan, at, name, file, true);
    else if (file === -EISDIR) linkedFolder(scan, name);
    else if (file === -ENOENT || file === -ENOTDIR || file === -ELOOP) scan.context.dangling(name, file);
    else unopened(scan, name, file, true);
  } else if (type === DT_DIR) subfolder(scan, name);
  else if (type === DT_UNKNOWN) {
    const told = scan.names.typeOf(at);
    if (told !== DT_UNKNOWN) look(scan, at, name, told);
  }
}

function subfolder({ context, folder, directory }: FolderScan, name: string): void {
  const { hwcapFolders, root, searchPath } = context;
  if (folder.hwcaps !== undefined || hwcapFolders?.descends(name) !== true) return;
  searchPath.addLegacy(folder, name, root.directory(name, directory.path));
}

function linkedFolder(scan: FolderScan, name: string): void {
  const { context, folder } = scan;
  const isLegacy = folder.hwcaps === undefined && context.hwcapFolders?.descends(name) === true;
  if (!isLegacy) context.observer?.unopened(`${folder.path}/${name}`, -EISDIR, true);
  subfolder(scan, name);
}

/** The library that a link leads to; -errno, -EISDIR for a directory. */
function linkedFile(scan: FolderScan, at: number): LibraryFile | number {
  const { names } = scan;
  const end = fileBeside(names, at) ?? destination(names, at);
  if (end === undefined) return -ENOENT;
  if (end === LOOP) return -ELOOP;
  const type = names.types[end];
  // Only what was listed is ever known to be a file.
  if (type === DT_REG) return names.libraries[end] ?? read(scan, end, names.listed[end]);
  if (type !== DT_LNK) return type === DT_DIR ? -EISDIR : -1;
  const target = names.targets[end] ?? -1;
  return typeof target === "number" ? target : scan.context.libraries.at(target, scan.directory.path, linksFollowed);
}

function read(scan: FolderScan, at: number, name: ListedName | undefined): LibraryFile | number {
  const file = name === undefined ? -ENOENT : scan.context.libraries.named(scan.directory, name);
  scan.names.libraries[at] = file;
  return file;
}

function offer(scan: FolderScan, at: number, name: string, file: LibraryFile, viaLink: boolean): void {
  if (file.skip !== undefined) return leftOut(scan, name, file);
  let isLink = viaLink;
  let soname = file.soname ?? implicitSoname(name, file, scan.context.profile);
  if (isLink && name !== soname) isLink = name.endsWith(".so") && soname.startsWith(name);
  if (isLink) soname = name;
  let { flags } = file;
  if (flags === FLAG_ELF) flags = typed(scan, flags);
  const place = soname === name ? at : scan.names.placeOf(soname);
  const known = scan.byPlace[place];
  if (known === undefined) {
    const made = { soname, place, name, at, flags, isLink, file };
    scan.byPlace[place] = made;
    scan.offers[scan.offers.length] = made;
    return;
  }
  rival(scan, known, at, name, flags, isLink, file);
}

/** Flags that say no more than "ELF": of another type where the configuration says so of the folder. */
function typed({ context, folder }: FolderScan, flags: number): number {
  return folder.type > 1 && context.profile.features.libraryTypes ? folder.type : flags;
}

/** A second file for a soname: a file wins over a link, else the higher version in its name. */
function rival(
  scan: FolderScan,
  known: Offer,
  at: number,
  name: string,
  flags: number,
  isLink: boolean,
  file: Library,
): void {
  const { context, folder } = scan;
  const { features, layout } = context.profile;
  if (flags !== known.flags) context.ambiguous();
  const better = isLink === known.isLink ? compareNames(known.name, name, layout.charSigned) < 0 : !isLink;
  if (!better) return;
  if (flags !== known.flags) {
    const [low, high] = flags < known.flags ? [flags, known.flags] : [known.flags, flags];
    if (features.libraryTypes && low === FLAG_ELF && (high === 2 || high === 3)) known.flags = flags;
    else {
      context.observer?.conflict(folder, known.name, name);
      skipped(scan, name, `has the soname of ${known.name}, but is of another type`);
    }
  }
  known.name = name;
  known.at = at;
  known.isLink = isLink;
  known.file = file;
}

/** One warning per folder: what one file lacks, the next lacks as well. */
function unopened(scan: FolderScan, name: string, result: number, isLink: boolean): void {
  const { context, folder } = scan;
  context.observer?.unopened(`${folder.path}/${name}`, result, isLink);
  if (!isTrouble(result) || scan.troubled)
    return skipped(scan, name, isLink ? "leads to no regular file" : "cannot be opened");
  scan.troubled = true;
  context.log.warn(`${folder.path}/${name}: left out, and maybe others: ${describeErrno(result)}`);
}

function leftOut(scan: FolderScan, name: string, content: Skip): void {
  scan.context.observer?.skipped(`${scan.folder.path}/${name}`, content);
  skipped(scan, name, content.skip);
}

function skipped({ context, folder }: FolderScan, name: string, reason: string): void {
  if (context.log.debugging) context.log.debug(`${folder.path}/${name}: ${reason}`);
}

/** The soname of a library that has none: its file name, which 2.37 (and an a.out file) cut behind the first number. */
export function implicitSoname(name: string, library: Library, profile: Profile): string {
  if (!library.aout && !profile.features.implicitSonameCut) return name;
  const version = name.indexOf(".so.");
  const end = version === -1 ? -1 : name.indexOf(".", version + 4);
  return end === -1 ? name : name.slice(0, end);
}
