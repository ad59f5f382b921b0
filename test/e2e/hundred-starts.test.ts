import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeBundle } from "../support/bundle.ts";
import { program } from "../support/debian-root.ts";
import { executablePath } from "../support/executable.ts";
import { loaded, probeCommand } from "../support/probe.ts";
import { runc } from "../support/runtimes.ts";
import { setStage, type Stage } from "../support/stage.ts";
import { compareListings, type Listing, listTree } from "../support/tree-listing.ts";

const starts = 100;

/** Every file's inode number, owner, mode, size and time of modification, and the bytes of what the hooks may write. */
const list = (directory: string): Listing =>
  listTree(directory, { identity: true, contentBelow: ["/etc", "/root/etc", "/run", "/root/run"] });

test("runc starts the same root a hundred times: from the second start on no byte and no inode changes", (context) => {
  const reason = runc.missing();
  if (reason !== undefined) context.skip(reason);
  const { root, work, edits, driver } = setStage(context);
  writeBundle(work, { root, readonly: true, args: probeCommand(), edits });
  expect(runc.run(work)).toMatchObject({ status: 0, stdout: loaded(driver.version) });
  const first = listTree(root, { identity: true });
  const before = list(root);
  for (let start = 2; start <= starts; start++) {
    expect(runc.run(work).status, `start ${start}`).toBe(0);
    expect(compareListings(before, list(root)), `start ${start}`).toEqual([]);
  }
  expect(compareListings(first, listTree(root, { identity: true }))).toEqual([]);
});

/**
 * A directory with nothing but the executable, a bundle, the root, and the places where a host's programs leave things. The
 * hooks run with this directory as their `/`, so that whatever they leave anywhere is seen.
 */
function closedHost({ root, work, driver }: Stage): string {
  const host = `${work}-host`;
  for (const name of ["etc", "run", "tmp", "var", "dev", "bundle"]) mkdirSync(join(host, name), { recursive: true });
  renameSync(root, join(host, "root"));
  writeBundle(join(host, "bundle"), { root: "../root", readonly: true, args: ["true"] });
  copyFileSync(executablePath, join(host, "nvidia-cdi-hook"));
  const state = { ociVersion: "1.0.2", id: "test", status: "creating", pid: 1, bundle: "/bundle" };
  writeFileSync(join(host, "state.json"), JSON.stringify(state));
  const mountPoints = driver.libraries.map(({ folder, name }) =>
    join(host, "root", driver.libraryDirectory, folder, name),
  );
  mkdirSync(join(host, "root", driver.libraryDirectory, "vdpau"), { recursive: true });
  for (const path of mountPoints) writeFileSync(path, "");
  return host;
}

/** Runs the two hooks in a mount namespace in which the driver is mounted, as a runtime does. */
function startOnClosedHost(host: string, { edits }: Stage): void {
  const lines = ["set -e", "mount --make-rprivate /"];
  for (const { hostPath, containerPath } of edits.mounts)
    lines.push(`mount --bind ${hostPath} ${host}/root${containerPath}`);
  for (const { args } of edits.hooks)
    lines.push(`env -i NVIDIA_CTK_DEBUG=false ${program("chroot")} ${host} /${args.join(" ")} <${host}/state.json`);
  const { status, stderr } = spawnSync("unshare", ["-m", "sh", "-c", lines.join("\n")], { encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
}

test("a hundred starts leave nothing on the host, and nothing in the root that the first has not left", (context) => {
  const stage = setStage(context);
  const host = closedHost(stage);
  const outside = { identity: true, without: ["/root"] };
  const untouched = listTree(host, outside);
  startOnClosedHost(host, stage);
  const first = list(host);
  for (let start = 2; start <= starts; start++) {
    startOnClosedHost(host, stage);
    expect(compareListings(first, list(host)), `start ${start}`).toEqual([]);
  }
  expect(compareListings(untouched, listTree(host, outside))).toEqual([]);
});
