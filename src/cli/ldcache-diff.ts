import { part } from "../part.ts";
import type { Logger } from "../logger.ts";
import type { Finish } from "./commands.ts";
import type * as Ldcache from "./ldcache-entry.ts";
import { PersonCommand } from "./person-command.ts";

const ldcache = part<typeof Ldcache>("ldcache");

/** `ldcache diff`. */
export function diffCommand(log: Logger, finish: Finish): PersonCommand {
  return new PersonCommand("diff", ["ldcache diff old/etc/ld.so.cache new/etc/ld.so.cache", "ldcache diff ./a ./b"])
    .description("Tell what is different between two caches; the exit status is 1 when something is.")
    .usage("[flags] A B")
    .argument("<a>", "a cache file, or a root filesystem")
    .argument("<b>", "another")
    .option("--json", "as JSON")
    .action((a: string, b: string, options: Ldcache.DiffOptions) => finish(ldcache().diff(a, b, options, log)));
}
