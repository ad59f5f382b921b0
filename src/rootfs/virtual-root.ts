import { HookError } from "../errors.ts";
import { S_IFCHR, S_IFDIR, S_IFLNK, S_IFREG } from "../kernel/constants.ts";
import { EACCES, EBUSY, EINVAL, EISDIR, ENOTDIR } from "../kernel/errno.ts";
import { Changes, type Change, type Pretence } from "./changes.ts";
import type { DeviceNumber, Directory, FileFacts, Identity } from "./directory.ts";
import { kernelFailure } from "./failure.ts";
import type { OpenFile } from "./open-file.ts";
import type { Root } from "./root.ts";
import type { Attribute, NodeFacts, SourceNode } from "./source.ts";
import { VirtualDirectory } from "./virtual-directory.ts";
import { VirtualNode, newFacts } from "./virtual-node.ts";
import { VirtualWalk } from "./virtual-walk.ts";
import { Effort } from "./walk.ts";

const NOTHING_KNOWN: ReadonlySet<Identity> = new Set();

/**
 * A root as a tree in memory over something that is only read. What is changed is changed in memory and can be asked for:
 * so nothing is written where the answer is all that is wanted, where the files are in an archive, or where they are yet
 * to be mounted.
 */
export class VirtualRoot implements Root {
  readonly hostPath: string;
  readonly #top: VirtualNode;
  readonly #effort: Effort = new Effort();
  readonly #changes: Changes;
  readonly #through: Root | undefined;
  readonly #held: Disposable | undefined;
  readonly #kept: Disposable[] = [];

  /** `top` is a directory; `held` is closed with the root. With `through`, changes are made there as well, at once. */
  constructor(hostPath: string, top: SourceNode, held?: Disposable, through?: Root) {
    this.hostPath = hostPath;
    this.#through = through;
    this.#changes = new Changes(through);
    this.#top = new VirtualNode(undefined, "", false, top.facts, top);
    this.#held = held;
  }

  get identity(): Identity {
    return this.#top.facts.identity;
  }

  /** What was changed, of each path the last state, in the order of the first changes. */
  get changes(): readonly Change[] {
    return this.#changes.list;
  }

  /** Whether there was nothing at the path of a change. */
  isNew(path: string): boolean {
    return this.#changes.isNew(path);
  }

  /**
   * Lays a tree, or an empty directory without one, over what `destination` leads to, as a runtime mounts it there: what is
   * missing on the way is made, and is no change. What is below can be read and not changed. 0 or -errno.
   */
  mount(destination: string, tree: SourceNode | undefined): number {
    return this.#place(destination, tree?.facts ?? newFacts(S_IFDIR, 0o755), true, tree);
  }

  /** Puts a character device where a runtime makes it; 0 or -errno. */
  makeDevice(path: string, mode: number, { major, minor }: DeviceNumber): number {
    return this.#place(path, newFacts(S_IFCHR, mode, 0, major, minor), false, undefined);
  }

