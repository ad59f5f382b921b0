import { HookError } from "../errors.ts";
import type { Log } from "../logger.ts";
import { rootPathOf } from "../oci/bundle.ts";
import { readState, type State } from "../oci/state.ts";
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

/** The container that a hook is run for. Nothing is read before it is asked for, and everything once. */
export class Container implements Disposable {
  readonly #readState: () => State;
  readonly #view: string;
  readonly #log: Log;
  #state: State | undefined;
  #root: Root | undefined;

  /** `state` is a file, stdin when it is empty or `-`, or what gives the state; `view` is a View, or empty. */
  constructor(state: string | (() => State), view: string, log: Log) {
    this.#readState = typeof state === "string" ? () => readState(state) : state;
    this.#view = view;
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
    return views().openView({ state, path, view }, this.#log).root;
  }

  [Symbol.dispose](): void {
    this.#root?.close();
  }
}
