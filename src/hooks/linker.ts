import { fromText } from "../bytes/text.ts";
import { readConfiguration, type Configuration, type KeptFile } from "../ldconfig/configuration.ts";
import { detectProfile } from "../ldconfig/detect.ts";
import type { Profile } from "../ldconfig/profile.ts";
import { CONFIGURATION_PATH, computeCache, update } from "../ldconfig/update.ts";
import type { Log } from "../logger.ts";
import { ENOENT } from "../rootfs/constants.ts";
import type { Root } from "../rootfs/root.ts";
import { compatFolders, isCompat } from "./cuda-compat-drop-in.ts";
import { isDropIn, isOurs, updateDropIn } from "./drop-in.ts";
import { ldSoConf, muslPathFile, usableFolders } from "./folder-argument.ts";
import type { FlagValues, HookCall } from "./hook.ts";
import { updateMuslPaths } from "./musl-path.ts";

const EMPTY: Configuration = { folders: [], hwcaps: new Map() };
/** For a second reading: what is wrong with the configuration was told by the first. */
const QUIET: Log = { debugging: false, debug: () => undefined, warn: () => undefined };

const defaultConfiguration = "include /etc/ld.so.conf.d/*.conf\n";

/**
 * What update-ldcache does, for the folders of all these flags: the work of ldconfig, or its counterpart for musl. Throws
 * HookError.
 */
export function updateLinker({ log, root, pretend, forgivesReadOnly }: HookCall, all: readonly FlagValues[]): void {
  const folders = all.map((flags) => flags.list("folder"));
  const container = root();
  const { profile, libc, why } = detectProfile(container, log);
  log.debug(`dynamic linker of the container: ${libc}; ldconfig imitated: ${profile.name} (${why})`);
  const needsLinks = pretend !== undefined && forgivesReadOnly !== true;
  if (libc !== "musl") updateGlibc(container, folders.flat(), profile, log, needsLinks);
  // Each puts its folders before those of the one before.
  else for (const values of folders) updateMusl(container, values, profile, log, needsLinks);
}

/** Whether the container's dynamic linker is musl's. */
export function isMusl(root: Root): boolean {
  return detectProfile(root, QUIET).libc === "musl";
}

/** Makes glibc's cache anew for links that came behind it. Throws HookError. */
export function refreshCache(root: Root, log: Log): void {
  updateGlibc(root, [], detectProfile(root, log).profile, log, true);
}

function updateGlibc(root: Root, values: readonly string[], profile: Profile, log: Log, needsLinks: boolean): void {
  const folders = usableFolders(root, values, ldSoConf, log);
  if (root.lstat(CONFIGURATION_PATH) === -ENOENT) {
    root.replaceFile(CONFIGURATION_PATH, fromText(defaultConfiguration), 0o644);
    log.debug(`${CONFIGURATION_PATH}: made`);
  }
  const kept = new Map<string, KeptFile>();
  const before = readConfiguration(root, CONFIGURATION_PATH, profile.configuration, log, "/", undefined, kept);
  const named = before.folders.filter((folder) => !isOurs(folder)).map((folder) => folder.path);
  const dropIn = updateDropIn(root, folders, [...named, ...profile.systemDirectories], log);
  const configuration = dropIn.changed ? readAgain(root, profile, kept) : before;
  const directories = notIncluded(compatFolders(root), dropIn.folders, configuration);
  if (directories.length > 0)
    log.debug(`${CONFIGURATION_PATH} does not include the drop-ins: their folders are scanned first all the same`);
  // Settled: a link that create-symlinks made often leads to a soname's link, which is only made now.
  update(root, profile, { directories, configuration, links: true, settle: true, needsLinks, log });
}

/** The configuration with the drop-in as it is now. */
function readAgain(root: Root, profile: Profile, kept: Map<string, KeptFile>): Configuration {
  for (const path of kept.keys()) if (isDropIn(path)) kept.delete(path);
  return readConfiguration(root, CONFIGURATION_PATH, profile.configuration, QUIET, "/", undefined, kept);
}

/** The folders of the drop-ins, those of compatibility libraries first, when the configuration lacks one of the files. */
function notIncluded(
  compat: readonly string[],
  driver: readonly string[],
  { folders }: Configuration,
): readonly string[] {
  const complete = (compat.length === 0 || folders.some(isCompat)) && (driver.length === 0 || folders.some(isOurs));
  return complete ? [] : [...compat, ...driver];
}

/**
 * musl loads by file name alone: without a link of the soname's name a library is not found. So the links are made, in
 * these folders only, as by `ldconfig -n`; the cache that comes with them has no reader and is not written.
 */
function updateMusl(root: Root, values: readonly string[], profile: Profile, log: Log, needsLinks: boolean): void {
  const folders = usableFolders(root, values, muslPathFile, log);
  updateMuslPaths(root, folders, log);
  const nothingElse = { ...profile, systemDirectories: [] };
  const options = { directories: folders, configuration: EMPTY, links: true, settle: true, needsLinks, log };
  computeCache(root, nothingElse, options);
}
