/**
 * CVE-2024-0134, CVE-2026-24260: a folder or a name is exchanged for a link out of the root while `create-symlinks` runs,
 * thousands of times. CDI_HOOK_RACE_SECONDS shortens it.
 */
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { beforeEach, expect, test, type TestContext } from "vitest";
import { watchTree } from "../support/canary.ts";
import { HostileRoot } from "../support/hostile-root.ts";
import { type Race, type RaceResult, runRace } from "../support/race.ts";

let root: HostileRoot;

beforeEach((context: TestContext) => {
  if (spawnSync("gcc", ["--version"]).status !== 0) context.skip("needs gcc");
  root = new HostileRoot();
  // What the links lead to when they are followed inside of the root.
  root.folder(root.outside).folder(`${root.outside}/b`);
});

/** Runs a race and sees to it that nothing outside of the root was touched. */
function race(facts: Omit<Race, "shares">): RaceResult {
  const changes = watchTree(root.outside);
  const result = runRace(root, { ...facts, shares: 3 });
  expect(changes()).toEqual([]);
  expect(result.broken).toBe(0);
  expect(result.exchanges).toBeGreaterThan(result.runs);
  root.expectNoLitter();
  return result;
}

test("the folder of the link is exchanged for a link to a folder of the host", () => {
  root.folder("opt/way").link("opt/other", root.outside);
  const { runs, failed, hits } = race({
    exchanged: [["opt/way", "opt/other"]],
    made: "evil",
    places: [root.at("opt/way"), root.at(root.outside), root.outside],
    args: ["create-symlinks", "--link", "x::/opt/way/evil"],
  });
  const [inFolder = 0, behindLink = 0, outside] = hits;
  expect([inFolder > 0, behindLink > 0, outside], "both states were met").toEqual([true, true, 0]);
  expect(inFolder + behindLink + failed).toBe(runs);
});

test("a folder above, and the folder itself, are exchanged", () => {
  const empty = join(root.outside, "empty");
  root.folder("opt/a/b").folder(empty).link("opt/other", root.climbing(root.outside)).link("opt/a/c", empty);
  const { hits } = race({
    exchanged: [
      ["opt/a", "opt/other"],
      ["opt/a/b", "opt/a/c"],
    ],
    made: "evil",
    places: [root.at("opt/a/b"), root.at(`${root.outside}/b`), root.at(empty), root.outside, empty],
    args: ["create-symlinks", "--link", "x::/opt/a/b/evil"],
  });
  const [inFolder = 0, behindFirst = 0, behindSecond = 0, ...outside] = hits;
  expect([inFolder > 0, behindFirst > 0, behindSecond > 0], "all states were met").toEqual([true, true, true]);
  expect(outside).toEqual([0, 0]);
});

test("the link's own name is exchanged between a folder and a link to a file of the host", () => {
  root.folder("opt/way/place").link("opt/way/other", join(root.outside, "secret"));
  const { runs, failed } = race({
    exchanged: [["opt/way/place", "opt/way/other"]],
    made: "nothing",
    places: [root.at("opt/way")],
    args: ["create-symlinks", "--link", "x::/opt/way/place"],
  });
  expect(failed, "the folder was met").toBeGreaterThan(0);
  expect(failed, "and so was the link").toBeLessThan(runs);
});

test("the canary is alive: a tool that looks first and acts later reaches the host", () => {
  root.folder("opt/way").link("opt/other", root.outside);
  const { hits } = runRace(root, {
    exchanged: [["opt/way", "opt/other"]],
    made: "evil",
    places: [root.at("opt/way"), root.outside],
    args: ["naive", root.at("opt/way/evil")],
    shares: 1,
  });
  expect(hits[0]).toBeGreaterThan(0);
  expect(hits[1]).toBeGreaterThan(0);
});
