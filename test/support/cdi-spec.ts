import { containerPathOf, type Driver, hostPathOf } from "./driver.ts";

/** CDI specification, "containerEdits": only the members that a driver's spec uses. */
export interface ContainerEdits {
  env: string[];
  hooks: { hookName: "createContainer"; path: string; args: string[]; env: string[] }[];
  mounts: { hostPath: string; containerPath: string; options: string[] }[];
}

export interface CdiSpec {
  cdiVersion: string;
  kind: string;
  devices: { name: string; containerEdits: { env: string[] } }[];
  containerEdits: ContainerEdits;
}

/** How a spec calls its hooks: by toolkit 1.16 and later, or by older ones. */
export type HookName = "nvidia-cdi-hook" | "nvidia-ctk";

/**
 * What `nvidia-ctk cdi generate` writes for the driver's libraries: each bind-mounted by its full name, and the two hooks that
 * make them loadable.
 *
 * @param hookPath host path of the hook program
 * @param name the program's `args[0]`, which must also be the last part of `hookPath`
 */
export function driverEdits(driver: Driver, hookPath: string, name: HookName = "nvidia-cdi-hook"): ContainerEdits {
  const folders = new Set(driver.libraries.map(({ folder }) => folder));
  const hook = (...args: string[]): ContainerEdits["hooks"][number] => ({
    hookName: "createContainer",
    path: hookPath,
    args: name === "nvidia-ctk" ? [name, "hook", ...args] : [name, ...args],
    env: ["NVIDIA_CTK_DEBUG=false"],
  });
  return {
    env: ["NVIDIA_VISIBLE_DEVICES=void"],
    hooks: [
      hook("create-symlinks", "--link", `libcuda.so.1::${driver.libraryDirectory}/libcuda.so`),
      hook(
        "update-ldcache",
        ...[...folders].flatMap((folder) => [
          "--folder",
          folder === "" ? driver.libraryDirectory : `${driver.libraryDirectory}/${folder}`,
        ]),
      ),
    ],
    mounts: driver.libraries.map((library) => ({
      hostPath: hostPathOf(driver, library),
      containerPath: containerPathOf(driver, library),
      options: ["ro", "nosuid", "nodev", "rbind", "rprivate"],
    })),
  };
}

/** A whole CDI spec with one device, `all`; version 0.5.0, which podman 4 reads. */
export function cdiSpec(kind: string, edits: ContainerEdits): CdiSpec {
  return {
    cdiVersion: "0.5.0",
    kind,
    devices: [{ name: "all", containerEdits: { env: ["CDI_DEVICE=all"] } }],
    containerEdits: edits,
  };
}
