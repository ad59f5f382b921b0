/** The work of the commands `ldcache …`, as a part of its own: all of ldconfig is in it. */
export { diff, type DiffOptions } from "./ldcache/diff.ts";
export { print, type PrintOptions } from "./ldcache/print.ts";
export { rebuild, type RebuildOptions } from "./ldcache/rebuild.ts";
export { verify, type VerifyOptions } from "./ldcache/verify.ts";
