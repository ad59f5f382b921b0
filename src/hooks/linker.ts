import { fromText } from "../bytes/text.ts";
import { readConfiguration, type Configuration } from "../ldconfig/configuration.ts";
import { detectProfile } from "../ldconfig/detect.ts";
import type { Profile } from "../ldconfig/profile.ts";
import { CONFIGURATION_PATH, computeCache, update } from "../ldconfig/update.ts";
import type { Log } from "../logger.ts";
import { ENOENT } from "../rootfs/constants.ts";
import type { Root } from "../rootfs/root.ts";
import { isOurs, updateDropIn } from "./drop-in.ts";
import { ldSoConf, muslPathFile, usableFolders } from "./folder-argument.ts";
import type { HookCall } from "./hook.ts";
import { updateMuslPaths } from "./musl-path.ts";

const defaultConfiguration = "include /etc/ld.so.conf.d/*.conf\n";

/** What update-ldcache does: the work of ldconfig, or its counterpart for musl. Throws HookError. */
export function updateLinker({ flags, log, root }: HookCall): void {
  const container = root();
  const { profile, libc, why } = detectProfile(container, log);
  log.debug(`dynamic linker of the container: ${libc}; ldconfig imitated: ${profile.name} (${why})`);
  if (libc === "musl") updateMusl(container, flags.list("folder"), profile, log);
  else updateGlibc(container, flags.list("folder"), profile, log);
}

function updateGlibc(root: Root, values: readonly string[], profile: Profile, log: Log): void {
  const folders = usableFolders(root, values, ldSoConf, log);
  if (root.lstat(CONFIGURATION_PATH) === -ENOENT) {
    root.replaceFile(CONFIGURATION_PATH, fromText(defaultConfiguration), 0o644);
    log.debug(`${CONFIGURATION_PATH}: made`);
  }
  const configuration = readQuietly(root, profile);
  const named = configuration.folders.filter((folder) => !isOurs(folder)).map((folder) => folder.path);
  const dropIn = updateDropIn(root, folders, [...named, ...profile.systemDirectories], log);
  const readAgain = dropIn.changed ? readQuietly(root, profile) : configuration;
  const included = dropIn.folders.length === 0 || readAgain.folders.some(isOurs);
  if (!included)
    log.debug(`${CONFIGURATION_PATH} does not include the drop-in: its folders are scanned first all the same`);
  update(root, profile, { directories: included ? [] : dropIn.folders, links: true, log });
}

/**
 * musl loads by file name alone: without a link of the soname's name a library is not found. So the links are made, in
 * these folders only, as by `ldconfig -n`; the cache that comes with them has no reader and is not written.
 */
function updateMusl(root: Root, values: readonly string[], profile: Profile, log: Log): void {
  const folders = usableFolders(root, values, muslPathFile, log);
  updateMuslPaths(root, folders, log);
  const nothingElse = { ...profile, systemDirectories: [] };
  computeCache(root, nothingElse, { directories: folders, links: true, confPath: "", log });
}

/** What is wrong with the configuration is told by `update`, which reads it as well. */
function readQuietly(root: Root, profile: Profile): Configuration {
  const { libraryTypes, hwcapLines } = profile.features;
  const quiet: Log = { debugging: false, debug: () => undefined, warn: () => undefined };
  return readConfiguration(root, CONFIGURATION_PATH, { libraryTypes, hwcapLines, hwcapCount: 0 }, quiet);
}
