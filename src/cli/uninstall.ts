import { enterNode } from "../host/node.ts";
import type * as Uninstall from "../install/uninstall.ts";
import { usualPrefix } from "../install/usual-prefix.ts";
import type { Logger } from "../logger.ts";
import { printable } from "../logger.ts";
import { part } from "../part.ts";
import type { Finish } from "./commands.ts";
import { exitStatusOf } from "./exit.ts";
import { writeJson } from "./json.ts";
import { writeOutput } from "./output.ts";
import { PersonCommand } from "./person-command.ts";

const uninstalling = part<typeof Uninstall>("uninstall");

interface UninstallOptions {
  readonly prefix: string;
  readonly root?: string;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** `uninstall`: takes away what `install` brought. */
export function uninstallCommand(log: Logger, finish: Finish): PersonCommand {
  return new PersonCommand("uninstall", ["uninstall", "uninstall --prefix auto --dry-run"])
    .description("Remove an installation, unless CDI specs or settings still point to it.")
    .usage("[flags]")
    .option("--prefix <DIR>", "where it is, or auto for all the usual places", usualPrefix)
    .option("--root <DIR>", "the node's root filesystem, where this runs in a container [needs CAP_SYS_CHROOT]")
    .option("--force", "even when something still points to it")
    .option("--dry-run", "only tell what would be done")
    .option("--json", "print one JSON document")
    .action((options: UninstallOptions) => finish(exitStatusOf(() => run(options), "uninstall", log)));
}

function run({ prefix, root, force = false, dryRun = false, json = false }: UninstallOptions): void {
  const { uninstall } = uninstalling();
  if (root !== undefined) enterNode(root);
  const done = uninstall({ prefix, force, dryRun });
  if (json) writeJson({ dryRun, ...done });
  else writeOutput(told(done, dryRun));
}

function told({ removed, kept, references }: Uninstall.Uninstalled, dryRun: boolean): string {
  const lines = [
    ...references.map((path) => `${path} still points there`),
    ...removed.map((path) => `${path}: ${dryRun ? "would be removed" : "removed"}`),
    ...kept.map(({ path, reason }) => `${path}: kept, ${reason}`),
  ];
  if (removed.length === 0) lines.push("nothing of cdi-hook is installed there");
  return lines.map((line) => `${printable(line)}\n`).join("");
}
