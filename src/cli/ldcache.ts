import type { Logger } from "../logger.ts";
import type { Finish } from "./commands.ts";
import { diffCommand } from "./ldcache-diff.ts";
import { explainCommand } from "./ldcache-explain.ts";
import { printCommand } from "./ldcache-print.ts";
import { rebuildCommand } from "./ldcache-rebuild.ts";
import { verifyCommand } from "./ldcache-verify.ts";
import { PersonCommand } from "./person-command.ts";

/** `ldcache`: what a person may want of an ld.so.cache; a line for each subcommand. */
export function ldcacheCommand(log: Logger, finish: Finish): PersonCommand {
  return new PersonCommand("ldcache")
    .description("Work on the ld.so.cache of any root filesystem.")
    .addCommand(rebuildCommand(log, finish))
    .addCommand(printCommand(log, finish))
    .addCommand(verifyCommand(log, finish))
    .addCommand(diffCommand(log, finish))
    .addCommand(explainCommand(log, finish));
}
