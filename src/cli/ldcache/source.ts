/** Where the commands of `ldcache` read a cache: a file that a person names, or a root's. */
import { fromText } from "../../bytes/text.ts";
import { FormatError, HookError } from "../../errors.ts";
import { readHostFile, withHostFile } from "../../host/file.ts";
import { ENOENT, describeErrno } from "../../kernel/errno.ts";
import { descriptionRulesOf, type DescriptionRules } from "../../ldcache/describe.ts";
import { readCache, type Cache } from "../../ldcache/read.ts";
import { detectProfile } from "../../ldconfig/detect.ts";
import { CACHE_PATH } from "../../ldconfig/update.ts";
import type { Logger } from "../../logger.ts";
import type { Root } from "../../rootfs/root.ts";
import { openRootArgument } from "../root-argument.ts";

/** A larger cache is not read: that would be 250,000 libraries with long names. */
const CACHE_LIMIT = 64 << 20;

export interface CacheSource {
  /** As a person would name it; inside the root, when there is one. */
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly cache: Cache;
  readonly rules: DescriptionRules;
}

/** Reads a cache file of the host. Throws HookError: `kernel`, `limit`, or `format` with the path and the byte offset. */
export function cacheOfFile(path: string): CacheSource {
  return parsed(path, fromText(readHostFile(path, "kernel", CACHE_LIMIT)));
}

/** Reads the cache `path` of a root, called `label` in messages. Throws as `cacheOfFile` does. */
export function cacheOfRoot(root: Root, log: Logger, path: string = CACHE_PATH, label = path): CacheSource {
  const source = presentCache(root, path, label);
  if (source === undefined) {
    throw new HookError("kernel", "read", label, describeErrno(ENOENT), { errno: ENOENT });
  }
  const { libc, profile } = detectProfile(root, log);
  return libc === "glibc" ? { ...source, rules: profile.features } : source;
}

/**
 * The cache `path` of a root, called `label` in messages; undefined where there is no such file. Throws as `cacheOfFile`
 * does.
 */
export function presentCache(root: Root, path: string, label = path): CacheSource | undefined {
  const bytes = root.read(path, CACHE_LIMIT);
  if (bytes === -ENOENT) return undefined;
  if (typeof bytes === "number") throw new HookError("kernel", "read", label, describeErrno(bytes), { errno: -bytes });
  return parsed(label, bytes);
}

/** A cache file of the host, or the cache of a root or an image. Throws as `cacheOfFile`, and `root`. */
export function cacheOfArgument(argument: string, log: Logger, path = CACHE_PATH): CacheSource {
  if (isCacheFile(argument)) return cacheOfFile(argument);
  using root = openRootArgument(argument, log, true);
  return cacheOfRoot(root, log, path, `${argument}: ${path}`);
}

/** A file that begins as caches do; whatever else it may be is no matter of ours. */
function isCacheFile(path: string): boolean {
  try {
    const beginning = withHostFile(path, "kernel", (input) => input.next()).slice(0, 20);
    return beginning.startsWith("ld.so-1.7.0") || beginning === "glibc-ld.so.cache1.1";
  } catch (error) {
    if (error instanceof HookError) return false;
    throw error;
  }
}

function parsed(path: string, bytes: Uint8Array): CacheSource {
  try {
    const cache = readCache(bytes);
    return { path, bytes, cache, rules: descriptionRulesOf(cache) };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new HookError("format", "read", path, error.message, { cause: error });
  }
}
