import { fromText } from "../bytes/text.ts";
import { hostHas, readHostFile } from "../host/file.ts";
import { coverProcFile } from "../rootfs/mount.ts";
import type { HookCall } from "./hook.ts";

const path = "/proc/driver/nvidia/params";
/** Bytes; the driver's file has about one kB. */
const largestParams = 64 * 1024;

/**
 * What disable-device-node-modification does. Nothing is read from stdin when the host has no driver, or its driver makes
 * no device nodes. Throws HookError `kernel`, and those of `root`.
 */
export function coverDriverParams({ log, root }: HookCall): void {
  const params = hostHas(path) ? withoutModification(readHostFile(path, "kernel", largestParams)) : undefined;
  if (params === undefined) log.debug(`${path} of the host: nothing to do`);
  else coverProcFile(root(), ["driver", "nvidia"], "params", fromText(params));
}

/** The driver's params with `ModifyDeviceFiles: 0`; undefined when they say that already, or nothing of it. */
export function withoutModification(params: string): string | undefined {
  const lines = params.split("\n");
  const at = lines.findIndex((line) => line.startsWith("ModifyDeviceFiles: "));
  if (at < 0 || lines[at] === "ModifyDeviceFiles: 0") return undefined;
  lines[at] = "ModifyDeviceFiles: 0";
  return lines.join("\n");
}
