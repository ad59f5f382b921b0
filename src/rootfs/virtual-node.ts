import { S_IFDIR, S_IFLNK, S_IFREG } from "../kernel/constants.ts";
import { EINVAL, EISDIR, ENOENT, ENOTDIR, EROFS } from "../kernel/errno.ts";
import { freshIdentity } from "../kernel/stat.ts";
import type { DirectoryEntry } from "./directory.ts";
import { MemoryFile } from "./memory-file.ts";
import type { OpenFile } from "./open-file.ts";
import type { Attribute, NodeFacts, SourceNode } from "./source.ts";

/** The facts of something that is made in memory; its mode is 0..0o7777, its device `major` and `minor`. */
export function newFacts(type: number, mode: number, size = 0, major = 0, minor = 0): NodeFacts {
  const identity = freshIdentity();
  return {
    type,
    mode,
    identity,
    size,
    uid: 0,
    gid: 0,
    links: 1,
    inode: identity,
    major,
    minor,
    mountPoint: false,
  };
}

/** What a node is that no source has. */
export interface Made {
  /** Of a link. */
  readonly target?: string;
  /** Of a regular file. */
  readonly bytes?: Uint8Array;
}

/** A name in a tree in memory, and what it stands for. Children are taken from the source when they are asked for. */
export class VirtualNode {
  readonly parent: VirtualNode | undefined;
  readonly name: string;
  /** Path in the container, free of links. */
  readonly path: string;
  /** Part of something that is mounted on the root: what is changed there would not be the container's. */
  readonly mounted: boolean;
  facts: NodeFacts;
  readonly #source: SourceNode | undefined;
  readonly #made: Made | undefined;
  /** What is known of names, those that are gone included (undefined). */
  readonly #children: Map<string, VirtualNode | undefined> = new Map();
  /** Names that the source does not have, in the order in which they were made. */
  readonly #added: Set<string> = new Set();
  #refusal: number | undefined;

  constructor(
    parent: VirtualNode | undefined,
    name: string,
    mounted: boolean,
    facts: NodeFacts,
    source?: SourceNode,
    made?: Made,
  ) {
    this.parent = parent;
    this.name = name;
    this.path = parent === undefined ? "/" : parent.path === "/" ? `/${name}` : `${parent.path}/${name}`;
    this.mounted = mounted;
    this.facts = facts;
    this.#source = source;
    this.#made = made;
  }

  get isDirectory(): boolean {
    return this.facts.type === S_IFDIR;
  }

  /** How deep below the root. */
  get depth(): number {
    return this.parent === undefined ? 0 : this.parent.depth + 1;
  }

  /** What has that name; -ENOENT, -ENOTDIR, or what the source says. */
  child(name: string): VirtualNode | number {
    if (!this.isDirectory) return -ENOTDIR;
    const known = this.#children.get(name);
    if (known !== undefined) return known;
    if (this.#source === undefined || this.#children.has(name)) return -ENOENT;
    const found = this.#source.child(name);
    if (typeof found === "number") return found;
    const node = new VirtualNode(this, name, this.mounted, found.facts, found);
    this.#children.set(name, node);
    return node;
  }

  /** Puts a node in the place of whatever has its name. */
  put(node: VirtualNode): void {
    if (!this.#children.has(node.name) && typeof this.child(node.name) === "number") this.#added.add(node.name);
    else if (this.#children.get(node.name) === undefined) this.#added.add(node.name);
    this.#children.set(node.name, node);
  }

  /** Makes a name be nothing. */
  remove(name: string): void {
    this.#added.delete(name);
    this.#children.set(name, undefined);
  }

  /** The source's order, then what was made, in that order; `broken` as for the source. */
  entries(limit: number, broken: (result: number) => void): DirectoryEntry[] {
    const entries: DirectoryEntry[] = [];
    for (const entry of this.#source?.entries(limit, broken) ?? []) {
      if (this.#added.has(entry.name)) continue;
      if (!this.#children.has(entry.name)) entries.push(entry);
      else {
        const node = this.#children.get(entry.name);
        if (node !== undefined) entries.push(entryOf(node));
      }
    }
    for (const name of this.#added) {
      const node = this.#children.get(name);
      if (node !== undefined) entries.push(entryOf(node));
    }
    return entries;
  }

  /** The text of a link; -EINVAL of whatever else. */
  readlink(): string | number {
    if (this.facts.type !== S_IFLNK) return -EINVAL;
    return this.#made?.target ?? this.#source?.readlink() ?? -EINVAL;
  }

  /** Opens a regular file; -EISDIR for a directory, -EINVAL for whatever else. */
  open(): OpenFile | number {
    if (this.facts.type !== S_IFREG) return this.isDirectory ? -EISDIR : -EINVAL;
    if (this.#made?.bytes !== undefined) return new MemoryFile(this.#made.bytes, this.facts);
    return this.#source?.open() ?? -EINVAL;
  }

  /** The extended attributes of what is in the source, or -errno; what was made has none. */
  attributes(): readonly Attribute[] | number {
    return this.#made === undefined ? (this.#source?.attributes?.() ?? []) : [];
  }

  /** Of a directory: 0, or the -errno by which it refuses changes. */
  refusal(): number {
    this.#refusal ??= this.mounted ? -EROFS : (this.#source?.refusal() ?? 0);
    return this.#refusal;
  }
}

function entryOf({ name, facts }: VirtualNode): DirectoryEntry {
  // DT_LNK, DT_REG, ... are S_IFLNK, S_IFREG, ... shifted (dirent.h, IFTODT).
  return { name, type: facts.type >> 12 };
}
