/** A stand-in for the params of NVIDIA's driver, on the host and in containers: no file can be made in procfs. */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { ContainerEdits } from "./cdi-spec.ts";
import { program } from "./debian-root.ts";
import { type ContainerRun, crun, gvisor2026, runc } from "./runtimes.ts";
import { scratchDirectory } from "./scratch.ts";

export const driverParams: string = [
  "ResmanDebugLevel: 4294967295",
  "RmLogonRC: 1",
  "ModifyDeviceFiles: 1",
  "DeviceFileUID: 0",
  'RegistryDwords: ""',
  "",
].join("\n");

/** Shell commands that make `/proc/driver/nvidia/params` below a folder that the shell names, with the text in `$PARAMS`. */
function commands(at: string): string {
  return `mount -t tmpfs none ${at}/proc/driver && mkdir ${at}/proc/driver/nvidia && printf %s "$PARAMS" >${at}/proc/driver/nvidia/params`;
}

/** A createContainer hook that gives the container what the driver would: its own params in its /proc. */
export function driverInContainer(root: string): ContainerEdits["hooks"][number] {
  return {
    hookName: "createContainer",
    path: "/bin/sh",
    args: ["sh", "-c", commands(root)],
    env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", `PARAMS=${driverParams}`],
  };
}

const runtimes = { runc, crun, "gVisor 2026": gvisor2026 } as const;

export type LowRuntime = keyof typeof runtimes;

/** Why that runtime cannot run here, or undefined when it can. */
export function driverHostMissing(runtime: LowRuntime): string | undefined {
  return runtimes[runtime].missing() ?? (program("unshare") === undefined ? "needs unshare" : undefined);
}

/**
 * Runs a bundle on a host whose driver has these params, and prints the host's params behind what the container prints. The
 * host is a mount namespace, so that what a hook mounts on it would show, and end with it.
 */
export function runOnDriverHost(runtime: LowRuntime, bundle: string): ContainerRun {
  const state = scratchDirectory();
  const id = `cdi-hook-${randomBytes(6).toString("hex")}`;
  const script = `
if mountpoint -q /sys/fs/cgroup/unified; then umount /sys/fs/cgroup/unified; fi
${commands("")} || exit 99
sort /proc/self/mountinfo >"$STATE/before"
# gVisor shuts the container's stdout down at its end where it is a socket, as a child's of Node is.
{ "$@"; echo $? >"$STATE/status"; } | cat
status=$(cat "$STATE/status")
echo "host: $(grep ModifyDeviceFiles /proc/driver/nvidia/params)"
sort /proc/self/mountinfo | comm -13 "$STATE/before" - | grep -vF " $STATE/" | sed 's/^/host: mounted /'
exit $status
`;
  const { status, stdout, stderr } = spawnSync(
    "unshare",
    [
      "--mount",
      "--pid",
      "--fork",
      "--mount-proc",
      "sh",
      "-c",
      script,
      "sh",
      ...runtimes[runtime].command(join(state, "run")),
      "run",
      "--bundle",
      bundle,
      id,
    ],
    {
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", STATE: state, PARAMS: driverParams },
      encoding: "utf8",
      timeout: 60_000,
      killSignal: "SIGKILL",
    },
  );
  return { status, stdout, stderr };
}
