import { applyCudaMemoryLimits } from "./apply-cuda-memory-limits.ts";
import { chmod } from "./chmod.ts";
import { createSymlinks } from "./create-symlinks.ts";
import { disableDeviceNodeModification } from "./disable-device-node-modification.ts";
import { enableCudaCompat } from "./enable-cuda-compat.ts";
import type { Hook } from "./hook.ts";
import { noop } from "./noop.ts";
import { updateApplicationProfile } from "./update-application-profile.ts";
import { updateLdcache } from "./update-ldcache.ts";

/** Every hook, in the order in which help lists them. */
export const hooks: readonly Hook[] = [
  createSymlinks,
  enableCudaCompat,
  updateLdcache,
  disableDeviceNodeModification,
  updateApplicationProfile,
  chmod,
  applyCudaMemoryLimits,
  noop,
];

const byName: ReadonlyMap<string, Hook> = new Map(hooks.map((hook) => [hook.name, hook]));

/** The hook of that name. */
export function findHook(name: string): Hook | undefined {
  return byName.get(name);
}
