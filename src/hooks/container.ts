import type { Log } from "../logger.ts";
import { rootPathOf } from "../oci/bundle.ts";
import { readState, type State } from "../oci/state.ts";
import { KernelRoot } from "../rootfs/kernel-root.ts";
import type { Root } from "../rootfs/root.ts";

/** The container that a hook is run for. Nothing is read before it is asked for, and everything once. */
export class Container implements Disposable {
  readonly #statePath: string;
  readonly #log: Log;
  #state: State | undefined;
  #root: Root | undefined;

  /** Its state is in the file `statePath`, or on stdin when that is empty or `-`. */
  constructor(statePath: string, log: Log) {
    this.#statePath = statePath;
    this.#log = log;
  }

  /** The OCI state. Throws HookError `state` or `limit`. */
  readonly state = (): State => (this.#state ??= readState(this.#statePath));

  /** The root filesystem. Throws HookError `state`, `limit`, `root`, and `refused` for the host's own root. */
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
    return KernelRoot.open(path);
  }

  [Symbol.dispose](): void {
    this.#root?.close();
  }
}
