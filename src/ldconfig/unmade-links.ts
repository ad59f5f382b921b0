/**
 * Links of a root that seems to be writable and is not. The dynamic linker looks into its built-in folders for a name that
 * the cache does not have, and would find such a link there; so the cache has to have it.
 */
import type { EntryList } from "../ldcache/entry-list.ts";
import type { Root } from "../rootfs/root.ts";
import type { Libraries } from "./libraries.ts";

/**
 * Adds entries for the names by which the built-in folders, in their order, lead to a library over a link that exists in
 * memory only, where `entries` does not have that name for the library's kind.
 */
export function addUnmadeEntries(
  root: Root,
  folders: readonly string[],
  libraries: Libraries,
  entries: EntryList,
): void {
  const { lasting, unmadeLinks = [] } = root;
  if (lasting === undefined || unmadeLinks.length === 0) return;
  const { keys, kinds } = entries;
  const known = new Set(kinds.map(({ flags, hwcaps }, at) => (hwcaps === undefined ? `${flags} ${keys[at]}` : "")));
  for (const key of new Set(unmadeLinks.map((path) => path.slice(path.lastIndexOf("/") + 1)))) {
    for (const folder of folders) {
      const path = `${folder}/${key}`;
      const file = libraries.at(path, "/", 0);
      if (typeof file === "number") continue;
      const value = lasting(path);
      if (file.skip === undefined && value !== path && !known.has(`${file.flags} ${key}`)) {
        const { flags, osVersion } = file;
        entries.add(key, value, { flags, osVersion, hwcapLow: 0, hwcapHigh: 0, hwcaps: undefined, isa: 0 });
      }
      break;
    }
  }
}
