import { join } from "node:path";
import fsExtra from "fs-extra";
import type { ContainerEdits } from "./cdi-spec.ts";

export interface BundleOptions {
  /** Host path of the root filesystem; relative to the bundle, or absolute. */
  root: string;
  /** `root.readonly`; runtimes apply it after the hooks. */
  readonly: boolean;
  /** The container's program. */
  args: readonly string[];
  /** What a CDI-aware engine would put into the bundle. */
  edits?: ContainerEdits;
  /** When the hooks run; at createContainer unless given. */
  stage?: Stage;
  /** Minor numbers of the driver's devices `/dev/nvidia<N>`, which the runtime makes. */
  gpus?: readonly number[];
}

/** A stage of runtime-spec's lifecycle at which hooks run as root on the host. */
export type Stage = "prestart" | "createRuntime" | "createContainer";

type Mount = { destination: string; type: string; source: string; options: string[] };

const systemMounts: Mount[] = [
  { destination: "/proc", type: "proc", source: "proc", options: [] },
  {
    destination: "/dev",
    type: "tmpfs",
    source: "tmpfs",
    options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
  },
];

/** Writes an OCI bundle: `config.json` of runtime-spec 1.0.2 in `directory`, which is made when it does not exist. */
export function writeBundle(directory: string, options: BundleOptions): void {
  const { edits } = options;
  const hooks = edits?.hooks.map(({ path, args, env }) => ({ path, args, env }));
  const config = {
    ociVersion: "1.0.2",
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: options.args,
      env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", ...(edits?.env ?? [])],
      cwd: "/",
    },
    root: { path: options.root, readonly: options.readonly },
    hostname: "container",
    mounts: [
      ...systemMounts,
      ...(edits?.mounts ?? []).map(({ hostPath, containerPath, options: flags }) => ({
        destination: containerPath,
        type: "bind",
        source: hostPath,
        options: flags,
      })),
    ],
    ...(hooks === undefined ? {} : { hooks: { [options.stage ?? "createContainer"]: hooks } }),
    linux: {
      namespaces: ["pid", "mount", "ipc", "uts", "network"].map((type) => ({ type })),
      devices: (options.gpus ?? []).map((minor) => ({ path: `/dev/nvidia${minor}`, type: "c", major: 195, minor })),
    },
  };
  fsExtra.outputJsonSync(join(directory, "config.json"), config, { spaces: 2 });
}
