/** disable-device-node-modification in containers: what their programs see and can do, and what NVIDIA's hook leaves. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test, type TestContext } from "vitest";
import { writeBundle } from "../support/bundle.ts";
import type { ContainerEdits } from "../support/cdi-spec.ts";
import {
  driverHostMissing,
  driverInContainer,
  driverParams,
  type LowRuntime,
  runOnDriverHost,
} from "../support/driver-params.ts";
import { executablePath } from "../support/executable.ts";
import { peer } from "../support/peers.ts";
import { gvisor2026 } from "../support/runtimes.ts";
import { setStage } from "../support/stage.ts";
import { compareListings, type Listing, listTree } from "../support/tree-listing.ts";
import { scratchInMemory } from "../support/memory-scratch.ts";

scratchInMemory();

const hook = "disable-device-node-modification";
const place = "/proc/driver/nvidia/params";
const inContainer = `
cat ${place}
(echo overwritten >${place}) 2>/dev/null && echo "written" || echo "not written"
mount -o remount,bind,rw ${place} 2>/dev/null && echo "remounted" || echo "not remounted"
(echo overwritten >${place}) 2>/dev/null && echo "written" || echo "not written"
umount ${place} 2>/dev/null && echo "unmounted" || echo "not unmounted"
grep ModifyDeviceFiles ${place}
`;
const covered = driverParams.replace("Files: 1", "Files: 0");

interface Options {
  /** The words of the hook behind the program's name. */
  readonly words?: readonly string[];
  readonly executable?: string;
  /** Whether the container's /proc has the driver's params. */
  readonly driver?: boolean;
  readonly capable?: boolean;
}

/** Starts a container; `lines` are what it prints, `changes` what is different in its root afterwards. */
function start(context: TestContext, runtime: LowRuntime, options: Options = {}) {
  const { words = [hook], executable, driver = true, capable = false } = options;
  const reason = driverHostMissing(runtime);
  if (reason !== undefined) context.skip(reason);
  const { root, work, edits } = setStage(context, { compiled: false });
  const [first] = edits.hooks;
  const ours: ContainerEdits["hooks"][number] = {
    hookName: "createContainer",
    path: executable ?? first?.path ?? "",
    args: ["nvidia-cdi-hook", ...words],
    env: ["NVIDIA_CTK_DEBUG=false"],
  };
  const hooks = [...(driver ? [driverInContainer(root)] : []), ours];
  const args = ["sh", "-c", inContainer];
  writeBundle(work, { root, readonly: false, args, edits: { ...edits, mounts: [], hooks } });
  if (capable) makeCapable(join(work, "config.json"));
  // mount(8) in the container makes /run/mount.
  const list = (): Listing => listTree(root, { without: ["/run/mount"], contentBelow: ["/etc", "/run"] });
  const before = list();
  const { status, stdout, stderr } = runOnDriverHost(runtime, work);
  return { status, stdout, stderr, changes: compareListings(before, list()) };
}

function makeCapable(path: string): void {
  const config = JSON.parse(readFileSync(path, "utf8")) as { process: object };
  const all = ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE"];
  const capabilities = { bounding: all, effective: all, permitted: all };
  writeFileSync(path, JSON.stringify({ ...config, process: { ...config.process, capabilities } }));
}

const host = "host: ModifyDeviceFiles: 1\n";

describe.each(["runc", "crun"] as const)("%s", (runtime) => {
  test("without the hook, the container's params say 1", (context) => {
    const { stdout } = start(context, runtime, { words: ["noop"] });
    expect(stdout.startsWith(driverParams)).toBe(true);
  });

  for (const words of [[hook], ["chain", "noop", "--", hook]]) {
    test(`${words.join(" ")}: params say 0, and can be neither written, remounted nor unmounted`, (context) => {
      const { status, stdout, stderr, changes } = start(context, runtime, { words });
      const denied = "not written\nnot remounted\nnot written\nnot unmounted\nModifyDeviceFiles: 0\n";
      expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: covered + denied + host, stderr: "" });
      expect(changes, "nothing is left in the root").toEqual([]);
    });
  }

  test("CAP_SYS_ADMIN, which may unmount anything, unmounts it in the container's namespace; nothing writes it", (context) => {
    const { status, stdout } = start(context, runtime, { capable: true });
    const allowed = "not written\nremounted\nnot written\nunmounted\nModifyDeviceFiles: 1\n";
    expect({ status, stdout }).toEqual({ status: 0, stdout: covered + allowed + host });
  });

  test("no driver in the container's /proc: the container starts", (context) => {
    const { status, stdout, changes } = start(context, runtime, { driver: false });
    expect({ status, changes }).toEqual({ status: 2, changes: [] });
    expect(stdout.endsWith(host)).toBe(true);
  });

  test("NVIDIA's hook: the same text, but it can be written with CAP_SYS_ADMIN, and a folder stays in the root", (context) => {
    const executable = peer("nvidia-cdi-hook-1.20.0");
    if (executable === undefined) {
      context.skip("absent peer: nvidia-cdi-hook-1.20.0");
      return;
    }
    const { status, stdout, changes } = start(context, runtime, { executable, capable: true });
    const allowed = "written\nremounted\nwritten\nunmounted\nModifyDeviceFiles: 1\n";
    expect({ status, stdout }).toEqual({ status: 0, stdout: covered + allowed + host });
    expect(changes).toEqual([expect.stringMatching(/^\+ "\/run\/nvidia-ctk-hook[^"]+" directory/)]);
  });
});

test("gVisor skips the hook under NVIDIA's name, and a chain with it as a whole", (context) => {
  const reason = gvisor2026.missing();
  if (reason !== undefined) context.skip(reason);
  const { root, work, edits } = setStage(context, { compiled: false });
  const named = (folder: string, name: string): string => {
    const path = join(dirname(work), folder, name);
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(executablePath, path);
    return path;
  };
  const link = (text: string): string[] => ["create-symlinks", "--link", `${text}::/etc/${text}`];
  const hooks = (
    [
      [named("a", "nvidia-cdi-hook"), "chain", ...link("skipped"), "--", hook],
      [named("b", "nvidia-cdi-hook"), "chain", ...link("run")],
      [named("c", "cdi-hook"), "chain", ...link("run-too"), "--", hook],
    ] as const
  ).map(([path, ...words]) => ({ hookName: "createContainer" as const, path, args: ["hook", ...words], env: ["A=b"] }));
  const args = ["sh", "-c", "for name in skipped run run-too; do readlink /etc/$name || echo none; done"];
  writeBundle(work, { root, readonly: false, args, edits: { ...edits, mounts: [], hooks } });
  const { status, stdout } = gvisor2026.run(work);
  expect({ status, stdout }).toEqual({ status: 0, stdout: "none\nrun\nrun-too\n" });
});
