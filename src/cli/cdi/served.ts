import { hookProgram } from "../../cdi/hooks.ts";
import type { Hook } from "../../cdi/spec.ts";
import { HookError } from "../../errors.ts";
import { hostFactsBehindLinks } from "../../host/host-facts.ts";
import { isOurExecutable } from "../../install/ours.ts";

/**
 * Who runs a hook:
 *
 * - `cdi-hook`  an executable of ours, of any version
 * - `nvidia`    another program under a name of NVIDIA's
 * - `other`     a program that is neither
 * - `missing`   nobody: there is no such file, and no container with this hook starts
 * - `unknown`   the file cannot be looked at
 */
export type Server = "cdi-hook" | "nvidia" | "other" | "missing" | "unknown";

/** Finds out who runs hooks; each file is looked at once, and none is started. */
export class Servers {
  readonly #known = new Map<string, "ours" | "another" | "missing" | "unknown">();

  of(hook: Hook): Server {
    const found = this.#known.get(hook.path) ?? look(hook.path);
    this.#known.set(hook.path, found);
    if (found === "ours") return "cdi-hook";
    if (found !== "another") return found;
    return hookProgram(hook) === undefined ? "other" : "nvidia";
  }
}

function look(path: string): "ours" | "another" | "missing" | "unknown" {
  try {
    const facts = hostFactsBehindLinks(path);
    if (facts === undefined) return "missing";
    return isOurExecutable(path, facts) ? "ours" : "another";
  } catch (error) {
    if (error instanceof HookError) return "unknown";
    throw error;
  }
}
