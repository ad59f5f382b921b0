import { HookError } from "../errors.ts";
import type { Log } from "../logger.ts";
import { rootPathOf } from "../oci/bundle.ts";
import { readState, type State } from "../oci/state.ts";
import type { VirtualRoot } from "../rootfs/virtual-root.ts";
import type { FlagValues } from "./hook.ts";
import type * as ReadOnly from "./read-only.ts";
import type * as Views from "../oci/view.ts";
import { part } from "../part.ts";
import { KernelRoot } from "../rootfs/kernel-root.ts";
import type { Root } from "../rootfs/root.ts";

const views = part<typeof Views>("view");

/** Of oci/view.ts, which is not evaluated for its names. */
const named: readonly Views.View[] = ["here", "process", "overlay"];

/** The view of that name, undefined for none. Throws HookError `usage`. */
export function viewNamed(text: string): Views.View | undefined {
  const view = named.find((name) => name === text);
  if (view !== undefined || text === "") return view;
  throw new HookError("usage", "parse --view", text, `not one of ${named.join(", ")}`);
}

const readOnly = part<typeof ReadOnly>("read-only");

/** What is done about a root, or a place in it, that is read-only. */
export type OnReadOnly = "mount" | "warn" | "fail";

/** Throws HookError `usage`. */
export function onReadOnlyNamed(text: string): OnReadOnly {
  if (text === "") return "mount";
  if (text === "mount" || text === "warn" || text === "fail") return text;
  throw new HookError("usage", "parse --on-read-only", text, "not one of mount, warn, fail");
}

/** The container that a hook is run for. Nothing is read before it is asked for, and everything once. */
export class Container implements Disposable {
  readonly #readState: () => State;
  readonly #view: string;
  readonly #onReadOnly: string;
  #pretended: VirtualRoot | undefined;
  #cacheBefore: string | undefined;
  readonly #log: Log;
  #state: State | undefined;
  #root: Root | undefined;

  /** The state is in the file `statePath`, or on stdin when that is empty or `-`; the flags are the global ones. */
  constructor(statePath: string, flags: Pick<FlagValues, "text">, log: Log) {
    this.#readState = () => readState(statePath);
    this.#view = flags.text("view");
    this.#onReadOnly = flags.text("on-read-only");
    this.#log = log;
  }

  /** The OCI state. Throws HookError `state` or `limit`. */
  readonly state = (): State => (this.#state ??= this.#readState());

  /** The root filesystem. Throws HookError `state`, `limit`, `root`, `usage`, and `refused` for the host's own root. */
  readonly root = (): Root => (this.#root ??= this.#open());

  #open(): Root {
    const state = this.state();
    const path = rootPathOf(state);
    if (this.#log.debugging) {
      const source = state.root === undefined ? "config.json of the bundle" : "the state";
      this.#log.debug(
        `root filesystem ${path} (from ${source}); container ${state.id ?? "?"} is ${state.status ?? "?"}`,
      );
    }
    const view = viewNamed(this.#view);
    // What runc, crun and gVisor say at createContainer: the container's mounts are in our own namespace.
    if (view === undefined && (state.pid === 1 || state.pid === 0 || state.pid === -1)) return KernelRoot.open(path);
    const { root, pretends } = views().openView({ state, path, view }, this.#log);
    return pretends === true ? this.#pretend(root) : root;
  }

  /** Whether a place that is read-only is no failure. */
  get forgivesReadOnly(): boolean {
    return this.#onReadOnly === "warn";
  }

  /** Makes the root one that only seems to be writable; false when that is not wanted, or it is so already. */
  readonly pretend = (): boolean => {
    if (this.#root === undefined || this.#pretended !== undefined || onReadOnlyNamed(this.#onReadOnly) !== "mount")
      return false;
    this.#root = this.#pretend(this.#root);
    return true;
  };

  #pretend(root: Root): Root {
    this.#cacheBefore = readOnly().presentCache(root);
    this.#pretended = readOnly().pretended(root);
    return this.#pretended;
  }

  /** Makes up for what was only pretended, once the hooks have run. Throws HookError `kernel`. */
  settle(): void {
    if (this.#pretended !== undefined) readOnly().mountSubstitutes(this.#pretended, this.#cacheBefore, this.#log);
  }

  [Symbol.dispose](): void {
    this.#root?.close();
  }
}
