/** Read-only roots that are large where the hooks look for what is to be mounted. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { beforeEach, expect, test, type TestContext } from "vitest";
import { program } from "../support/debian-root.ts";
import { driverFolder, HostileRoot } from "../support/hostile-root.ts";

let root: HostileRoot;
const readOnly = 'mount --bind "$ROOT" "$ROOT"; mount -o remount,bind,ro "$ROOT"';

beforeEach((context: TestContext) => {
  if (process.getuid?.() !== 0) context.skip("needs root");
  if (program("unshare") === undefined) context.skip("needs unshare");
  root = new HostileRoot();
});

test("64 MiB of a cache, and thirty links that are looked for in it", () => {
  root.file("etc/ld.so.cache", new Uint8Array(64 << 20).fill(0x61));
  const links = Array.from({ length: 30 }, (_, at) => `libcuda.so.580.1::${driverFolder}/lib${at}.so`);
  const { status, ms } = root.createSymlinks(links, { mounts: readOnly });
  expect(status).toBe(0);
  expect(ms).toBeLessThan(3000);
});

test("folders below /etc, deeper than a hook goes, where a layer is to be laid over it: one clear line", () => {
  execFileSync("mkdir", ["-p", join(root.at("etc"), "a/".repeat(1900))]);
  const { status, errors } = root.createSymlinks([`libcuda.so.580.1::${driverFolder}/libcuda.so`], {
    mounts: readOnly,
  });
  expect(status).toBe(1);
  expect(errors).toEqual([
    "cdi-hook: error: create-symlinks: look for mounts in /etc: file name too long (ENAMETOOLONG)",
  ]);
});

test("as deep as a hook goes, the layer is laid", () => {
  execFileSync("mkdir", ["-p", join(root.at("etc"), "a/".repeat(250))]);
  expect(root.createSymlinks([`libcuda.so.580.1::${driverFolder}/libcuda.so`], { mounts: readOnly }).status).toBe(0);
});
