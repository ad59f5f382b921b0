import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { program } from "../../test/support/debian-root.ts";
import { libraryDirectory } from "../../test/support/driver.ts";
import { peer } from "../../test/support/peers.ts";

/** The hooks of a v1.20 container, in the order of its CDI spec. */
const chain: readonly { name: string; args: readonly string[] }[] = [
  { name: "create-symlinks", args: links() },
  { name: "enable-cuda-compat", args: ["--host-driver-version=580.126.20"] },
  { name: "update-ldcache", args: ["--folder", libraryDirectory, "--folder", `${libraryDirectory}/vdpau`] },
  { name: "disable-device-node-modification", args: [] },
  { name: "update-application-profile", args: [] },
];

/** What nvidia-ctk 1.20 writes for a graphics driver. */
function links(): string[] {
  const pairs: readonly (readonly [string, string])[] = [
    ["libcuda.so.1", `${libraryDirectory}/libcuda.so`],
    ["libnvidia-opticalflow.so.1", `${libraryDirectory}/libnvidia-opticalflow.so`],
    ["libGLX_nvidia.so.580.126.20", `${libraryDirectory}/libGLX_indirect.so.0`],
    ["../libnvidia-allocator.so.1", `${libraryDirectory}/gbm/nvidia-drm_gbm.so`],
    ["vdpau/libvdpau_nvidia.so.580.126.20", `${libraryDirectory}/libvdpau_nvidia.so`],
  ];
  return pairs.flatMap(([target, link]) => ["--link", `${target}::${link}`]);
}

export interface Tool {
  key: "ours" | "ours together" | "ours applied" | "nvidia" | "ldconfig -r -X" | "chroot ldconfig";
  name: string;
  /** Steps of one start, by the name that they are measured under; each is a whole process. */
  steps: readonly { name: string; program: (root: string) => readonly string[] }[];
}

export interface Field {
  tools: readonly Tool[];
  /** The hooks of the chain that were run, by both. */
  chain: readonly string[];
  /** All of them in one process of ours: as a chain, and as the hooks of a bundle. */
  together: readonly Tool[];
  /** Why something is not measured. */
  missing: readonly string[];
}

/** What is measured here: the product, and of its peers those that this machine has. */
export function field(executable: string): Field {
  const help = spawnSync(executable, ["--help"], { encoding: "utf8" }).stdout;
  const known = chain.filter(({ name }) => help.includes(`  ${name} `));
  const nvidia = peer("nvidia-cdi-hook-1.20.0");
  const ldconfig = program("ldconfig");
  const chroot = program("chroot");
  const hook = (path: string): Tool["steps"] => [
    { name: "noop", program: () => [path, "noop"] },
    ...known.map(({ name, args }) => ({ name, program: () => [path, name, ...args] })),
    { name: "update-ldcache again", program: () => [path, "update-ldcache", ...updateArguments()] },
  ];
  const rebuild = { name: "rebuild", program: (root: string) => [executable, "ldcache", "rebuild", "--root", root] };
  const tools: Tool[] = [{ key: "ours", name: "cdi-hook", steps: [...hook(executable), rebuild] }];
  if (nvidia !== undefined) tools.push({ key: "nvidia", name: "NVIDIA 1.20.0", steps: hook(nvidia) });
  if (ldconfig !== undefined)
    tools.push({
      key: "ldconfig -r -X",
      name: "ldconfig -r ROOT -X -i",
      steps: again((root) => [ldconfig, "-r", root, "-X", "-i"]),
    });
  if (chroot !== undefined)
    tools.push({
      key: "chroot ldconfig",
      name: "chroot ROOT ldconfig -i",
      steps: again((root) => [chroot, root, "/sbin/ldconfig", "-i"]),
    });
  return {
    tools: tools.filter(({ steps }) => steps.every((step) => existsSync(step.program("/")[0] ?? ""))),
    chain: known.map(({ name }) => name),
    together: [
      {
        key: "ours together",
        name: "cdi-hook chain",
        steps: [{ name: "chain", program: () => [executable, "chain", ...inOneProcess(known)] }],
      },
      {
        key: "ours applied",
        name: "cdi-hook apply",
        steps: [{ name: "chain", program: (root) => [executable, "apply", "--bundle", dirname(root)] }],
      },
    ],
    missing: [
      ...(nvidia === undefined ? ["NVIDIA's hook: not there; CONTRIBUTING.md says where it is looked for"] : []),
      ...chain.filter((item) => !known.includes(item)).map(({ name }) => `${name}: not in ${executable} yet`),
    ],
  };
}

/** The same hooks, as they stand in a bundle's config.json. */
export const bundleHooks: readonly { path: string; args: readonly string[]; env: readonly string[] }[] = chain.map(
  ({ name, args }) => ({
    path: "/opt/cdi-hook/bin/nvidia-cdi-hook",
    args: ["nvidia-cdi-hook", name, ...args],
    env: ["NVIDIA_CTK_DEBUG=false"],
  }),
);

function inOneProcess(hooks: typeof chain): string[] {
  return hooks.flatMap(({ name, args }, index) => [...(index === 0 ? [] : ["--"]), name, ...args]);
}

/** What stands beside both runs of update-ldcache and `ldcache rebuild`. */
function again(command: (root: string) => readonly string[]): Tool["steps"] {
  return ["update-ldcache", "update-ldcache again", "rebuild"].map((name) => ({ name, program: command }));
}

/** Arguments of update-ldcache in the chain. */
function updateArguments(): readonly string[] {
  return chain.find(({ name }) => name === "update-ldcache")?.args ?? [];
}
