import { ARCHITECTURES } from "../ldconfig/architecture.ts";
import { legacyHwcaps } from "../ldconfig/legacy-hwcaps.ts";
import type { Cpu } from "./cpu.ts";
import type { DynamicLinker } from "./dynamic-linker.ts";

/** A subfolder that is looked into before the folder itself. */
export interface Subfolder {
  /** Empty for the folder itself, else with a slash at its end. */
  readonly path: string;
  /** It is one of `glibc-hwcaps`. */
  readonly hwcaps: boolean;
}

/**
 * The subfolders in which the dynamic linker looks for every library, for each folder of a search list, in order: those of
 * `glibc-hwcaps` that the processor can use (since glibc 2.33), then the legacy ones (until 2.36), each combination of
 * `tls`, platform and capabilities; last the folder itself (glibc's elf/dl-hwcaps.c, _dl_important_hwcaps).
 */
export function subfoldersOf(linker: DynamicLinker, cpu: Cpu): Subfolder[] {
  const { features } = linker;
  const hwcaps = features.hwcapsFolders ? cpu.hwcaps.map((name) => `glibc-hwcaps/${name}/`) : [];
  const legacy = features.legacyFolders ? combinations(legacyNames(linker, cpu)) : [""];
  return [...hwcaps.map((path) => ({ path, hwcaps: true })), ...legacy.map((path) => ({ path, hwcaps: false }))];
}

/** Names of the legacy subfolders, the innermost first. */
function legacyNames({ architecture, minor }: DynamicLinker, { capabilities, platform }: Cpu): string[] {
  const table = legacyHwcaps(ARCHITECTURES[architecture].legacyFamily, minor);
  // Capabilities that are important and that the processor has, in the order of their bits.
  const names = [...table.capabilities.keys()].filter(
    (name) => table.important.has(name) && capabilities.includes(name),
  );
  return [...names, ...(platform === undefined ? [] : [legacyPlatform(platform, table.platforms)]), "tls"];
}

/** Without a platform of glibc's own, the kernel's name for it stands. */
function legacyPlatform(platform: string, known: ReadonlyMap<string, number>): string {
  return platform === "haswell" || platform === "xeon_phi" ? (known.has(platform) ? platform : "x86_64") : platform;
}

/** All of them first, none last; the last of the names is the outermost folder. */
function combinations(names: readonly string[]): string[] {
  const paths: string[] = [];
  for (let bits = (1 << names.length) - 1; bits >= 0; bits -= 1) {
    let path = "";
    for (let at = names.length - 1; at >= 0; at -= 1) if ((bits & (1 << at)) !== 0) path += `${names[at]}/`;
    paths.push(path);
  }
  return paths;
}
