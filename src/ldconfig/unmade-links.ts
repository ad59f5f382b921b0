/**
 * Links of a root that seems to be writable and is not. The dynamic linker looks into its built-in folders for a name that
 * the cache does not have, and would find such a link there; so the cache has to have it.
 */
import type { CacheEntry } from "../ldcache/entry.ts";
import type { Root } from "../rootfs/root.ts";
import type { Libraries } from "./libraries.ts";

/**
 * Entries for the names by which the built-in folders, in their order, lead to a library over a link that exists in memory
 * only, where `entries` does not have that name for the library's kind.
 */
export function unmadeEntries(
  root: Root,
  folders: readonly string[],
  libraries: Libraries,
  entries: readonly CacheEntry[],
): CacheEntry[] {
  const { lasting, unmadeLinks = [] } = root;
  if (lasting === undefined || unmadeLinks.length === 0) return [];
  const known = new Set(entries.map(({ key, flags, hwcaps }) => (hwcaps === undefined ? `${flags} ${key}` : "")));
  const found: CacheEntry[] = [];
  for (const key of new Set(unmadeLinks.map((path) => path.slice(path.lastIndexOf("/") + 1)))) {
    for (const folder of folders) {
      const path = `${folder}/${key}`;
      const file = libraries.at(path, "/");
      if (typeof file === "number") continue;
      const value = lasting(path);
      if (file.skip === undefined && value !== path && !known.has(`${file.flags} ${key}`)) {
        const { flags, osVersion } = file;
        found.push({ key, value, flags, osVersion, hwcapLow: 0, hwcapHigh: 0, hwcaps: undefined, isa: 0 });
      }
      break;
    }
  }
  return found;
}
