/** A directory as it was listed once, kept up with what is changed in it: links within it are followed without the kernel. */
import { DT_LNK, DT_REG, DT_UNKNOWN } from "../rootfs/constants.ts";
import type { Directory, ListedName, Listing } from "../rootfs/directory.ts";
import type { LibraryFile } from "./libraries.ts";

/** Instead of a DT value: there is nothing of that name. */
export const NOTHING = -1;

/** Instead of a place: where a link leads that leads through more links than are followed. */
export const LOOP = -2;

/** After `destination` came to a link whose target leads elsewhere: how many links were followed, that one included. */
export let linksFollowed = 0;

/** As many links as Linux follows. */
const LINK_LIMIT = 40;

/**
 * The names of a directory, each known by its place: those that were listed come first, then those that were only asked for.
 * What is known of a name is in columns.
 */
export class FolderNames {
  /** In the order of the listing. */
  readonly listed: readonly ListedName[];
  /** DT values, or NOTHING. */
  readonly types: number[];
  /** Of regular files, once they were read. */
  readonly libraries: (LibraryFile | number | undefined)[];
  /** Names were listed twice, as happens when they are replaced meanwhile; the last one's place counts. */
  readonly hasRepeats: boolean;
  /** The texts of links, or -errno, once `destination` has read them. */
  readonly targets: (string | number | undefined)[];
  /** A link in the directory can be followed: the folder's path does not lead through as many as Linux follows already. */
  readonly followed: boolean;
  readonly directory: Directory;
  /** How many links the folder's path leads through. */
  readonly links: number;
  /** The places of names. */
  readonly places: Map<string, number> = new Map();

  /** Takes over the listing. `links` is how many links the folder's path leads through: the kernel counts them as well. */
  constructor(directory: Directory, { names, types }: Listing, links: number) {
    this.directory = directory;
    this.links = links;
    this.listed = names;
    this.types = types;
    const { places } = this;
    for (let at = 0; at < names.length; at += 1) places.set(names[at] ?? "", at);
    this.hasRepeats = places.size < names.length;
    this.libraries = emptyColumn(names.length);
    this.targets = emptyColumn(names.length);
    this.followed = links < LINK_LIMIT;
  }

  /** The directory as it is listed now; what was read of files that have their names still is taken over. */
  renewed(listing: Listing): FolderNames {
    const renewed = new FolderNames(this.directory, listing, this.links);
    for (let at = 0; at < renewed.listed.length; at += 1) {
      const name = renewed.listed[at] ?? "";
      const library = this.libraries[this.places.get(name) ?? -1];
      if (typeof library !== "object") continue;
      const facts = this.directory.stat(name);
      if (typeof facts === "object" && facts.identity === library.identity) renewed.libraries[at] = library;
    }
    return renewed;
  }

  /** The place of a name; undefined when there is nothing of that name. */
  find(name: string): number | undefined {
    const at = this.places.get(name);
    return at === undefined || this.types[at] === NOTHING ? undefined : at;
  }

  /** The place of a name, be there something or not. */
  placeOf(name: string): number {
    const known = this.places.get(name);
    if (known !== undefined) return known;
    const at = this.types.length;
    this.places.set(name, at);
    this.types[at] = NOTHING;
    this.libraries[at] = undefined;
    this.targets[at] = undefined;
    return at;
  }

  /** One of the DT values, or NOTHING; asks the kernel where the file system did not tell. */
  typeOf(at: number): number {
    const type = this.types[at] ?? NOTHING;
    if (type !== DT_UNKNOWN) return type;
    const found = this.directory.stat(this.listed[at] ?? "");
    if (typeof found === "number") return type;
    // S_IFLNK, S_IFREG, … are DT_LNK, DT_REG, … shifted (dirent.h, IFTODT).
    this.types[at] = found.type >> 12;
    return found.type >> 12;
  }

  /** Notes that there is a link to `target` now. */
  linked(at: number, target: string): void {
    this.types[at] = DT_LNK;
    this.libraries[at] = undefined;
    this.targets[at] = target;
  }

  /** Notes that `name` is gone. */
  removed(name: string): void {
    const at = this.placeOf(name);
    this.types[at] = NOTHING;
    this.targets[at] = undefined;
  }
}

/** The place of the regular file that a link leads to at once: the usual case, in less than half of `destination`'s time. */
export function fileBeside(names: FolderNames, at: number): number | undefined {
  const target = names.targets[at] ?? readlink(names, at);
  const place = typeof target === "string" && names.followed ? names.places.get(target) : undefined;
  return place !== undefined && names.types[place] === DT_REG ? place : undefined;
}

/**
 * Where a name leads, links followed as long as they stay in the directory: to a name that is no link, or to the link whose
 * target leads elsewhere (a text) or cannot be read (-errno). Undefined: nowhere; or LOOP.
 */
export function destination(names: FolderNames, start: number): number | undefined {
  const { types, targets } = names;
  let at = start;
  for (let links = names.links; links <= LINK_LIMIT; links += 1) {
    const type = types[at];
    if (type !== DT_LNK && (type !== DT_UNKNOWN || names.typeOf(at) !== DT_LNK)) return at;
    const target = targets[at] ?? readlink(names, at);
    if (typeof target === "number") return at;
    const next = names.places.get(target);
    if (next === undefined || types[next] === NOTHING) {
      if (!isPath(target)) return undefined;
      linksFollowed = links + 1;
      return links < LINK_LIMIT ? at : LOOP;
    }
    at = next;
  }
  return LOOP;
}

function readlink(names: FolderNames, at: number): string | number {
  const name = names.listed[at];
  const target = name === undefined ? -1 : names.directory.readlinkListed(name);
  names.targets[at] = target;
  return target;
}

/** Whether a link's text leads out of the directory. */
function isPath(target: string): boolean {
  return target === "." || target === ".." || target.includes("/");
}

/** A column of `length` places. Filled, as an array with holes is slow ever after; by the engine. */
export function emptyColumn<T>(length: number): (T | undefined)[] {
  // oxlint-disable-next-line unicorn/no-new-array -- Array.from takes ten times as long
  return new Array<T | undefined>(length).fill(undefined);
}
