/** Notes behind a cache that somebody could mount into a container: nothing is written, and nothing mounted, by them. */
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test, type TestContext } from "vitest";
import { program } from "../support/debian-root.ts";
import { driverFolder, HostileRoot } from "../support/hostile-root.ts";

const mark = "\ncdi-hook: not in the root, as it is read-only: ";

let root: HostileRoot;
let volume: string;

beforeEach((context: TestContext) => {
  if (process.getuid?.() !== 0) context.skip("needs root");
  if (program("unshare") === undefined) context.skip("needs unshare");
  root = new HostileRoot();
  volume = join(root.top, "volume");
  mkdirSync(volume);
  root.folder("volume").file("etc/ld.so.cache");
});

test.each([
  ["a path", [["file", "/volume/planted/file", 0o644, "x"]]],
  ["dots behind ldconfig's folder", [["file", "/etc/ld.so.conf.d/../../volume/planted/file", 0o644, "x"]]],
  [
    "a link in ldconfig's folder",
    [
      ["link", "/etc/ld.so.conf.d/way", "/volume"],
      ["file", "/etc/ld.so.conf.d/way/planted", 0o644, "x"],
    ],
  ],
])("a file in a volume that can be written, by %s", (_name, notes) => {
  root.file("tmp/planned", `cache${mark}${JSON.stringify(notes)}\n`);
  const mounts =
    'mount --bind "$ROOT" "$ROOT"; mount -o remount,bind,ro "$ROOT"; mount --bind "$TOP/volume" "$ROOT/volume"; ' +
    'mount --bind "$ROOT/tmp/planned" "$ROOT/etc/ld.so.cache"';
  const result = root.createSymlinks([`libcuda.so.580.1::${driverFolder}/libcuda.so`], {
    mounts,
    flags: ["--debug"],
  });
  expect(result.status).toBe(0);
  expect(result.stderr).toContain("/etc/ld.so.cache: ");
  expect(result.stderr).not.toContain("planted: ");
  expect(readdirSync(volume)).toEqual([]);
});
