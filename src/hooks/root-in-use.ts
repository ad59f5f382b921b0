import { HookError } from "../errors.ts";
import type { Log } from "../logger.ts";
import type { Root } from "../rootfs/root.ts";
import type { VirtualRoot } from "../rootfs/virtual-root.ts";
import { mountSubstitutes, presentCache, pretended } from "./read-only.ts";

/** What is done about a root, or a place in it, that is read-only. */
export type OnReadOnly = "mount" | "warn" | "fail";

/** Throws HookError `usage`. */
export function onReadOnlyNamed(text: string): OnReadOnly {
  if (text === "") return "mount";
  if (text === "mount" || text === "warn" || text === "fail") return text;
  throw new HookError("usage", "parse --on-read-only", text, "not one of mount, warn, fail");
}

/** A root that hooks work on, opened when it is asked for; and what becomes of places in it that are read-only. */
export class RootInUse implements Disposable {
  readonly #open: () => { readonly root: Root; readonly pretends?: true };
  readonly #wanted: string;
  readonly #log: Log;
  #root: Root | undefined;
  #pretended: VirtualRoot | undefined;
  #cacheBefore: string | undefined;

  /** With `pretends`, the root is to seem writable from the start. `onReadOnly` is what the command line says. */
  constructor(open: () => { readonly root: Root; readonly pretends?: true }, onReadOnly: string, log: Log) {
    this.#open = open;
    this.#wanted = onReadOnly;
    this.#log = log;
  }

  /** Throws HookError `usage` for an `onReadOnly` that is no way, and those of opening. */
  readonly root = (): Root => {
    if (this.#root !== undefined) return this.#root;
    onReadOnlyNamed(this.#wanted);
    const { root, pretends } = this.#open();
    this.#root = root;
    if (pretends === true) this.#pretend(root);
    return this.#root;
  };

  /** Whether a place that is read-only is no failure. */
  get forgivesReadOnly(): boolean {
    return this.#wanted === "warn";
  }

  /** Makes the root one that only seems to be writable; false when that is not wanted, or it is so already. */
  readonly pretend = (): boolean => {
    if (this.#root === undefined || this.#pretended !== undefined || onReadOnlyNamed(this.#wanted) !== "mount")
      return false;
    this.#pretend(this.#root);
    return true;
  };

  #pretend(root: Root): void {
    this.#cacheBefore = presentCache(root);
    this.#pretended = pretended(root);
    this.#root = this.#pretended;
  }

  /** Makes up for what was only pretended, once the hooks have run. Throws HookError `kernel`. */
  readonly settle = (): void => {
    if (this.#pretended !== undefined) mountSubstitutes(this.#pretended, this.#cacheBefore, this.#log);
  };

  [Symbol.dispose](): void {
    this.#root?.close();
  }
}
