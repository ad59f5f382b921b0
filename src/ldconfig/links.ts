/**
 * The links that make a file findable by its soname: `libx.so.1 -> libx.so.1.2` (ldconfig.c's create_links). Other than
 * ldconfig, a link is replaced in one step, and a soname that is no plain file name makes no link anywhere.
 */
import { DT_LNK, DT_REG, EEXIST, S_IFREG, describeErrno } from "../rootfs/constants.ts";
import type { Directory, FileFacts, Identity } from "../rootfs/directory.ts";
import type { Root } from "../rootfs/root.ts";
import { LOOP, NOTHING, destination, linksFollowed, type FolderNames } from "./folder-names.ts";
import type { Offer } from "./scan.ts";

/** A link that was changed, or that could not be. */
export interface LinkChange {
  /** As the cache would name it: the folder's path as it was written, and the soname. */
  readonly path: string;
  /** The file beside it; empty for a link that was removed. */
  readonly target: string;
  readonly change: "made" | "replaced" | "removed" | "failed";
  /** Why it failed. */
  readonly reason?: string;
}

/** What is at the place where a soname's link belongs. */
export type LinkState =
  /** The file itself, a link to it, or another link that is to be left alone. */
  | "right"
  /** Nothing. */
  | "missing"
  /** An empty file, as some images have them where files were mounted. */
  | "empty"
  /** A link to another file, or to nothing. */
  | "wrong"
  /** A file or folder of its own, which is never replaced. */
  | "occupied"
  /** The soname leads out of the folder. */
  | "impossible";

/**
 * Debian and Ubuntu never change the link of a dynamic linker that works (their patch local-ldconfig-ignore-ld.so). The
 * names of riscv64's and x32's are missing here because a comma is missing there.
 */
const LOADERS: ReadonlySet<string> = new Set([
  "ld-kfreebsd-x86-64.so.1",
  "ld-linux-aarch64.so.1",
  "ld-linux-aarch64_be.so.1",
  "ld-linux-armhf.so.3",
  "ld-linux-ia64.so.2",
  "ld-linux-mipsn8.so.1",
  "ld-linux-x86-64.so.2",
  "ld-linux.so.2",
  "ld-linux.so.3",
  "ld.so.1",
  "ld64.so.1",
  "ld64.so.2",
]);

/** Whether a soname is that of a dynamic linker whose link Debian keeps. */
export function isLoader(soname: string): boolean {
  return LOADERS.has(soname);
}

/**
 * The offers that want a link, in ldconfig's order, but for those that have what is usual: the soname for their name, or a
 * link of that name to the regular file beside it. Mending other offers' links changes nothing about that.
 */
export function doubtfulOffers({ types, targets, followed }: FolderNames, offers: readonly Offer[]): Offer[] {
  const doubtful: Offer[] = [];
  for (let last = offers.length - 1; last >= 0; last -= 1) {
    const offer = offers[last];
    if (offer === undefined || offer.isLink || offer.place === offer.at) continue;
    if (targets[offer.place] === offer.name && types[offer.at] === DT_REG && followed) continue;
    doubtful[doubtful.length] = offer;
  }
  return doubtful;
}

/** Looks at, and mends, the links of one folder. */
export class FolderLinks {
  readonly #root: Root;
  readonly #directory: Directory;
  readonly #names: FolderNames;
  readonly #keepsLoaderLinks: boolean;

  constructor(root: Root, directory: Directory, names: FolderNames, keepsLoaderLinks: boolean) {
    this.#root = root;
    this.#directory = directory;
    this.#names = names;
    this.#keepsLoaderLinks = keepsLoaderLinks;
  }

  /** What is there for an offer that wants a link; no system call in the usual cases. */
  state(offer: Offer): LinkState {
    const { soname, place } = offer;
    if (place === offer.at) return "right";
    const type = this.#names.typeOf(place);
    if (type === NOTHING) {
      if (soname === "" || soname === "." || soname === "..") return "occupied"; // by a folder
      return soname.includes("/") ? "impossible" : "missing";
    }
    const isLink = type === DT_LNK;
    const identity = this.#identity(place);
    if (identity === undefined) return isLink ? "wrong" : "occupied";
    if (identity === offer.file.identity || (this.#keepsLoaderLinks && LOADERS.has(soname))) return "right";
    return isLink ? "wrong" : this.#isEmpty(soname) ? "empty" : "occupied";
  }

  /** Makes the link that is missing, or replaces the one that is wrong; undefined, or why it failed. */
  mend(offer: Offer, state: "missing" | "wrong" | "empty"): string | undefined {
    const { name, soname, place } = offer;
    let result =
      state === "missing" ? this.#directory.symlink(name, soname) : this.#directory.replaceLink(name, soname);
    // Another hook of the same container may have been faster.
    if (result === -EEXIST && this.#directory.readlink(soname) === name) result = 0;
    if (result < 0) return describeErrno(result);
    this.#names.linked(place, name);
    return undefined;
  }

  #isEmpty(name: string): boolean {
    const facts = this.#directory.stat(name);
    return typeof facts !== "number" && facts.type === S_IFREG && facts.size === 0;
  }

  /** Device and inode number of what a name leads to; undefined when it leads nowhere. */
  #identity(place: number): Identity | undefined {
    const at = destination(this.#names, place);
    if (at === undefined || at === LOOP) return undefined;
    const library = this.#names.libraries[at];
    if (typeof library === "object") return library.identity;
    const target = this.#names.targets[at];
    let found: FileFacts | number | undefined;
    if (this.#names.types[at] !== DT_LNK) found = this.#directory.stat(this.#names.listed[at] ?? "");
    else if (typeof target === "string") found = this.#root.stat(target, this.#directory.path, linksFollowed);
    return typeof found === "object" ? found.identity : undefined;
  }
}
