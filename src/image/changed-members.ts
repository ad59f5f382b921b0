/** What was changed in a tree, as members of an archive. */
import { HookError } from "../errors.ts";
import type { Change } from "../rootfs/changes.ts";
import { NO_ATTRIBUTES } from "../tar/member.ts";
import type { NewMember } from "../tar/write.ts";
import type { ImageNode } from "./node.ts";

const WHITEOUT = ".wh.";
/** Of what runs into this, nobody has shown a use. */
const NO_MODES = "the mode of a file that is in the image cannot be changed";

/**
 * The members that lay the changes over the tree, in the order of their paths; names are relative. `time`, in seconds
 * since 1970, is that of everything new. With `asLayer` they are a layer: each folder on the way is a member, as it is in
 * the tree (an unpacker would make it with a mode of its own), and what is gone is a whiteout. Without, what is gone is
 * left out here. Throws HookError `refused` for what cannot be told so.
 */
export function changedMembers(
  changes: readonly Change[],
  root: ImageNode,
  time: number,
  asLayer: boolean,
): readonly NewMember[] {
  const members = new Map<string, NewMember>();
  for (const change of changes) {
    if (asLayer) {
      const names = change.path.slice(1).split("/");
      for (let depth = 1; depth < names.length; depth += 1) {
        const path = names.slice(0, depth).join("/");
        if (!members.has(path)) members.set(path, folderMember(path, root, time));
      }
      const name = names.at(-1) ?? "";
      if (name.startsWith(WHITEOUT)) {
        throw new HookError(
          "refused",
          "write layer",
          change.path,
          "in a layer such a name stands for one that is gone",
        );
      }
      if (change.kind === "removed") {
        const path = [...names.slice(0, -1), WHITEOUT + name].join("/");
        members.set(path, { ...OWNED, type: "file", name: path, mode: 0o644, mtime: time });
        continue;
      }
    }
    const member = memberOf(change, time);
    if (member !== undefined) members.set(member.name, member);
  }
  return [...members.entries()].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, member]) => member);
}

const OWNED = { uid: 0, gid: 0 } as const;

function memberOf(change: Change, time: number): NewMember | undefined {
  const name = change.path.slice(1);
  const values = { ...OWNED, name, mtime: time };
  switch (change.kind) {
    case "directory":
      return { ...values, type: "directory", mode: change.mode };
    case "file":
      return { ...values, type: "file", mode: change.mode, bytes: change.bytes };
    case "link":
      return { ...values, type: "symbolic link", mode: 0o777, linkName: change.target };
    case "mounted":
    case "mode":
      throw new HookError("refused", "write layer", change.path, NO_MODES);
    case "removed":
      return undefined;
  }
}

/** A folder as the tree has it; a new one, whose own change overwrites this, without. */
function folderMember(path: string, root: ImageNode, time: number): NewMember {
  let node: ImageNode | undefined = root;
  for (const name of path.split("/")) node = node?.children?.get(name);
  const { mode, uid, gid, mtime, attributes } = node?.owned ?? {
    ...OWNED,
    mode: 0o755,
    mtime: time,
    attributes: NO_ATTRIBUTES,
  };
  return { type: "directory", name: path, mode, uid, gid, mtime, attributes };
}
