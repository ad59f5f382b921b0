import { inOrder, together, type ChainedHook } from "../hooks/chain.ts";
import { runForgiving, settleFor } from "../hooks/fatal.ts";
import type { HookCall } from "../hooks/hook.ts";
import type { Logger } from "../logger.ts";
import { exitStatusOf, success } from "./exit.ts";

/** The container that hooks are run for. */
export interface HookedContainer extends Pick<HookCall, "state" | "root" | "pretend" | "forgivesReadOnly"> {
  /** Makes up for what was only pretended, once the hooks have run. Throws HookError `kernel`. */
  settle(): void;
}

/**
 * Runs several hooks of one container, in the order that makes sense of them. Every hook is tried, and all failures are
 * told; the answer is the exit status.
 */
export function runHooks(chain: readonly ChainedHook[], container: HookedContainer, log: Logger): number {
  const { pretend, forgivesReadOnly } = container;
  const missing = new Failure();
  const state = missing.kept(container.state);
  const root = missing.kept(container.root);
  let status = success;
  for (const group of inOrder(chain)) {
    const first = group[0];
    if (first === undefined) continue;
    const { hook, flags } = first;
    const work = { flags, log, state, root, pretend, forgivesReadOnly };
    const result = exitStatusOf(() => runForgiving(together(group, hook), work), hook.name, log);
    status = Math.max(status, result);
    // What the other hooks would say of it has been said.
    if (missing.met && result !== success) return status;
  }
  const names = chain.map(({ hook }) => hook.name);
  return Math.max(
    status,
    exitStatusOf(() => settleFor(names, () => container.settle(), log), "chain", log),
  );
}

/** A failure that stays: the state cannot be read from stdin a second time. */
class Failure {
  #error: unknown;
  met = false;

  kept<T>(get: () => T): () => T {
    return () => {
      if (this.met) throw this.#error;
      try {
        return get();
      } catch (error) {
        this.met = true;
        this.#error = error;
        throw error;
      }
    };
  }
}
