import { S_IFCHR, S_IFDIR, S_IFLNK, S_IFREG } from "../kernel/constants.ts";
import { EBUSY, EEXIST, EINVAL, EISDIR, ELOOP, ENOENT } from "../kernel/errno.ts";
import {
  isName,
  listingOf,
  type DeviceNumber,
  type Directory,
  type FileFacts,
  type Identity,
  type ListedName,
  type Listing,
} from "./directory.ts";
import type { Changes } from "./changes.ts";
import type { OpenFile } from "./open-file.ts";
import { VirtualNode, newFacts } from "./virtual-node.ts";

/** A directory of a tree in memory. What is changed in it is changed there, and noted. */
export class VirtualDirectory implements Directory {
  readonly #node: VirtualNode;
  readonly #changes: Changes;
  readonly links: number;

  constructor(node: VirtualNode, links: number, changes: Changes) {
    this.#node = node;
    this.links = links;
    this.#changes = changes;
  }

  get path(): string {
    return this.#node.path;
  }

  get identity(): Identity {
    return this.#node.facts.identity;
  }

  list(limit = Number.POSITIVE_INFINITY): Listing {
    let ended = 0;
    const entries = this.#node.entries(limit, (result) => (ended = result));
    return listingOf(
      entries.map(({ name }) => name),
      entries.map(({ type }) => type),
      ended,
    );
  }

  #child(name: string): VirtualNode | number {
    return isName(name) ? this.#node.child(name) : -EINVAL;
  }

  stat(name: string): FileFacts | number {
    const node = this.#child(name);
    return typeof node === "number" ? node : node.facts;
  }

  characterDevice(name: string): DeviceNumber | undefined {
    const node = this.#child(name);
    if (typeof node === "number" || node.facts.type !== S_IFCHR) return undefined;
    return { major: node.facts.major, minor: node.facts.minor };
  }

  readlink(name: string): string | number {
    const node = this.#child(name);
    return typeof node === "number" ? node : node.readlink();
  }

  open(name: string): OpenFile | number {
    const node = this.#child(name);
    if (typeof node === "number") return node;
    return node.facts.type === S_IFLNK ? -ELOOP : node.open();
  }

  readlinkListed(name: ListedName): string | number {
    return this.readlink(name);
  }

  openListed(name: ListedName): OpenFile | number {
    return this.open(name);
  }

  symlink(target: string, name: string): number {
    const node = this.#child(name);
    if (node === -EINVAL) return node;
    if (node !== -ENOENT) return typeof node === "number" ? node : -EEXIST;
    return this.#put(name, S_IFLNK, 0o777, { target });
  }

  replaceLink(target: string, name: string): number {
    return this.#put(name, S_IFLNK, 0o777, { target });
  }

  replaceFile(name: string, bytes: Uint8Array, mode: number): number {
    return this.#put(name, S_IFREG, mode, { bytes });
  }

  #put(name: string, type: number, mode: number, made: { target: string } | { bytes: Uint8Array }): number {
    const present = this.#child(name);
    if (present === -EINVAL) return present;
    const refusal = this.#changes.refusal(this.#node);
    if (refusal < 0) return refusal;
    const isNew = present === -ENOENT;
    if (typeof present === "number" && !isNew) return present;
    if (typeof present === "object") {
      if (present.isDirectory) return -EISDIR;
      if (present.facts.mountPoint && !("bytes" in made && this.#changes.pretends === "everywhere")) return -EBUSY;
    }
    const size = "bytes" in made ? made.bytes.length : made.target.length;
    const node = new VirtualNode(this.#node, name, false, newFacts(type, mode, size), undefined, made);
    const { path } = node;
    const result = this.#changes.make(
      "bytes" in made ? { kind: "file", path, mode, bytes: made.bytes } : { kind: "link", path, target: made.target },
      isNew,
      this.#node.refusal() < 0 || (typeof present === "object" && present.facts.mountPoint),
    );
    if (result === 0) this.#node.put(node);
    return result;
  }

  unlink(name: string): number {
    const present = this.#child(name);
    if (typeof present === "number") return present;
    const refusal = this.#changes.refusal(this.#node);
    if (refusal < 0) return refusal;
    if (present.facts.type === S_IFDIR) return -EISDIR;
    if (present.facts.mountPoint) return -EBUSY;
    const result = this.#changes.make({ kind: "removed", path: present.path }, false, this.#node.refusal() < 0);
    if (result === 0) this.#node.remove(name);
    return result;
  }

  close(): void {}

  [Symbol.dispose](): void {}
}
