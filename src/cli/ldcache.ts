import type { Logger } from "../logger.ts";
import type { Finish } from "./commands.ts";
import { diffCommand } from "./ldcache-diff.ts";
import { explainCommand } from "./ldcache-explain.ts";
import { printCommand } from "./ldcache-print.ts";
import { rebuildCommand } from "./ldcache-rebuild.ts";
import { verifyCommand } from "./ldcache-verify.ts";
import { PersonCommand } from "./person-command.ts";

const commands = {
  rebuild: rebuildCommand,
  print: printCommand,
  verify: verifyCommand,
  diff: diffCommand,
  explain: explainCommand,
} as const;

/** `ldcache`: what a person may want of an ld.so.cache; all its subcommands, or only the one that is wanted. */
export function ldcacheCommand(log: Logger, finish: Finish, only?: string): PersonCommand {
  return new PersonCommand("ldcache")
    .description("Work on the ld.so.cache of any root filesystem.")
    .addWanted(commands, only, log, finish);
}