  #place(path: string, facts: NodeFacts, mounted: boolean, tree: SourceNode | undefined): number {
    const walk = new VirtualWalk(this.#top, this.#effort, (parent, name) => {
      const made = new VirtualNode(parent, name, parent.mounted, newFacts(S_IFDIR, 0o755));
      parent.put(made);
      return made;
    });
    let name = walk.makeParents(path);
    for (;;) {
      if (typeof name === "number") return name;
      if (name === "") return -EBUSY;
      const present = walk.node.child(name);
      if (typeof present === "number" || present.facts.type !== S_IFLNK) break;
      const target = walk.readlink(present);
      name = typeof target === "number" ? target : walk.makeParents(target);
    }
    const shown = mounted ? { ...facts, mountPoint: true } : facts;
    walk.node.put(new VirtualNode(walk.node, name, mounted || walk.node.mounted, shown, tree));
    return 0;
  }

  /**
   * From now on what is read-only can be changed in the tree: in the root, or in what is mounted on it as well. `wholly`
   * says that whatever else is changed is changed in the tree only, too.
   */
  pretend(where: Exclude<Pretence, "nowhere"> = "everywhere", wholly = false): void {
    this.#changes.pretends = where;
    this.#changes.wholly ||= wholly;
  }

  /** Makes changes in the tree only, of which it is known that they are missing. What cannot be made is left out. */
  assume(changes: readonly Change[]): void {
    this.#changes.assume(changes, this);
  }

  /** Whether the change at a path is one that was only assumed. */
  isAssumed(path: string): boolean {
    return this.#changes.isAssumed(path);
  }

  /** The changes that are in the tree only, as what they change is read-only. */
  get unreal(): readonly Change[] {
    return this.#changes.unreal;
  }

  /** Whether the path leads to the root of a mount. */
  isMountPoint(path: string): boolean {
    const node = this.#find(new VirtualWalk(this.#top, this.#effort), path, "/");
    return typeof node !== "number" && node.facts.mountPoint;
  }

  /** Whether changes are made in a root as well. */
  get writesThrough(): boolean {
    return this.#through !== undefined;
  }

  /** Links in the tree only that `lasting` had to do without. */
  readonly straightened: Set<string> = new Set();

  get lasting(): ((path: string) => string) | undefined {
    return this.#changes.pretends === "everywhere" ? (path) => this.#lasting(path) : undefined;
  }

  get unmadeLinks(): readonly string[] {
    return this.unreal.flatMap(({ kind, path }) => (kind === "link" ? [path] : []));
  }

  #lasting(path: string): string {
    const walk = new VirtualWalk(this.#top, this.#effort);
    const node = this.#find(walk, path, "/");
    const unreal = walk.links.filter((link) => this.#changes.isUnreal(link.path));
    if (typeof node === "number" || unreal.length === 0) return path;
    for (const link of unreal) this.straightened.add(link.path);
    return node.path;
  }

  directory(path: string, from = "/"): Directory | number {
    const walk = new VirtualWalk(this.#top, this.#effort);
    const node = this.#find(walk, path, from);
    if (typeof node === "number") return node;
    if (!node.isDirectory) return -ENOTDIR;
    if (node.path === "/proc" || node.path === "/sys") return -EACCES;
    return new VirtualDirectory(node, walk.followed, this.#changes);
  }

  stat(path: string, from = "/", links = 0): NodeFacts | number {
    const node = this.#find(new VirtualWalk(this.#top, this.#effort, undefined, links), path, from);
    return typeof node === "number" ? node : node.facts;
  }

  lstat(path: string, from = "/"): NodeFacts | number {
    const walk = new VirtualWalk(this.#top, this.#effort);
    const start = this.#start(walk, path, from);
    if (start < 0) return start;
    const name = walk.enterParent(path);
    if (typeof name === "number") return name;
    const node = name === "" ? walk.node : walk.node.child(name);
    return typeof node === "number" ? node : node.facts;
  }

  /** The extended attributes of what has that path, links not followed, as far as the source knows them; or -errno. */
  attributes(path: string): readonly Attribute[] | number {
    const walk = new VirtualWalk(this.#top, this.#effort);
    const name = walk.enterParent(path);
    if (typeof name === "number") return name;
    const node = name === "" ? walk.node : walk.node.child(name);
    return typeof node === "number" ? node : node.attributes();
  }

  open(path: string, from = "/"): OpenFile | number {
    const opened = this.openUnlessKnown(path, from, NOTHING_KNOWN, 0);
    return typeof opened === "number" || !("type" in opened) ? opened : -EINVAL;
  }

  openUnlessKnown(
    path: string,
    from: string,
    known: { has(identity: Identity): boolean },
    links: number,
  ): OpenFile | FileFacts | number {
    const node = this.#find(new VirtualWalk(this.#top, this.#effort, undefined, links), path, from);
    if (typeof node === "number") return node;
    return node.facts.type === S_IFREG && known.has(node.facts.identity) ? node.facts : node.open();
  }

  #start(walk: VirtualWalk, path: string, from: string): number {
    return from === "/" || path.startsWith("/") ? 0 : walk.enter(from);
  }

  /** What a path leads to, links followed. */
  #find(walk: VirtualWalk, path: string, from: string): VirtualNode | number {
    const start = this.#start(walk, path, from);
    if (start < 0) return start;
    let rest = path;
    let wantsDirectory = false;
    for (;;) {
      wantsDirectory ||= rest.endsWith("/") || rest.endsWith("/.");
      const name = walk.enterParent(rest);
      if (typeof name === "number") return name;
      const node = name === "" ? walk.node : walk.node.child(name);
      if (typeof node === "number") return node;
      if (node.facts.type !== S_IFLNK) return wantsDirectory && !node.isDirectory ? -ENOTDIR : node;
      const target = walk.readlink(node);
      if (typeof target === "number") return target;
      rest = target;
    }
  }

  read(path: string, limit: number): Uint8Array | number {
    const file = this.open(path);
    if (typeof file === "number") return file;
    using open = file;
    return open.readAll(limit);
  }

  makeParents(path: string): { directory: Directory; name: string } {
    const walk = new VirtualWalk(this.#top, this.#effort, (parent, name) => this.#makeDirectory(parent, name));
    const name = walk.makeParents(path);
    if (typeof name === "number") throw kernelFailure("make parents of", path, name);
    if (name === "") throw new HookError("kernel", "make parents of", path, "the path has no last component");
    return { directory: new VirtualDirectory(walk.node, walk.followed, this.#changes), name };
  }

  #makeDirectory(parent: VirtualNode, name: string): VirtualNode | number {
    const refusal = this.#changes.refusal(parent);
    if (refusal < 0) return refusal;
    const node = new VirtualNode(parent, name, false, newFacts(S_IFDIR, 0o755));
    const result = this.#changes.make({ kind: "directory", path: node.path, mode: 0o755 }, true, parent.refusal() < 0);
    if (result < 0) return result;
    parent.put(node);
    return node;
  }

  replaceFile(path: string, bytes: Uint8Array, mode: number, durable = false): void {
    const { directory, name } = this.makeParents(path);
    const result = directory.replaceFile(name, bytes, mode, durable);
    if (result < 0) throw kernelFailure("replace", path, result);
  }

  unlink(path: string): number {
    const walk = new VirtualWalk(this.#top, this.#effort);
    const name = walk.enterParent(path);
    if (typeof name === "number") return name;
    return name === "" ? -EISDIR : new VirtualDirectory(walk.node, 0, this.#changes).unlink(name);
  }

  setMode(path: string, mode: number): boolean | number {
    const node = this.#find(new VirtualWalk(this.#top, this.#effort), path, "/");
    if (typeof node === "number") return node;
    if (node.facts.mode === mode) return false;
    const holder = node.isDirectory ? node : (node.parent ?? node);
    const refusal = this.#changes.refusal(holder);
    if (refusal < 0) return refusal;
    const result = this.#changes.make({ kind: "mode", path: node.path, mode }, false, holder.refusal() < 0);
    if (result < 0) return result;
    node.facts = { ...node.facts, mode };
    return true;
  }

  /** Set where the mounts that the tree shows are there. */
  real: Root | undefined;

  noteMount(path: string, bytes: Uint8Array): boolean {
    if (this.#through !== undefined) return false;
    this.#changes.make({ kind: "mounted", path, mode: 0o444, bytes }, false, false);
    return true;
  }

  /** Closes something with the root. */
  keep(other: Disposable): void {
    this.#kept.push(other);
  }

  close(): void {
    for (const other of this.#kept.splice(0)) other[Symbol.dispose]();
    this.#held?.[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
