/** The work of the commands `cdi ...`, as a part of its own: the parser of specs is in it. */
export { list, type ListFlags } from "./cdi/list.ts";
export { restore, type RestoreFlags } from "./cdi/restore.ts";
export { rewrite, type RewriteFlags } from "./cdi/rewrite.ts";
export { validate, type ValidateFlags } from "./cdi/validate.ts";
export { watch, type WatchFlags } from "./cdi/watch.ts";
