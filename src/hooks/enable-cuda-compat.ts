import { enableCompat } from "./cuda-compat.ts";
import { containerSpec, type Hook } from "./hook.ts";

/**
 * Lets programs load the image's own libcuda of the CUDA forward compatibility package, where it is newer than the host's
 * driver and made to run on it: names its folder in the linker's configuration, before all others. update-ldcache, which
 * runs afterwards, brings it into the cache.
 */
export const enableCudaCompat: Hook = {
  name: "enable-cuda-compat",
  summary: "Prefer the image's CUDA compatibility libraries where they are newer than the host's driver.",
  flags: [
    {
      name: "host-driver-version",
      value: "string",
      placeholder: "VERSION",
      help: "the host's driver; compatibility libraries that are older, or not made for it, are not used",
    },
    {
      name: "host-cuda-version",
      value: "string",
      placeholder: "VERSION",
      help: "the CUDA version that the host's driver has: libraries that do not tell theirs are not used then, and it decides where the driver's version is not given",
    },
    {
      name: "cuda-compat-container-root",
      value: "string",
      placeholder: "DIR",
      default: "/usr/local/cuda/compat",
      help: "the folder of the compatibility libraries in the container",
    },
    containerSpec,
  ],
  example: "enable-cuda-compat --host-driver-version 570.133.20",
  run(call) {
    const { flags } = call;
    if (flags.text("host-driver-version") === "" && flags.text("host-cuda-version") === "") {
      call.log.debug("neither the driver's version nor its CUDA version is given: nothing to compare with");
      return;
    }
    enableCompat(call);
  },
};
