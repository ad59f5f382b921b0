import { createSymlinks } from "./create-symlinks.ts";
import { disableDeviceNodeModification } from "./disable-device-node-modification.ts";
import type { Hook } from "./hook.ts";
import { noop } from "./noop.ts";
import { updateLdcache } from "./update-ldcache.ts";

/** Every hook, in the order in which help lists them. */
export const hooks: readonly Hook[] = [createSymlinks, updateLdcache, disableDeviceNodeModification, noop];

/** The hook of that name. */
export function findHook(name: string): Hook | undefined {
  return hooks.find((hook) => hook.name === name);
}
