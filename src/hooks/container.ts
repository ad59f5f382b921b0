import { HookError } from "../errors.ts";
import type { Log } from "../logger.ts";
import { rootPathOf } from "../oci/bundle.ts";
import { readState, type State } from "../oci/state.ts";
import type { FlagValues } from "./hook.ts";
import { openView, type View } from "../oci/view.ts";
import { KernelRoot } from "../rootfs/kernel-root.ts";
import type { Root } from "../rootfs/root.ts";
import { RootInUse } from "./root-in-use.ts";
import { takeState } from "./unread-state.ts";

const named: readonly View[] = ["here", "process", "overlay"];

/** The view of that name, undefined for none. Throws HookError `usage`. */
export function viewNamed(text: string): View | undefined {
  const view = named.find((name) => name === text);
  if (view !== undefined || text === "") return view;
  throw new HookError("usage", "parse --view", text, `not one of ${named.join(", ")}`);
}

/** The container that a hook is run for. Nothing is read before it is asked for, and everything once. */
export class Container implements Disposable {
  readonly #readState: () => State;
  readonly #view: string;
  readonly #log: Log;
  readonly #use: RootInUse;
  #state: State | undefined;
  /** It is on stdin, and nobody has looked at it. */
  #isUnread: boolean;

  /** The state is in the file `statePath`, or on stdin when that is empty or `-`; the flags are the global ones. */
  constructor(statePath: string, flags: Pick<FlagValues, "text">, log: Log) {
    this.#isUnread = statePath === "" || statePath === "-";
    this.#readState = () => {
      this.#isUnread = false;
      return readState(statePath);
    };
    this.#view = flags.text("view");
    this.#log = log;
    this.#use = new RootInUse(() => this.#open(), flags.text("on-read-only"), log);
  }

  /** The OCI state. Throws HookError `state` or `limit`. */
  readonly state = (): State => (this.#state ??= this.#readState());

  /** The root filesystem. Throws HookError `state`, `limit`, `root`, `usage`, and `refused` for the host's own root. */
  readonly root = (): Root => this.#use.root();

  #open(): { readonly root: Root; readonly pretends?: true } {
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
    if (view === undefined && (state.pid === 1 || state.pid === 0 || state.pid === -1)) {
      const root = KernelRoot.open(path);
      root.keepWays();
      return { root };
    }
    return openView({ state, path, view }, this.#log);
  }

  /** Whether a place that is read-only is no failure. */
  get forgivesReadOnly(): boolean {
    return this.#use.forgivesReadOnly;
  }

  /** Makes the root one that only seems to be writable; false when that is not wanted, or it is so already. */
  readonly pretend = (): boolean => this.#use.pretend();

  /** Makes up for what was only pretended, once the hooks have run. Throws HookError `kernel`. */
  settle(): void {
    this.#use.settle();
  }

  [Symbol.dispose](): void {
    this.#use[Symbol.dispose]();
    if (this.#isUnread) takeState();
  }
}
