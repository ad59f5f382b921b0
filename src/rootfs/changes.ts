/** What was changed in a tree in memory, and how a root gets to be so. */
import { kernelFailure } from "./failure.ts";
import type { Root } from "./root.ts";

/** How one name differs from what it was. Paths are free of links. */
export type Change =
  | { readonly kind: "directory"; readonly path: string; readonly mode: number }
  | { readonly kind: "file"; readonly path: string; readonly mode: number; readonly bytes: Uint8Array }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  | { readonly kind: "removed"; readonly path: string }
  | { readonly kind: "mode"; readonly path: string; readonly mode: number };

/** The changes of one tree: of each path the last one, in the order in which the paths were first changed. */
export class Changes {
  readonly #byPath: Map<string, Change> = new Map();
  /** Paths at which there was nothing to begin with. */
  readonly #new: Set<string> = new Set();

  /** Notes a change; `isNew` when there was nothing at its path before. */
  note(change: Change, isNew: boolean): void {
    const { path } = change;
    const before = this.#byPath.get(path);
    if (before === undefined && isNew) this.#new.add(path);
    if (change.kind === "removed" && this.#new.has(path)) this.#byPath.delete(path);
    else if (change.kind === "mode" && before !== undefined && "mode" in before)
      this.#byPath.set(path, { ...before, mode: change.mode });
    else this.#byPath.set(path, change);
  }

  /** Whether there was nothing at the path of a change. */
  isNew(path: string): boolean {
    return this.#new.has(path);
  }

  get list(): readonly Change[] {
    return [...this.#byPath.values()];
  }
}

/** Carries out changes on a root, one after the other. Throws HookError `kernel` at the first that fails. */
export function carryOut(changes: readonly Change[], root: Root): void {
  for (const change of changes) carryOutOne(change, root);
}

function carryOutOne(change: Change, root: Root): void {
  const { kind, path } = change;
  if (kind === "file") {
    root.replaceFile(path, change.bytes, change.mode);
    return;
  }
  if (kind === "mode") {
    checked("set the mode of", path, Number(root.setMode(path, change.mode)));
    return;
  }
  if (kind === "removed") {
    checked("remove", path, root.unlink(path));
    return;
  }
  if (kind === "directory") {
    const { directory } = root.makeParents(`${path}/anything`);
    directory.close();
    if (change.mode !== 0o755) checked("set the mode of", path, Number(root.setMode(path, change.mode)));
    return;
  }
  const { directory, name } = root.makeParents(path);
  using holder = directory;
  checked("create link", path, holder.replaceLink(change.target, name));
}

function checked(operation: string, path: string, result: number): void {
  if (result < 0) throw kernelFailure(operation, path, result);
}
