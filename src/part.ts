/**
 * Parts of the executable that are evaluated when they are first needed, and are not in the image of the heap that every
 * start begins with: scripts/bundle.mjs has the list and says what each is.
 */

// What the engine answers with is what scripts/bundle.mjs put there: whoever names a part says what that is.
/* oxlint-disable typescript/no-unnecessary-type-parameters */

declare const loadModule: <Exports>(name: string) => Exports;

export type PartName =
  | "cdi-edits"
  | "suggest"
  | "people"
  | "json-log"
  | "manual"
  | "ldcache"
  | "cdi"
  | "explain"
  | "simulation"
  | "image"
  | "install"
  | "uninstall"
  | "doctor"
  | "ldconfig"
  | "runtime"
  | "runtime-bundle"
  | "apply-output";

/** A part that is evaluated at the first call: `part<typeof People>("people")`. */
export function part<Exports>(name: PartName): () => Exports {
  let exports: Exports | undefined;
  return () => (exports ??= loadModule<Exports>(`${name}.js`));
}
