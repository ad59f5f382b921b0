import { containerSpec, type Hook } from "./hook.ts";
import { updateLinker } from "./linker.ts";

/**
 * Makes the container's dynamic linker find the libraries in the given folders: names the folders in its configuration,
 * makes the soname links, and writes `/etc/ld.so.cache` as the image's own ldconfig would. For musl, which has no cache,
 * the folders go into its path file.
 */
export const updateLdcache: Hook = {
  name: "update-ldcache",
  summary: "Update the dynamic linker's cache of the container.",
  flags: [
    {
      name: "folder",
      value: "list",
      commas: "always",
      placeholder: "DIR",
      help: "a folder of the container whose libraries have to be found; its libraries get their soname links",
    },
    {
      name: "ldconfig-path",
      value: "string",
      placeholder: "PATH",
      default: "/sbin/ldconfig",
      help: "accepted and not needed: no ldconfig is run",
    },
    containerSpec,
  ],
  example: "update-ldcache --folder /usr/lib/x86_64-linux-gnu",
  run(call) {
    updateLinker(call, [call.flags]);
  },
  runTogether(call, all) {
    updateLinker(call, all);
  },
};
