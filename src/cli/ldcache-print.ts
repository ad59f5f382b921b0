import { part } from "../part.ts";
import type { Logger } from "../logger.ts";
import type { Finish } from "./commands.ts";
import type * as Ldcache from "./ldcache-entry.ts";
import { PersonCommand } from "./person-command.ts";

const ldcache = part<typeof Ldcache>("ldcache");

/** `ldcache print`. */
export function printCommand(log: Logger, finish: Finish): PersonCommand {
  return new PersonCommand("print", [
    "ldcache print",
    "ldcache print --root ./rootfs --tree",
    "ldcache print --json ./ld.so.cache",
  ])
    .description("Print what is in a cache, as ldconfig -p does.")
    .usage("[flags] [CACHE]")
    .argument("[cache]", "the cache file, inside the root when there is one; /etc/ld.so.cache unless told")
    .option("--root <DIR>", "the root filesystem whose cache is printed")
    .option("--tree", "by folder")
    .option("--json", "as JSON")
    .action((cache: string | undefined, options: Ldcache.PrintOptions) => finish(ldcache().print(cache, options, log)));
}
