import { HookError } from "../errors.ts";
import type { Log } from "../logger.ts";
import type { RuntimeMounts } from "../rootfs/overlay.ts";
import { configOf } from "./bundle.ts";
import { isObject, type JsonObject } from "./json.ts";

/** Mounts and devices that are looked at; a container has some dozens. */
const mostMounts = 16_384;

/**
 * What the runtime is going to mount, and the devices that it is going to make, by the bundle's config.json (runtime-spec,
 * config.md "Mounts", config-linux.md "Devices"): of a bind mount, the source as an absolute host path; of whatever else,
 * an empty folder, as nobody can know what a new procfs or tmpfs will hold. Throws HookError `state` or `limit`.
 */
export function mountsOf(bundle: string | undefined, log: Log): RuntimeMounts {
  const { config, path } = configOf(bundle);
  return mountsOfConfig(config, path, bundle ?? "", log);
}

/** The same of the config.json of `bundle` that has been read. */
export function mountsOfConfig(config: JsonObject, path: string, bundle: string, log: Log): RuntimeMounts {
  const entries = listOf(config.members["mounts"], path, "mounts");
  if (entries.length > mostMounts)
    log.warn(`${path}: of ${entries.length} mounts the first ${mostMounts} are looked at`);
  const mounts: RuntimeMounts["mounts"][number][] = [];
  for (const [at, entry] of entries.slice(0, mostMounts).entries()) {
    const mount = isObject(entry) ? mountOf(entry, config, bundle) : undefined;
    if (mount === undefined) log.warn(`${path}: mounts[${at}] is ignored: it has no destination`);
    else if (mount !== "keeps") mounts.push(mount);
  }
  const { linux } = config.members;
  const devices = listOf(isObject(linux) ? linux["devices"] : undefined, path, "linux.devices").slice(0, mostMounts);
  return { mounts, devices: devices.flatMap((device) => (isObject(device) ? deviceOf(device, config) : [])) };
}

function listOf(value: unknown, path: string, name: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new HookError("state", "parse", path, `${name} is not a list`);
  return value;
}

/** `keeps` for a tmpfs that begins with what is below it (tmpcopyup, of runc and crun). */
function mountOf(
  entry: Readonly<Record<string, unknown>>,
  config: JsonObject,
  bundle: string,
): RuntimeMounts["mounts"][number] | "keeps" | undefined {
  const { destination, source, type } = entry;
  if (typeof destination !== "string" || destination === "" || destination.includes("\0")) return undefined;
  const options: readonly unknown[] = Array.isArray(entry["options"]) ? entry["options"] : [];
  const isBind = type === "bind" || options.includes("bind") || options.includes("rbind");
  if (!isBind && options.includes("tmpcopyup")) return "keeps";
  const named =
    isBind && typeof source === "string" && source !== "" && !source.includes("\0") ? config.bytes(source) : undefined;
  return {
    destination: config.bytes(destination),
    source: named === undefined || named.startsWith("/") ? named : `${bundle}/${named}`,
  };
}

function deviceOf(device: Readonly<Record<string, unknown>>, config: JsonObject): RuntimeMounts["devices"][number][] {
  const { path, type, major, minor, fileMode } = device;
  if (typeof path !== "string" || path.includes("\0") || (type !== "c" && type !== "u")) return [];
  if (!Number.isInteger(major) || !Number.isInteger(minor)) return [];
  const mode = Number.isInteger(fileMode) ? Number(fileMode) & 0o777 : 0o666;
  return [{ path: config.bytes(path), mode, major: Number(major), minor: Number(minor) }];
}
