import { Option } from "commander";
import { toText } from "../bytes/text.ts";
import { HookError } from "../errors.ts";
import { ARCHITECTURES, type Architecture } from "../ldconfig/architecture.ts";
import { detectProfile } from "../ldconfig/detect.ts";
import { profileFor, type Distribution, type Profile } from "../ldconfig/profile.ts";
import { CACHE_PATH, computeCache } from "../ldconfig/update.ts";
import type { LinkChange } from "../ldconfig/links.ts";
import type { Logger } from "../logger.ts";
import type { Root } from "../rootfs/root.ts";
import { openRootArgument } from "./root-argument.ts";
import type { Finish } from "./commands.ts";
import { exitStatusOf } from "./exit.ts";
import { writeOutput } from "./output.ts";
import { PersonCommand } from "./person-command.ts";

type Format = "old" | "compat" | "new";

interface RebuildOptions {
  readonly root?: string;
  readonly glibc?: string;
  readonly distro?: Distribution;
  readonly arch?: string;
  readonly generator?: string;
  readonly format?: Format;
}

/** Names that other programs have for architectures. */
const otherNames: Readonly<Record<string, Architecture>> = {
  x86_64: "x86-64",
  amd64: "x86-64",
  i686: "i386",
  "386": "i386",
  arm64: "aarch64",
};

/** `ldcache rebuild`. */
export function rebuildCommand(log: Logger, finish: Finish): PersonCommand {
  return new PersonCommand("rebuild", [
    "ldcache rebuild --root ./rootfs",
    "ldcache rebuild --root ./rootfs --glibc 2.39 --distro ubuntu --arch aarch64",
  ])
    .description("Make the soname links and the ld.so.cache of a root filesystem, as its own ldconfig would.")
    .usage("--root DIR [flags]")
    .option("--root <DIR>", "the root filesystem; required")
    .option("--glibc <VERSION>", "imitate the ldconfig of this glibc, such as 2.36, instead of the one that is found")
    .addOption(
      new Option("--distro <NAME>", "who built that glibc").choices(["debian", "ubuntu", "rhel", "fedora", "upstream"]),
    )
    .option("--arch <NAME>", "the architecture of the ldconfig to imitate, such as x86_64 or aarch64")
    .option("--generator <TEXT>", "the generator's name in the cache")
    .addOption(new Option("--format <FORMAT>", "the cache's format").choices(["old", "compat", "new"]))
    .action((options: RebuildOptions) =>
      finish(exitStatusOf(() => rebuildCache(options, log), "ldcache rebuild", log)),
    );
}

function rebuildCache(options: RebuildOptions, log: Logger): void {
  if (options.root === undefined) throw new HookError("usage", "parse arguments", "", "--root is required");
  using root = openRootArgument(options.root);
  const profile = requestedProfile(root, options, log);
  if (profile === undefined) {
    writeOutput(`${options.root}: its dynamic linker is musl, which has no cache; nothing is needed\n`);
    return;
  }
  const { bytes, entries, links } = computeCache(root, profile, { links: true, log });
  const present = root.read(CACHE_PATH, bytes.length);
  const changed = typeof present === "number" || toText(present) !== toText(bytes);
  if (changed) root.replaceFile(CACHE_PATH, bytes, 0o644, true);
  const cache = `${CACHE_PATH} ${changed ? "written" : "unchanged"}, ${entries} entries`;
  writeOutput(`${options.root}: ${cache}; links: ${countedLinks(links)}; as ldconfig ${profile.name}\n`);
}

/** The profile that the flags name, else the one of the root's own ldconfig; undefined for musl. */
function requestedProfile(root: Root, options: RebuildOptions, log: Logger): Profile | undefined {
  const { glibc, generator, format } = options;
  if (glibc !== undefined) {
    if (!/^2\.\d{1,3}(?:\.\d+)?$/.test(glibc))
      throw new HookError("usage", "parse --glibc", glibc, "not of the form 2.N");
    const architecture = architectureOf(options.arch ?? "x86-64");
    return profileFor({ glibc, distribution: options.distro ?? "upstream", architecture, generator, format });
  }
  if (options.arch !== undefined || options.distro !== undefined) {
    throw new HookError("usage", "parse flags", "", "--arch and --distro need --glibc");
  }
  const { profile, libc, why } = detectProfile(root, log);
  log.debug(`dynamic linker: ${libc}; ldconfig imitated: ${profile.name} (${why})`);
  if (libc === "musl") return undefined;
  const { layout } = profile;
  return {
    ...profile,
    layout: { ...layout, format: format ?? layout.format, generator: generator ?? layout.generator },
  };
}

function architectureOf(name: string): Architecture {
  const known = otherNames[name] ?? name;
  if (isArchitecture(known)) return known;
  const names = Object.keys(ARCHITECTURES).join(", ");
  throw new HookError("usage", "parse --arch", name, `not one of ${names}`);
}

function isArchitecture(name: string): name is Architecture {
  return Object.hasOwn(ARCHITECTURES, name);
}

function countedLinks(links: readonly LinkChange[]): string {
  const count = (change: LinkChange["change"]): number => links.filter((link) => link.change === change).length;
  const counts = (["made", "replaced", "removed", "failed"] as const).map((change) => [count(change), change] as const);
  return (
    counts
      .filter(([number]) => number > 0)
      .map(([number, change]) => `${number} ${change}`)
      .join(", ") || "unchanged"
  );
}
