import { HookError } from "../errors.ts";
import { configOf } from "./bundle.ts";
import { isObject } from "./json.ts";

/**
 * The environment of the container's process by the bundle's config.json (`process.env`): of a variable that is there
 * twice, the last value. Empty when there is no process. Throws HookError `state` or `limit`.
 */
export function environmentOf(bundle: string | undefined): Map<string, string> {
  const { config, path } = configOf(bundle);
  const { process } = config.members;
  const variables = isObject(process) ? (process["env"] ?? []) : [];
  if (!Array.isArray(variables)) throw new HookError("state", "parse", path, "process.env is not a list");
  const environment = new Map<string, string>();
  for (const variable of variables as readonly unknown[]) {
    if (typeof variable !== "string") continue;
    const text = config.bytes(variable);
    const equals = text.indexOf("=");
    if (equals > 0) environment.set(text.slice(0, equals), text.slice(equals + 1));
  }
  return environment;
}
