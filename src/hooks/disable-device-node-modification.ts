import { fromText } from "../bytes/text.ts";
import { HookError } from "../errors.ts";
import { hostHas, readHostFile } from "../host/file.ts";
import type { Log } from "../logger.ts";
import { part } from "../part.ts";
import type * as Mount from "../rootfs/mount.ts";
import { containerSpec, type Hook } from "./hook.ts";

const mount = part<typeof Mount>("mount");

const paramsPath = "/proc/driver/nvidia/params";
/** Bytes; the driver's file has about one kB. */
const largestParams = 64 * 1024;

/**
 * Keeps the driver's libraries in the container from making device nodes: they do when `/proc/driver/nvidia/params` says
 * `ModifyDeviceFiles: 1`. A copy of the host's file that says 0 is mounted over the container's. That needs the
 * container's mounts, so it is for createContainer. No program of the container needs it to load its driver: what fails
 * is a warning.
 */
export const disableDeviceNodeModification: Hook = {
  name: "disable-device-node-modification",
  summary: "Keep the driver's libraries in the container from making device nodes.",
  flags: [containerSpec],
  example: "disable-device-node-modification",
  run({ log, root }) {
    const params = orWarning(paramsToCover, log);
    if (params === undefined) {
      log.debug(`${paramsPath} of the host: nothing to do`);
      return;
    }
    const container = root();
    orWarning(() => mount().coverProcFile(container, ["driver", "nvidia"], "params", fromText(params)), log);
  },
};

function orWarning<T>(work: () => T, log: Log): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof HookError)) throw error;
    log.warn(`disable-device-node-modification: device nodes may be made in the container: ${error.message}`);
    return undefined;
  }
}

/** What the container is to see; undefined when the host has no driver, or the driver makes no device nodes. */
function paramsToCover(): string | undefined {
  if (!hostHas(paramsPath)) return undefined;
  return withoutModification(readHostFile(paramsPath, "kernel", largestParams));
}

/** The driver's params with `ModifyDeviceFiles: 0`; undefined when they say that already, or nothing of it. */
export function withoutModification(params: string): string | undefined {
  const lines = params.split("\n");
  const at = lines.findIndex((line) => line.startsWith("ModifyDeviceFiles: "));
  if (at < 0 || lines[at] === "ModifyDeviceFiles: 0") return undefined;
  lines[at] = "ModifyDeviceFiles: 0";
  return lines.join("\n");
}
