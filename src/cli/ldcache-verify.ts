import type { Logger } from "../logger.ts";
import { part } from "../part.ts";
import type { Finish } from "./commands.ts";
import type * as Ldcache from "./ldcache-entry.ts";
import { addProfileFlags } from "./ldcache-rebuild.ts";
import { PersonCommand } from "./person-command.ts";

const ldcache = part<typeof Ldcache>("ldcache");

/** `ldcache verify`. */
export function verifyCommand(log: Logger, finish: Finish): PersonCommand {
  const command = new PersonCommand("verify", ["ldcache verify --root ./rootfs", "ldcache verify --root / --json"])
    .description("Tell whether a root's cache and links are what a rebuild would leave; the exit status is 1 when not.")
    .usage("--root DIR [flags] [FOLDER...]")
    .argument("[folder...]", "folders of the root that are scanned before those of ld.so.conf");
  return addProfileFlags(command.option("--root <DIR>", "the root filesystem; required"))
    .option("-f, --conf <FILE>", "the configuration inside the root, instead of /etc/ld.so.conf")
    .option("-C, --cache <FILE>", "the cache inside the root, instead of /etc/ld.so.cache")
    .option("--no-links", "as a rebuild that leaves the links as they are")
    .option("--json", "as JSON")
    .action((folders: readonly string[], options: Ldcache.VerifyOptions) =>
      finish(ldcache().verify(folders, options, log)),
    );
}
