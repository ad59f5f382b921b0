/**
 * CVE-2025-23267: folders and files of the linker's configuration are exchanged for links out of the root while
 * `update-ldcache` runs, thousands of times. CDI_HOOK_RACE_SECONDS shortens it.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { beforeEach, expect, test, type TestContext } from "vitest";
import { watchTree } from "../support/canary.ts";
import { driverFolder, HostileRoot } from "../support/hostile-root.ts";
import { type Race, type RaceResult, runRace } from "../support/race.ts";

let root: HostileRoot;

beforeEach((context: TestContext) => {
  if (spawnSync("gcc", ["--version"]).status !== 0) context.skip("needs gcc");
  root = new HostileRoot();
  root.folder("opt/driver").library("opt/driver/libx.so.1.2", "libx.so.1");
  // What the links lead to when they are followed inside of the root.
  root.folder(root.outside);
  execFileSync("cp", ["-a", `${root.outside}/.`, root.at(root.outside)]);
  execFileSync("rm", [root.at(`${root.outside}/etc/ld.so.cache`)]);
});

const args = ["update-ldcache", "--folder", driverFolder, "--folder", "/opt/driver"];
/** Runs a race and sees to it that nothing outside of the root was touched. */
function race(facts: Omit<Race, "args" | "shares">): RaceResult {
  const changes = watchTree(root.outside);
  const result = runRace(root, { ...facts, args, shares: 5 });
  expect(changes()).toEqual([]);
  expect(result.broken).toBe(0);
  expect(result.exchanges).toBeGreaterThan(result.runs);
  root.expectNoLitter();
  return result;
}

function expectBoth({ hits: [inFolder = 0, behindLink = 0] }: RaceResult): void {
  expect([inFolder > 0, behindLink > 0], "both states were met").toEqual([true, true]);
}

test("/etc is exchanged for a link to the host's", () => {
  root.link("other", join(root.outside, "etc"));
  const places = [root.at("etc"), root.at(`${root.outside}/etc`)];
  expectBoth(race({ exchanged: [["etc", "other"]], made: "ld.so.cache", places }));
});

test("/etc/ld.so.conf.d is exchanged for a link to the host's", () => {
  root.link("etc/other", root.climbing(join(root.outside, "etc/ld.so.conf.d")));
  const places = [root.at("etc/ld.so.conf.d"), root.at(`${root.outside}/etc/ld.so.conf.d`)];
  const made = "00-nvcr-cdi-hook.conf";
  expectBoth(race({ exchanged: [["etc/ld.so.conf.d", "etc/other"]], made, places }));
});

test("a folder of libraries is exchanged for a link to one of the host", () => {
  root.link("usr/lib/other", join(root.outside, "usr/lib"));
  const places = [root.at(driverFolder), root.at(`${root.outside}/usr/lib`)];
  expectBoth(race({ exchanged: [[driverFolder, "usr/lib/other"]], made: "libcuda.so.1", places }));
});

test("the cache, the configuration and a soname link are exchanged for links to files of the host", () => {
  root.file("etc/ld.so.cache").link("etc/other", join(root.outside, "etc/ld.so.cache"));
  root.link("etc/other.conf", join(root.outside, "secret"));
  root
    .link(`.${driverFolder}/libcuda.so.1`, "libcuda.so.580.1")
    .link(`.${driverFolder}/other`, join(root.outside, "usr/lib/new"));
  const result = race({
    exchanged: [
      ["etc/ld.so.cache", "etc/other"],
      ["etc/ld.so.conf", "etc/other.conf"],
      [`.${driverFolder}/libcuda.so.1`, `.${driverFolder}/other`],
    ],
    made: "libx.so.1",
    places: [root.at("opt/driver")],
  });
  expect(result.hits[0]).toBe(result.runs - result.failed);
});

test("a library and a drop-in are exchanged for a FIFO and a device: no hook waits for them", () => {
  root.special(`.${driverFolder}/fifo`, "fifo").special("etc/ld.so.conf.d/device", "character", [1, 5]);
  const result = race({
    exchanged: [
      [`.${driverFolder}/libcuda.so.580.1`, `.${driverFolder}/fifo`],
      ["etc/ld.so.conf.d/image.conf", "etc/ld.so.conf.d/device"],
    ],
    made: "ld.so.cache",
    places: [root.at("etc")],
  });
  expect(result.failed).toBe(0);
  expect(result.hits[0]).toBe(result.runs);
});
