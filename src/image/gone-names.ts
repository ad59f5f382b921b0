/** Which members of an archive are left out when it is written with changes. */
import { HookError } from "../errors.ts";
import type { Change } from "../rootfs/changes.ts";
import type { Member } from "../tar/member.ts";
import type { ImageNode } from "./node.ts";
import { plainBase, type Tree } from "./tree.ts";

/** Names that something new replaces, or that are gone. */
export class GoneNames {
  readonly #tree: Tree;
  /** By folder, with the changes that they are of. */
  readonly #gone = new Map<ImageNode, Map<string, Change>>();
  readonly #bases = new Set<string>();

  /**
   * Those that other members are hard links to are kept and overwritten. Throws HookError `refused` when one of them is to
   * be removed.
   */
  constructor(tree: Tree, changes: readonly Change[]) {
    this.#tree = tree;
    for (const change of changes) {
      const names = change.path.slice(1).split("/");
      const name = names.pop() ?? "";
      let parent: ImageNode | undefined = tree.root;
      for (const each of names) parent = parent?.children?.get(each);
      const node = parent?.children?.get(name);
      if (parent === undefined || node === undefined || node.children !== undefined) continue;
      if (node.names > 1) keep(change);
      else {
        const list = this.#gone.get(parent) ?? new Map<string, Change>();
        this.#gone.set(parent, list.set(name, change));
        this.#bases.add(name);
      }
    }
  }

  /** As the constructor, for links to what had the name when they were made: the file may be another one by now. */
  keepTargets(members: Iterable<Member>): void {
    if (this.#bases.size === 0) return;
    for (const member of members) {
      if (member.type !== "hard link") continue;
      const place = this.#placeOf({ ...member, name: member.linkName });
      const list = place === undefined ? undefined : this.#gone.get(place.parent);
      const change = list?.get(place?.name ?? "");
      if (change === undefined) continue;
      keep(change);
      list?.delete(place?.name ?? "");
    }
  }

  has(member: Member): boolean {
    const place = this.#placeOf(member);
    return place !== undefined && this.#gone.get(place.parent)?.has(place.name) === true;
  }

  #placeOf(member: Member): ReturnType<Tree["placeOf"]> {
    const base = plainBase(member.name);
    return base === "" || this.#bases.has(base) ? this.#tree.placeOf(member) : undefined;
  }
}

function keep({ kind, path }: Change): void {
  if (kind !== "removed") return;
  throw new HookError("refused", "write archive", path, "cannot be left out, other members are hard links to it");
}
