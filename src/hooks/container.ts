import type { Log } from "../logger.ts";
import { rootPathOf } from "../oci/bundle.ts";
import { readState } from "../oci/state.ts";
import { Root } from "../rootfs/root.ts";

/**
 * Opens the root filesystem of the container whose state is in the file `statePath`, or on stdin when that is empty or
 * `-`. Throws HookError `state`, `limit`, `root`, and `refused` for the host's own root.
 */
export function openContainer(statePath: string, log: Log): Root {
  const state = readState(statePath);
  const path = rootPathOf(state);
  if (log.debugging) {
    const source = state.root === undefined ? "config.json of the bundle" : "the state";
    log.debug(`root filesystem ${path} (from ${source}); container ${state.id ?? "?"} is ${state.status ?? "?"}`);
  }
  return Root.open(path);
}
