import { updateProfile } from "./application-profile.ts";
import { containerSpec, type Hook } from "./hook.ts";

/** Tells the driver's EGL and Vulkan which GPUs the container has: they would look for all of the host's. */
export const updateApplicationProfile: Hook = {
  name: "update-application-profile",
  summary: "Name the container's GPUs in an application profile of the driver.",
  flags: [containerSpec],
  example: "update-application-profile",
  run(call) {
    updateProfile(call);
  },
};
