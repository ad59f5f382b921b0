/** What was changed in a tree in memory, and how a root gets to be so. */
import { HookError } from "../errors.ts";
import { EBUSY, EOPNOTSUPP, EROFS } from "../kernel/errno.ts";
import { kernelFailure } from "./failure.ts";
import type { Root } from "./root.ts";

/** How one name differs from what it was. Paths are free of links. */
export type Change =
  | { readonly kind: "directory"; readonly path: string; readonly mode: number }
  | { readonly kind: "file"; readonly path: string; readonly mode: number; readonly bytes: Uint8Array }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  | { readonly kind: "removed"; readonly path: string }
  /** A file that is mounted over what is there. */
  | { readonly kind: "mounted"; readonly path: string; readonly mode: number; readonly bytes: Uint8Array }
  | { readonly kind: "mode"; readonly path: string; readonly mode: number };

/** In the root itself, or in what is mounted on it as well. */
export type Pretence = "nowhere" | "root" | "everywhere";

/** A directory as far as it refuses changes. */
interface Refusing {
  /** It is part of a mount. */
  readonly mounted: boolean;
  refusal(): number;
}

/**
 * The changes of one tree: of each path the last one, in the order in which the paths were first changed. With a root to
 * carry them out on, each is done there at once.
 */
export class Changes {
  readonly #through: Root | undefined;
  readonly #byPath: Map<string, Change> = new Map();
  /** Paths at which there was nothing to begin with. */
  readonly #new: Set<string> = new Set();
  /** Paths of changes that are in the tree only. */
  readonly #unreal: Set<string> = new Set();
  /** Paths of those of them that nobody but `assume` made. */
  readonly #assumed: Set<string> = new Set();
  /** Where a change of what is read-only is made in the tree all the same. */
  pretends: Pretence = "nowhere";
  /** Every change counts as one that the tree alone has. */
  wholly = false;
  #assuming = false;

  constructor(through?: Root) {
    this.#through = through;
  }

  /**
   * Takes a change in; `isNew` when there was nothing at its path before, `refused` when what has to be changed for it is
   * read-only. 0, or the -errno by which it failed.
   */
  make(change: Change, isNew: boolean, refused: boolean): number {
    const { path } = change;
    // Of what is going to be mounted, the root has something else at the same path.
    const through = this.#assuming || refused ? undefined : this.#through;
    const result = through === undefined ? 0 : doOne(change, through);
    if (result < 0 && !(this.pretends === "everywhere" && isUnchangeable(change, result))) return result;
    if (this.#assuming || this.wholly || result < 0 || refused) this.#unreal.add(path);
    else this.#unreal.delete(path);
    if (this.#assuming) this.#assumed.add(path);
    else this.#assumed.delete(path);
    const before = this.#byPath.get(path);
    if (before === undefined && isNew) this.#new.add(path);
    if (change.kind === "removed" && this.#new.has(path)) this.#byPath.delete(path);
    else if (change.kind === "mode" && before !== undefined && "mode" in before)
      this.#byPath.set(path, { ...before, mode: change.mode });
    else this.#byPath.set(path, change);
    return 0;
  }

  /** 0, or the -errno by which a directory of the tree refuses a change. */
  refusal(directory: Refusing): number {
    const refusal = directory.refusal();
    if (refusal !== -EROFS || this.pretends === "nowhere") return refusal;
    return this.pretends === "root" && directory.mounted ? refusal : 0;
  }

  /** Makes changes of `tree`, whose these are, in it only. What cannot be made is left out. */
  assume(changes: readonly Change[], tree: Root): void {
    this.#assuming = true;
    try {
      for (const change of changes) doOne(change, tree);
    } finally {
      this.#assuming = false;
    }
  }

  /** The changes that are in the tree only, as what they change is read-only. */
  get unreal(): readonly Change[] {
    return this.list.filter(({ path }) => this.#unreal.has(path));
  }

  /** Whether the change at a path is in the tree only. */
  isUnreal(path: string): boolean {
    return this.#unreal.has(path);
  }

  /** Whether the change at a path was only assumed. */
  isAssumed(path: string): boolean {
    return this.#assumed.has(path);
  }

  /** Whether there was nothing at the path of a change. */
  isNew(path: string): boolean {
    return this.#new.has(path);
  }

  get list(): readonly Change[] {
    return [...this.#byPath.values()];
  }
}

/** Whether a change failed as its place is read-only, or a file is mounted there. */
function isUnchangeable({ kind }: Change, result: number): boolean {
  return result === -EROFS || (result === -EBUSY && kind === "file");
}

/** Carries out changes on a root, one after the other. Throws HookError `kernel` at the first that fails. */
export function carryOut(changes: readonly Change[], root: Root): void {
  for (const change of changes) {
    const result = doOne(change, root);
    if (result < 0) throw kernelFailure(OPERATION[change.kind], change.path, result);
  }
}

const OPERATION = {
  directory: "make directory",
  file: "replace",
  link: "create link",
  removed: "remove",
  mounted: "mount over",
  mode: "set the mode of",
} as const;

/** 0 or -errno. */
function doOne(change: Change, root: Root): number {
  const { kind, path } = change;
  if (kind === "mounted") return -EOPNOTSUPP;
  if (kind === "removed") return root.unlink(path);
  if (kind === "mode") return Math.min(0, Number(root.setMode(path, change.mode)));
  try {
    const { directory, name } = root.makeParents(kind === "directory" ? `${path}/anything` : path);
    using holder = directory;
    if (kind === "file") return holder.replaceFile(name, change.bytes, change.mode, false);
    if (kind === "link") return holder.replaceLink(change.target, name);
    return change.mode === 0o755 ? 0 : Math.min(0, Number(root.setMode(path, change.mode)));
  } catch (error) {
    if (error instanceof HookError && error.errno > 0) return -error.errno;
    throw error;
  }
}
