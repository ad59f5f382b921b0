import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const source = join(import.meta.dirname, "node-program.c");

/** Static programs that are put into made-up nodes, where nothing else is that could run a script. */
export class NodePrograms {
  readonly #folder: string = mkdtempSync(join(tmpdir(), "cdi-hook-program-"));

  /** Throws without gcc. */
  constructor() {
    for (const [name, flags] of [
      ["others", []],
      ["ours", ["-DOURS"]],
    ] as const) {
      execFileSync("gcc", ["-static", "-O", "-Wall", "-Werror", ...flags, "-o", join(this.#folder, name), source]);
    }
  }

  /**
   * Puts a program into a node: it prints `says` and succeeds, or fails when there is nothing to say. With `ours` it looks
   * like an executable of cdi-hook.
   */
  put(node: string, path: string, says: string | undefined, ours = false): void {
    const target = join(node, path);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(this.#folder, ours ? "ours" : "others"), target);
    if (says !== undefined) writeFileSync(`${target}.says`, says);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
