import { HookError } from "../errors.ts";
import { environmentOf } from "../oci/environment.ts";
import { containerSpec, type Hook } from "./hook.ts";

/** Both have to be set for the hook to have work. */
const request = "NVIDIA_GPU_MEMORY_REQUEST";
const limit = "NVIDIA_GPU_MEMORY_LIMIT";

/**
 * Limits how much of a GPU's memory the container may use: by the driver's management library (NVML), which is loaded into
 * the process that asks. That is not for a program without a dynamic linker, so a container that wants it is told that it
 * runs without; one that does not is left in peace.
 */
export const applyCudaMemoryLimits: Hook = {
  name: "apply-cuda-memory-limits",
  summary: "Warn when the container asks for limits of GPU memory, which cdi-hook does not set.",
  flags: [
    { name: "driver-root", value: "string", placeholder: "DIR", help: "accepted and not needed" },
    { name: "gpu-id", value: "string", placeholder: "ID", help: "the GPU that the limit is for; named in the warning" },
    containerSpec,
  ],
  example: "apply-cuda-memory-limits --gpu-id 0",
  run({ flags, log, state }) {
    const { bundle } = state();
    let variables: ReadonlyMap<string, string>;
    try {
      variables = environmentOf(bundle);
    } catch (error) {
      if (!(error instanceof HookError)) throw error;
      log.warn(`apply-cuda-memory-limits: whether the container asks for limits is not known: ${error.message}`);
      return;
    }
    const [wanted, most] = [variables.get(request), variables.get(limit)];
    if (!wanted || !most) {
      log.debug(`${request} and ${limit} are not both set in the container: nothing to do`);
      return;
    }
    const gpu = flags.text("gpu-id");
    log.warn(
      `apply-cuda-memory-limits: GPU MEMORY IS NOT LIMITED${gpu === "" ? "" : ` on GPU ${gpu}`}: the container asks for ` +
        `${request}=${wanted} and ${limit}=${most}, which cdi-hook does not set; ` +
        "only NVIDIA's own nvidia-cdi-hook can, name its path in the CDI spec for this hook",
    );
  },
};
