import { PATH_MAX } from "../kernel/constants.ts";
import { EACCES, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR } from "../kernel/errno.ts";
import {
  KERNEL_DIRECTORIES,
  MAX_DEPTH,
  MAX_LINKS,
  componentsOf,
  followedBy,
  tooManySteps,
  type Effort,
} from "./walk.ts";
import type { VirtualNode } from "./virtual-node.ts";

/**
 * A position in a tree in memory. It moves by the rules of walk.ts: `..` stops at the root, links are followed inside it,
 * the root's /proc and /sys are not entered, and the same bounds hold. That nothing leads out needs no argument here: the
 * tree has no way out.
 */
export class VirtualWalk {
  readonly #root: VirtualNode;
  readonly #effort: Effort;
  readonly #make: (parent: VirtualNode, name: string) => VirtualNode | number;
  /** The links that were followed. */
  readonly links: VirtualNode[] = [];
  /** How many links led to where the walk begins: they count against those that one walk may follow. */
  readonly #before: number;
  /** Where the walk stands: a directory. */
  node: VirtualNode;

  /** `make` makes a directory that is missing, for makeParents. */
  constructor(
    root: VirtualNode,
    effort: Effort,
    make: (parent: VirtualNode, name: string) => VirtualNode | number = () => -ENOENT,
    before = 0,
  ) {
    this.#root = root;
    this.#effort = effort;
    this.#make = make;
    this.#before = before;
    this.node = root;
  }

  /** How many links were followed. */
  get followed(): number {
    return this.links.length;
  }

  /** Walks all of `path` through directories; 0, or -errno. */
  enter(path: string): number {
    const result = this.#advance(path, false, false);
    return typeof result === "number" ? result : 0;
  }

  /** As Walk.enterParent. */
  enterParent(path: string): string | number {
    return this.#advance(path, true, false);
  }

  /** As `enterParent`, and makes the directories that are missing on the way. */
  makeParents(path: string): string | number {
    return this.#advance(path, true, true);
  }

  #advance(path: string, keepLast: boolean, create: boolean): string | number {
    if (path.length >= PATH_MAX) return -ENAMETOOLONG;
    if (path.startsWith("/")) this.node = this.#root;
    let names = componentsOf(path);
    for (let at = 0; at < names.length;) {
      const name = names[at] ?? "";
      at += 1;
      if (name === "" || name === ".") continue;
      if (name === "..") {
        this.node = this.node.parent ?? this.node;
        continue;
      }
      const isLast = keepLast && at === names.length;
      const isKernels = this.node === this.#root && KERNEL_DIRECTORIES.includes(name);
      if (isKernels && (create || !isLast)) return -EACCES;
      if (isLast) return name;
      if (this.node.depth >= MAX_DEPTH) return -ENAMETOOLONG;
      if (--this.#effort.steps < 0) throw tooManySteps(path);
      let next = this.node.child(name);
      if (next === -ENOENT && create) next = this.#make(this.node, name);
      if (typeof next === "number") return next;
      if (next.isDirectory) {
        this.node = next;
        continue;
      }
      const target = this.readlink(next);
      if (typeof target === "number") return target;
      if (target.startsWith("/")) this.node = this.#root;
      names = followedBy(target, names, at);
      at = 0;
    }
    return keepLast ? "" : 0;
  }

  /** The text of a link, counted against the bounds; -ENOTDIR of what is neither a link nor a directory. */
  readlink(node: VirtualNode): string | number {
    this.links.push(node);
    if (this.#before + this.links.length > MAX_LINKS) return -ELOOP;
    if (this.#effort.targetComponents <= 0) return -ENAMETOOLONG;
    const target = node.readlink();
    if (typeof target === "number") return -ENOTDIR;
    this.#effort.targetComponents -= target.split("/").length;
    return target;
  }
}
