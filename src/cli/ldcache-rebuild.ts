import { Option } from "commander";
import { DISTRIBUTIONS } from "../ldconfig/names.ts";
import type { Logger } from "../logger.ts";
import { part } from "../part.ts";
import type { Finish } from "./commands.ts";
import type * as Ldcache from "./ldcache-entry.ts";
import { PersonCommand } from "./person-command.ts";

const ldcache = part<typeof Ldcache>("ldcache");

/** `ldcache rebuild`. */
export function rebuildCommand(log: Logger, finish: Finish): PersonCommand {
  const command = new PersonCommand("rebuild", [
    "ldcache rebuild --root ./rootfs",
    "ldcache rebuild --root ./rootfs --glibc 2.39 --distro ubuntu --arch aarch64",
    "ldcache rebuild --root ./rootfs --dry-run",
    "ldcache rebuild --root ./rootfs --no-links --output ./ld.so.cache /opt/lib",
    "ldcache rebuild --root app.tar.gz --to app-with-cache.tar.gz",
    "ldcache rebuild --root oci:layout:latest@linux/arm64",
  ])
    .description("Make the soname links and the ld.so.cache of a root filesystem, as its own ldconfig would.")
    .usage("--root ROOT [flags] [FOLDER...]")
    .argument("[folder...]", "folders of the root that are scanned before those of ld.so.conf");
  return addProfileFlags(
    command.option(
      "--root <ROOT>",
      "the root filesystem; required: a folder, a tar archive, or oci:DIR[:TAG][@OS/ARCHITECTURE]",
    ),
  )
    .option("-f, --conf <FILE>", "the configuration inside the root, instead of /etc/ld.so.conf")
    .option("-C, --cache <FILE>", "the cache inside the root, instead of /etc/ld.so.cache")
    .option("--output <FILE>", "write the cache to a file outside of the root, and none inside")
    .option(
      "--to <NAME>",
      "where to the changed image is written: for an archive a file, for an OCI layout a tag of it",
    )
    .option("--in-place", "change the archive itself")
    .option("--no-links", "leave the links as they are")
    .option("--dry-run", "tell what would be done, and change nothing")
    .option("--json", "tell what was done as JSON")
    .action((folders: readonly string[], options: Ldcache.RebuildOptions) =>
      finish(ldcache().rebuild(folders, options, log)),
    );
}

/** The flags that say which ldconfig is imitated. */
export function addProfileFlags(command: PersonCommand): PersonCommand {
  return command
    .option(
      "--glibc <VERSION>",
      "imitate the ldconfig of this glibc, such as 2.36 or head, instead of the one that is found",
    )
    .addOption(new Option("--distro <NAME>", "who built that glibc").choices([...DISTRIBUTIONS]))
    .option("--arch <NAME>", "the architecture of the ldconfig to imitate, such as x86_64, arm64 or riscv64")
    .option("--generator <TEXT>", "the generator's name in the cache")
    .addOption(new Option("--format <FORMAT>", "the cache's format").choices(["old", "compat", "new"]));
}
