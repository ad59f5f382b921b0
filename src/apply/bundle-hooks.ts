import { HookError } from "../errors.ts";
import { configOf } from "../oci/bundle.ts";
import { isObject, type JsonObject } from "../oci/json.ts";
import type { HookEntry } from "./entry.ts";

/** The hooks of a bundle's config.json (runtime-spec, config.md "POSIX-platform Hooks"). Throws HookError `state`, `limit`. */
export function hooksOfBundle(bundle: string): readonly HookEntry[] {
  const { config, path } = configOf(bundle);
  return hooksOf(config, path);
}

/** The same of a config.json that has been read; of each stage they are in the order of the file. Throws HookError `state`. */
export function hooksOf(config: JsonObject, path: string): readonly HookEntry[] {
  const { hooks } = config.members;
  if (hooks === undefined || hooks === null) return [];
  if (!isObject(hooks)) throw new HookError("state", "parse", path, "hooks is not an object");
  return Object.entries(hooks).flatMap(([stage, list]) => {
    if (list === null) return [];
    if (!Array.isArray(list)) throw new HookError("state", "parse", path, `hooks.${stage} is not a list`);
    return list.map((entry: unknown, at) => entryOf(entry, stage, config, `hooks.${stage}[${at}]`, path));
  });
}

function entryOf(entry: unknown, stage: string, config: JsonObject, place: string, path: string): HookEntry {
  if (!isObject(entry) || typeof entry["path"] !== "string") {
    throw new HookError("state", "parse", path, `${place} has no path`);
  }
  const texts = (name: string): readonly string[] => {
    const list: unknown = entry[name] ?? [];
    if (!Array.isArray(list)) throw new HookError("state", "parse", path, `${place}.${name} is not a list`);
    return list.filter((text): text is string => typeof text === "string").map((text) => config.bytes(text));
  };
  return { stage, path: config.bytes(entry["path"]), args: texts("args"), env: texts("env") };
}
