import { Option, type Command } from "commander";
import type { Logger } from "../logger.ts";
import { part } from "../part.ts";
import type * as Cdi from "./cdi-entry.ts";
import type { Finish } from "./commands.ts";
import { PersonCommand } from "./person-command.ts";

const cdi = part<typeof Cdi>("cdi");

const commands = {
  rewrite: rewriteCommand,
  watch: watchCommand,
  restore: restoreCommand,
  validate: validateCommand,
  list: listCommand,
} as const;

/** `cdi`: the specs of a node; all its subcommands, or only the one that is wanted. */
export function cdiCommand(log: Logger, finish: Finish, only?: string): PersonCommand {
  return new PersonCommand("cdi")
    .description("Make the CDI specs of a node use this executable, and look at them.")
    .addWanted(commands, only, log, finish);
}

function rewriteCommand(log: Logger, finish: Finish): PersonCommand {
  const command = new PersonCommand("rewrite", [
    "cdi rewrite --dry-run",
    "cdi rewrite --hook-dir /opt/cdi-hook/bin /etc/cdi/nvidia.yaml",
    "cdi rewrite --stage createRuntime --match nvidia.com/gpu",
    "cdi rewrite --check",
  ])
    .description(
      "Point the NVIDIA hooks of CDI specs to this executable's directory, and give an environment to those without " +
        "one. Everything else of a spec stays as it is, byte for byte.",
    )
    .takes("PATH", "specs, and directories of specs; /etc/cdi and /var/run/cdi if none is given");
  return addRuleFlags(command)
    .option("--output <DIR>", "write the rewritten specs to DIR, and leave the others as they are")
    .option("-n, --dry-run", "write nothing, print a unified diff")
    .option("--check", "write nothing; exit status 1 if something would change")
    .option("--json", "tell what was done as JSON")
    .action((paths: readonly string[], flags: Cdi.RewriteFlags) => finish(cdi().rewrite(paths, flags, log)));
}

function watchCommand(log: Logger, finish: Finish): PersonCommand {
  const command = new PersonCommand("watch", ["cdi watch", "cdi watch --stage createRuntime /etc/cdi /var/run/cdi"])
    .description(
      "Rewrite CDI specs as cdi rewrite does, and go on doing so while other programs write them, until a signal " +
        "(SIGTERM, SIGINT, SIGHUP) ends it. Tells systemd when every spec has been looked at (Type=notify).",
    )
    .takes("DIRECTORY", "directories of specs; /etc/cdi and /var/run/cdi if none is given");
  return addRuleFlags(command)
    .option("--poll", "look at the directories every second, where the file system tells of no changes")
    .action((paths: readonly string[], flags: Cdi.WatchFlags) => finish(cdi().watch(paths, flags, log)));
}

/** The flags that say what is rewritten, and how: of `rewrite`, and of whoever rewrites later (RuleFlags). */
export function addRuleFlags<Told extends Command>(command: Told): Told {
  return command
    .option("--hook-dir <DIR>", "where the executable's names are on the node [default /opt/cdi-hook/bin]")
    .addOption(
      new Option("--stage <STAGE>", "run the hooks at this stage, for runtimes that sandbox").choices([
        "createRuntime",
        "prestart",
      ]),
    )
    .option("--chain", "make one hook of those of one list: one process for each container")
    .addOption(
      new Option(
        "--match <PATTERN>",
        "only specs of this VENDOR/CLASS, or of this path; * and ? match within a part [repeatable]",
      ).argParser((pattern: string, others: readonly string[] | undefined) => [...(others ?? []), pattern]),
    )
    .option("--state <DIR>", "where original specs are kept [default /var/lib/cdi-hook/originals]")
    .option("--no-backup", "keep no originals: nothing can be restored");
}

function restoreCommand(log: Logger, finish: Finish): PersonCommand {
  return new PersonCommand("restore", ["cdi restore", "cdi restore --dry-run /etc/cdi/nvidia.yaml"])
    .description("Give rewritten CDI specs their original bytes, unless somebody else has changed them since.")
    .takes("PATH", "specs, and directories of specs; all that were rewritten if none is given")
    .option("--state <DIR>", "where original specs are kept [default /var/lib/cdi-hook/originals]")
    .option("--force", "also what somebody else has changed since")
    .option("-n, --dry-run", "write nothing, print a unified diff")
    .option("--json", "tell what was done as JSON")
    .action((paths: readonly string[], flags: Cdi.RestoreFlags) => finish(cdi().restore(paths, flags, log)));
}

function validateCommand(log: Logger, finish: Finish): PersonCommand {
  return new PersonCommand("validate", ["cdi validate", "cdi validate ./nvidia.yaml", "cdi validate --json /etc/cdi"])
    .description(
      "Tell all that is wrong in CDI specs of version 0.3.0 to 1.1.0, with lines. An error is what a CDI reader refuses; " +
        "the exit status is 1 if there is one.",
    )
    .takes("PATH", "specs, and directories of specs, the last with the highest priority; CDI's own if none")
    .option("--json", "print one JSON document")
    .action((paths: readonly string[], flags: Cdi.ValidateFlags) => finish(cdi().validate(paths, flags, log)));
}

function listCommand(log: Logger, finish: Finish): PersonCommand {
  return new PersonCommand("list", ["cdi list", "cdi list --json /etc/cdi"])
    .description("List the devices and hooks of CDI specs, and who runs each hook.")
    .takes("PATH", "specs, and directories of specs, the last with the highest priority; CDI's own if none")
    .option("--json", "print one JSON document")
    .action((paths: readonly string[], flags: Cdi.ListFlags) => finish(cdi().list(paths, flags, log)));
}
