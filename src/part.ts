/**
 * Parts of the executable that are evaluated when they are first needed, as evaluating them takes time at every start:
 * `linker` is all of ldconfig, `people` the commands for people with their libraries. A caller says what a part exports:
 * `part("linker") as typeof import("./linker.ts")`.
 */

declare const loadModule: (name: string) => unknown;

const loaded = new Map<string, unknown>();

/** The exports of a part. */
export function part(name: "linker" | "people"): unknown {
  if (!loaded.has(name)) loaded.set(name, loadModule(`${name}.js`));
  return loaded.get(name);
}
