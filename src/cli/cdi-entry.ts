/** The work of the commands `cdi ...`, as a part of its own: the parser of specs is in it. */
export { restore, type RestoreFlags } from "./cdi/restore.ts";
export { rewrite, type RewriteFlags } from "./cdi/rewrite.ts";
export { watch, type WatchFlags } from "./cdi/watch.ts";
