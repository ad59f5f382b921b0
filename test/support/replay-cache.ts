/** The entries of an ld.so.cache, read without the product's reader; and what is wrong with them. */
import { lstatSync, readFileSync, readlinkSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

export interface ReplayCacheEntry {
  readonly key: string;
  readonly value: string;
  readonly flags: number;
}

const magic = "glibc-ld.so.cache1.1";

/** The entries of a little-endian cache of the new format (glibc, dl-cache.h), in their order. Throws for anything else. */
export function cacheEntries(bytes: Buffer): ReplayCacheEntry[] {
  if (bytes.subarray(0, magic.length).toString("latin1") !== magic) throw new Error("no cache of the new format");
  const text = (at: number): string => bytes.subarray(at, bytes.indexOf(0, at)).toString("latin1");
  return Array.from({ length: bytes.readUInt32LE(20) }, (_, index) => {
    const at = 48 + 24 * index;
    return {
      flags: bytes.readInt32LE(at),
      key: text(bytes.readUInt32LE(at + 4)),
      value: text(bytes.readUInt32LE(at + 8)),
    };
  });
}

/** Same, of a root; none when it has no cache. */
export function cacheOf(root: string): ReplayCacheEntry[] {
  const path = join(root, "etc/ld.so.cache");
  return lstatSync(path, { throwIfNoEntry: false }) === undefined ? [] : cacheEntries(readFileSync(path));
}

/**
 * Where a path of a container leads, without leaving it: the container path of what is no link, or undefined. Links of
 * these roots' folders are relative, `..` in targets is taken as text.
 */
export function finalPath(root: string, path: string): string | undefined {
  let at = "/";
  const rest = path.split("/");
  for (let links = 0; rest.length > 0;) {
    const next = resolve(at, rest.shift() ?? "");
    const facts = lstatSync(join(root, next), { throwIfNoEntry: false });
    if (facts === undefined) return undefined;
    if (!facts.isSymbolicLink()) {
      at = next;
    } else {
      if ((links += 1) > 40) return undefined;
      const target = readlinkSync(join(root, next));
      if (target.startsWith("/")) at = "/";
      rest.unshift(...target.split("/"));
    }
  }
  return at;
}

/** The folder of a path, as far as it exists in the container. */
export function folderOf(root: string, path: string): string | undefined {
  return finalPath(root, dirname(path));
}
