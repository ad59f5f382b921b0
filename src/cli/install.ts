import { HookError } from "../errors.ts";
import { enterNode } from "../host/node.ts";
import type * as Install from "../install/install.ts";
import { usualPrefix } from "../install/usual-prefix.ts";
import type { Logger } from "../logger.ts";
import { printable } from "../logger.ts";
import { part } from "../part.ts";
import type { Finish } from "./commands.ts";
import { exitStatusOf } from "./exit.ts";
import { writeJson } from "./json.ts";
import { writeOutput } from "./output.ts";
import { PersonCommand } from "./person-command.ts";
import { version } from "./version.ts";

const installing = part<typeof Install>("install");

interface InstallOptions {
  readonly prefix: string;
  readonly root?: string;
  readonly destdir?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** `install`: the executable on a node. */
export function installCommand(log: Logger, finish: Finish): PersonCommand {
  return new PersonCommand("install", [
    "install",
    "install --prefix auto --json",
    "install --root /host --prefix /var/lib/cdi-hook",
    "install --destdir ./package",
  ])
    .description("Install this executable and its names nvidia-cdi-hook and nvidia-ctk in a directory of their own.")
    .usage("[flags]")
    .option("--prefix <DIR>", "the directory, or auto for the first usual one that works", usualPrefix)
    .option("--root <DIR>", "the node's root filesystem, where this runs in a container [needs CAP_SYS_CHROOT]")
    .option("--destdir <DIR>", "make a tree for a package below DIR, as the caller's")
    .option("--dry-run", "only tell what would be done")
    .option("--json", "print one JSON document")
    .action((options: InstallOptions) => finish(exitStatusOf(() => run(options), "install", log)));
}

function run({ prefix, root, destdir, dryRun = false, json = false }: InstallOptions): void {
  if (destdir !== undefined && (root !== undefined || prefix === "auto")) {
    throw new HookError("usage", "parse flags", "", "--destdir goes with neither --root nor --prefix auto");
  }
  const packageTree = destdir?.replace(/\/+$/, "");
  if (packageTree === "") throw new HookError("usage", "parse --destdir", destdir ?? "", "an empty path, or the root");
  const request = { prefix, dryRun, ...(packageTree === undefined ? {} : { packageTree }) };
  const { install } = installing();
  const installed = install(request, root === undefined ? () => undefined : () => enterNode(root));
  if (json) writeJson({ version, dryRun, ...installed });
  else writeOutput(told(installed, dryRun, destdir));
}

function told({ prefix, files, tried }: Install.Installed, dryRun: boolean, destdir: string | undefined): string {
  const where = destdir === undefined ? `installed in ${prefix}` : `in ${destdir}, to be installed in ${prefix}`;
  const lines = [
    ...tried.map((each) => `${each.prefix} does not work: ${each.reason}`),
    ...files.map(({ path, change }) => `${path}: ${dryRun && change !== "unchanged" ? `would be ${change}` : change}`),
    ...(dryRun ? [] : [`cdi-hook ${version} is ${where}; specs use it as --hook-dir ${prefix}/bin`]),
    ...(prefix.startsWith("/run/") ? [`${prefix} is empty again after a reboot: install at each boot`] : []),
  ];
  return lines.map((line) => `${printable(line)}\n`).join("");
}
