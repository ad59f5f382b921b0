/**
 * A root filesystem made of archives. It is only in memory: nothing is unpacked, so no name can lead anywhere but into
 * the tree. Names are taken as containerd and umoci take them: absolute ones from the root, `.` and `..` by their text,
 * links in the place of folders followed inside the tree, what is missing on the way made.
 */
import type { ByteSource } from "../bytes/source.ts";
import { FormatError, HookError } from "../errors.ts";
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG } from "../rootfs/constants.ts";
import { NO_ATTRIBUTES, type Member, type MemberType } from "../tar/member.ts";
import { DEEPEST, LONGEST_COMPONENT, MOST_ATTRIBUTE_BYTES, MOST_LINKS, MOST_NAMES, MOST_STEPS } from "./limits.ts";
import { ImageNode, type Owned } from "./node.ts";

const TYPES: Readonly<Record<Exclude<MemberType, "hard link">, number>> = {
  file: S_IFREG,
  "symbolic link": S_IFLNK,
  "character device": S_IFCHR,
  "block device": S_IFBLK,
  directory: S_IFDIR,
  fifo: S_IFIFO,
};

const NEW_FOLDER: Owned = { type: S_IFDIR, mode: 0o755, uid: 0, gid: 0, mtime: 0, attributes: NO_ATTRIBUTES };

const MEMBERS_PER_TICK = 1000;

const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";
/** Names of AUFS itself, which mean nothing elsewhere. */
const AUFS = ".wh..wh.";

/** A folder, and the folders that it is in. */
type Place = readonly ImageNode[];

export class Tree {
  readonly root: ImageNode = new ImageNode(NEW_FOLDER, undefined, 0);
  /** Largest time of a member, in whole seconds since 1970. */
  newest = 0;
  #layer = 0;
  #names = 0;
  #steps = 0;
  #attributeBytes = 0;
  /** The last folder that a member was in, and its path as the archive has it: the next one is often there as well. */
  #lastPath: string | undefined;
  #lastPlace: Place = [this.root];
  #lastOwned: Owned = NEW_FOLDER;
  /** Folders in which this layer has hidden what is of earlier ones: there is none of it any more. */
  readonly #hidden = new Set<ImageNode>();

  /**
   * Lays the members of an archive over what is there. `withWhiteouts` says that `.wh.NAME` stands for a name that is
   * gone (OCI image-spec, layer.md, "Whiteouts"): such members count for what earlier layers have only. Throws FormatError
   * with the member's byte offset, or HookError `limit`.
   */
  addLayer(members: Iterable<Member>, archive: ByteSource, withWhiteouts: boolean, tick?: () => void): void {
    this.#layer += 1;
    this.#lastPath = undefined;
    this.#hidden.clear();
    let count = 0;
    for (const member of members) {
      this.#step(1);
      this.#add(member, archive, withWhiteouts);
      count += 1;
      if (count % MEMBERS_PER_TICK === 0) tick?.();
    }
  }

