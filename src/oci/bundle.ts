import { HookError } from "../errors.ts";
import { readHostFile } from "../host/file.ts";
import { isObject, parseJsonObject, type JsonObject } from "./json.ts";
import type { State } from "./state.ts";

/** Bytes; a configuration has tens of kB. */
const largestConfig = 8 * 1024 * 1024;

/**
 * The host path of the container's root filesystem: `root` of the state when there is one, else `root.path` of the
 * bundle's config.json; a relative one starts at the bundle. Throws HookError: `state` when the answer is not to be
 * found, `root` when it is no root that a hook may touch.
 *
 * A relative bundle is refused: it would start at the working directory, which can be the image's own.
 */
export function rootPathOf(state: State): string {
  const path = state.root ?? rootPathOfBundle(state.bundle);
  if (path === "") throw new HookError("root", "find the root filesystem", "", "its path is empty");
  refuseNul(path);
  const absolute = path.startsWith("/") ? path : `${bundlePath(state.bundle)}/${path}`;
  if (isHostRoot(absolute)) throw new HookError("refused", "use as root filesystem", path, "it is the host's own");
  return absolute;
}

function bundlePath(bundle: string | undefined): string {
  if (bundle === undefined || bundle === "") {
    throw new HookError("state", "find the bundle", "", "the state has neither a bundle nor an absolute root");
  }
  if (!bundle.startsWith("/")) throw new HookError("state", "find the bundle", bundle, "not an absolute path");
  refuseNul(bundle);
  return bundle;
}

/** The bundle's config.json, and its path. Throws HookError `state`, or `limit` above 8 MiB. */
export function configOf(bundle: string | undefined): { config: JsonObject; path: string } {
  const path = `${bundlePath(bundle)}/config.json`;
  return { config: parseJsonObject(readHostFile(path, "state", largestConfig), path), path };
}

function rootPathOfBundle(bundle: string | undefined): string {
  const { config, path } = configOf(bundle);
  const { root } = config.members;
  if (!isObject(root)) throw new HookError("state", "parse", path, "it has no root");
  if (typeof root["path"] !== "string") throw new HookError("state", "parse", path, "root.path is not a string");
  return config.bytes(root["path"]);
}

function refuseNul(path: string): void {
  if (path.includes("\0")) throw new HookError("state", "find the root filesystem", path, "the path contains NUL");
}

/** Whether an absolute path is `/` by its spelling: `//`, `/.`, `/..`, `/a/..`. */
export function isHostRoot(path: string): boolean {
  let depth = 0;
  for (const name of path.split("/")) {
    if (name === "..") depth = Math.max(0, depth - 1);
    else if (name !== "" && name !== ".") depth += 1;
  }
  return depth === 0;
}
