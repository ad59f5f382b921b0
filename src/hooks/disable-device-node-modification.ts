import { coverDriverParams } from "./driver-params.ts";
import { containerSpec, type Hook } from "./hook.ts";

/**
 * Keeps the driver's libraries in the container from making device nodes: they do when `/proc/driver/nvidia/params` says
 * `ModifyDeviceFiles: 1`. A copy of the host's file that says 0 is mounted over the container's. That needs the
 * container's mounts, so it is for createContainer.
 */
export const disableDeviceNodeModification: Hook = {
  name: "disable-device-node-modification",
  summary: "Keep the driver's libraries in the container from making device nodes.",
  flags: [containerSpec],
  example: "disable-device-node-modification",
  run(call) {
    coverDriverParams(call);
  },
};