  #add(member: Member, archive: ByteSource, withWhiteouts: boolean): void {
    let name = plainBase(member.name);
    let place = this.#lastPlace;
    const isWhiteout = withWhiteouts && name.startsWith(WHITEOUT);
    if (name === "" || isWhiteout || this.#lastPath !== member.name.slice(0, -name.length)) {
      const names = namesOf(member.name, member);
      const last = names.pop();
      if (last === undefined) return this.#addRoot(member);
      if (withWhiteouts && last.startsWith(WHITEOUT)) return this.#whiteOut(names, last, member);
      place = this.#walk(names, member, true) ?? fail(member, "name", "there is no such folder");
      this.#touch(place);
      this.#lastPlace = place;
      this.#lastPath = name === "" ? undefined : member.name.slice(0, -name.length);
      name = last;
    }
    this.newest = Math.max(this.newest, Math.floor(member.mtime));
    const present = place.at(-1)?.children?.get(name);
    if (member.type === "hard link") {
      const target = this.#hardLinkTarget(member);
      if (present !== undefined && target.isSameAs(present)) present.layer = this.#layer;
      else this.#put(place, name, new ImageNode(target.owned, target.detail, this.#layer, target), present);
    } else if (member.type === "directory" && present?.children !== undefined) {
      present.owned = this.#ownedOf(member, S_IFDIR);
      present.layer = this.#layer;
    } else {
      const owned = this.#ownedOf(member, TYPES[member.type]);
      this.#put(place, name, new ImageNode(owned, detailOf(member, archive), this.#layer), present);
    }
  }

  #addRoot(member: Member): void {
    if (member.type !== "directory") fail(member, "name", "the root is a directory");
    this.root.owned = this.#ownedOf(member, S_IFDIR);
  }

  /** The folder that a member is in, as the tree is now, and its name there; undefined when there is no such folder. */
  placeOf(member: Member): { readonly parent: ImageNode; readonly name: string } | undefined {
    const names = namesOf(member.name, member);
    const name = names.pop();
    const parent = this.#walk(names, member, false)?.at(-1);
    return name === undefined || parent === undefined ? undefined : { parent, name };
  }

  #put(place: Place, name: string, node: ImageNode, present: ImageNode | undefined): void {
    if (present === undefined) this.#countName();
    else this.#forget(present);
    place.at(-1)?.children?.set(name, node);
  }

  /** A member's, which are those of the member before it more often than not. */
  #ownedOf({ mode, uid, gid, mtime: time, attributes }: Member, type: number): Owned {
    const mtime = Math.max(Math.floor(time), 0);
    const last = this.#lastOwned;
    const same =
      last.type === type && last.mode === mode && last.uid === uid && last.gid === gid && last.mtime === mtime;
    if (same && attributes.length === 0 && last.attributes.length === 0) return last;
    for (const [keyword, value] of attributes) this.#attributeBytes += keyword.length + value.length;
    if (this.#attributeBytes > MOST_ATTRIBUTE_BYTES) {
      throw new HookError(
        "limit",
        "read image",
        "",
        `more than ${MOST_ATTRIBUTE_BYTES} bytes of attributes of folders`,
      );
    }
    this.#lastOwned = { type, mode, uid, gid, mtime, attributes };
    return this.#lastOwned;
  }

  #countName(): void {
    this.#names += 1;
    if (this.#names > MOST_NAMES) throw new HookError("limit", "read image", "", `more than ${MOST_NAMES} names`);
  }

  /** Something has lost a name: paths may lead elsewhere now. */
  #forget(node: ImageNode): void {
    node.forget();
    this.#lastPath = undefined;
  }

  #step(count: number): void {
    this.#steps += count;
    if (this.#steps > MOST_STEPS)
      throw new HookError("limit", "read image", "", `more than ${MOST_STEPS} steps of paths`);
  }

  #touch(place: Place): void {
    for (const node of place) node.layer = this.#layer;
  }

  /** What a hard link's target is: an earlier member, whose name is not followed when it is a link. */
  #hardLinkTarget(member: Member): ImageNode {
    const names = namesOf(member.linkName, member);
    const name = names.pop();
    const place = this.#walk(names, member, false);
    const target = name === undefined ? this.root : place?.at(-1)?.children?.get(name);
    if (target === undefined) fail(member, "link name", "a hard link to what is not there");
    if (target.children !== undefined) fail(member, "link name", "a hard link to a directory");
    return target;
  }

  #whiteOut(names: readonly string[], name: string, member: Member): void {
    if (name.startsWith(AUFS) && name !== OPAQUE) return;
    const place = this.#walk(names, member, false);
    const parent = place?.at(-1);
    if (place === undefined || parent?.children === undefined) return;
    if (name === OPAQUE) this.#hideEarlier(parent);
    else {
      const hidden = name.slice(WHITEOUT.length);
      const node = parent.children.get(hidden);
      if (hidden === "." || hidden === "..") fail(member, "name", "a whiteout of no name");
      if (node === undefined) return;
      if (node.layer < this.#layer) this.#remove(parent, hidden, node);
      else if (node.children !== undefined) this.#hideEarlier(node);
    }
  }

  /** Takes away what is of earlier layers only. */
  #hideEarlier(parent: ImageNode): void {
    if (this.#hidden.has(parent)) return;
    this.#hidden.add(parent);
    for (const [name, node] of parent.children ?? []) {
      if (node.layer < this.#layer) this.#remove(parent, name, node);
      else if (node.children !== undefined) this.#hideEarlier(node);
    }
  }

  #remove(parent: ImageNode, name: string, node: ImageNode): void {
    parent.children?.delete(name);
    this.#forget(node);
  }

  /** Follows names from the root; undefined when one is missing and is not to be made. */
  #walk(names: readonly string[], member: Member, make: boolean): Place | undefined {
    const place: ImageNode[] = [this.root];
    const rest = names.toReversed();
    let links = 0;
    for (let name = rest.pop(); name !== undefined; name = rest.pop()) {
      this.#step(1);
      if (name === "..") {
        if (place.length > 1) place.pop();
        continue;
      }
      const parent = place.at(-1);
      let node = parent?.children?.get(name);
      if (node === undefined) {
        if (!make) return undefined;
        node = new ImageNode(NEW_FOLDER, undefined, this.#layer);
        this.#put(place, name, node, undefined);
      }
      const target = node.detail;
      if (typeof target === "string") {
        links += 1;
        if (links > MOST_LINKS) fail(member, "name", "its folder is behind too many links");
        if (target.startsWith("/")) place.length = 1;
        // `./././` is no step of the walk, and takes its time to be read.
        this.#step(target.length >> 3);
        rest.push(...componentsOf(target, member).reverse());
      } else if (node.children === undefined) {
        if (!make) return undefined;
        fail(member, "name", "what should be its folder is none");
      } else {
        place.push(node);
        if (place.length > DEEPEST) throw new HookError("limit", "read image", "", `folders deeper than ${DEEPEST}`);
      }
    }
    return place;
  }
}

/** What is behind the last slash of a path; empty when that is no name of its own. */
export function plainBase(path: string): string {
  const base = path.slice(path.lastIndexOf("/") + 1);
  return base === "." || base === ".." || base.length > LONGEST_COMPONENT ? "" : base;
}

/** The names of a path, without `.`, and `..` taken with the name before it. */
function namesOf(path: string, member: Member): string[] {
  const components = componentsOf(path, member);
  if (!components.includes("..")) return components;
  const names: string[] = [];
  for (const name of components) {
    if (name === "..") names.pop();
    else names.push(name);
  }
  return names;
}

function componentsOf(path: string, member: Member): string[] {
  const components = path.split("/").filter((name) => name !== "" && name !== ".");
  if (components.some((name) => name.length > LONGEST_COMPONENT)) {
    fail(member, "name", `a part of it is longer than ${LONGEST_COMPONENT} bytes`);
  }
  return components;
}

function detailOf({ type, linkName, size, pieces, major, minor }: Member, archive: ByteSource): ImageNode["detail"] {
  if (type === "symbolic link") return linkName;
  if (type === "character device" || type === "block device") return { major, minor };
  if (type !== "file") return undefined;
  const [first] = pieces;
  const isWhole = pieces.length === 1 && first?.at === 0 && first.length === size;
  return { archive, size, place: isWhole ? first.offset : pieces };
}

function fail(member: Member, field: string, reason: string): never {
  throw new FormatError("tar", field, member.start, `${reason}: ${member.name}`);
}
