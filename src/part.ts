/**
 * Parts of the executable that are evaluated when they are first needed, as evaluating them takes time at every start:
 * scripts/bundle.mjs has the list and says what each is.
 */

// What the engine answers with is what scripts/bundle.mjs put there: whoever names a part says what that is.
/* oxlint-disable typescript/no-unnecessary-type-parameters */

declare const loadModule: <Exports>(name: string) => Exports;

/** A part that is evaluated at the first call: `part<typeof Linker>("linker")`. */
export function part<Exports>(
  name:
    | "linker"
    | "driver-params"
    | "cuda-compat"
    | "application-profile"
    | "view"
    | "overlay"
    | "read-only"
    | "unread-state"
    | "apply"
    | "cdi-edits"
    | "chain"
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
    | "apply-output",
): () => Exports {
  let exports: Exports | undefined;
  return () => (exports ??= loadModule<Exports>(`${name}.js`));
}
