/** The DaemonSet of the chart on a node: its containers run by podman, from the image archive, on a folder. */
import { existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { writtenSpec } from "../support/debian-machine.ts";
import { runHook, stateFor } from "../support/executable.ts";
import { ImageStore } from "../support/image-store.ts";
import { Manifests, daemonSetOf } from "../support/manifests.ts";
import { packed } from "../support/packages.ts";
import { Pod } from "../support/pod.ts";
import { scratchDirectory } from "../support/scratch.ts";

const home = "/opt/cdi-hook/bin";

/** Waits until something is so, and fails when it is not after half a minute. */
async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 300 && !isSo(); turn++) await delay(100);
  expect(isSo()).toBe(true);
}

test("installs, keeps specs rewritten, says that it is ready, and takes everything away again", async (context) => {
  const missing = ImageStore.missing() ?? Manifests.missing();
  if (missing !== undefined) context.skip(missing);
  const base = scratchDirectory();
  const store = new ImageStore(join(base, "store"));
  store.run("load", "--input", join(packed(["oci"], ["--arch", "x86_64"]), "cdi-hook-0.1.0.oci.tar"));
  const manifests = new Manifests(join(base, "packed"));
  const node = join(base, "node");
  const podWith = (...set: string[]): Pod => {
    const spec = daemonSetOf(manifests.rendered(...set)).spec?.template.spec;
    if (spec === undefined) throw new Error("no pod");
    return new Pod(store, spec, node);
  };
  const spec = join(node, "etc/cdi/nvidia.yaml");
  mkdirSync(join(node, "etc/cdi"), { recursive: true });
  writeFileSync(spec, writtenSpec);
  const isOurs = (path: string): boolean => readFileSync(path, "utf8").includes(`path: ${home}/nvidia-cdi-hook\n`);

  const pod = podWith();
  expect(pod.initialise()["install"]).toContain("is installed in /opt/cdi-hook");
  for (const name of ["nvidia-cdi-hook", "nvidia-ctk"]) {
    expect(readlinkSync(join(node, home, name))).toBe("cdi-hook");
  }
  const root = join(base, "bundle/rootfs");
  mkdirSync(root, { recursive: true });
  const hook = { executable: join(node, home, "nvidia-cdi-hook"), stdin: stateFor(root) };
  expect(runHook(["create-symlinks", "--link", "a::/b"], hook)).toMatchObject({ status: 0, stderr: "" });
  expect(readlinkSync(join(root, "b"))).toBe("a");

  expect(() => pod.probe("watch")).toThrow("would be rewritten");
  const watch = pod.start("watch");
  try {
    await until(() => isOurs(spec));
    pod.probe("watch");
    // Another one appears, as NVIDIA's tools write it.
    const other = join(node, "var/run/cdi/other.yaml");
    writeFileSync(other, writtenSpec.replace("nvidia.com/gpu", "nvidia.com/other"));
    await until(() => isOurs(other));
  } finally {
    expect(await watch.stop()).toBe(0);
  }
  // A newer version comes to the same node.
  pod.initialise();

  const removal = podWith("remove=true");
  const said = removal.initialise();
  expect(said["restore"]).toContain("/etc/cdi/nvidia.yaml: restored");
  expect(readFileSync(spec, "utf8")).toBe(writtenSpec);
  expect(existsSync(join(node, "opt/cdi-hook"))).toBe(false);
  expect(readdirSync(join(node, "var/lib/cdi-hook/originals"))).toEqual([]);
  const idle = removal.start("watch");
  await delay(500);
  expect(await idle.stop()).toBe(0);
});
