import { expect, test } from "vitest";
import { absentPeer, forbiddenSkips, skipList, tallyLine } from "./tally.ts";

test("the last line has one form", () => {
  expect(tallyLine({ passed: 3, failed: 0, skipped: 1 })).toBe("3 passed, 0 failed, 1 skipped");
});

test("only an absent peer excuses a skip", () => {
  const excused = { test: "a", reason: `${absentPeer}runsc of 2026` };
  const needsRoot = { test: "b", reason: "needs root" };
  const silent = { test: "c", reason: undefined };
  expect(forbiddenSkips([excused, needsRoot, silent])).toEqual([needsRoot, silent]);
});

test("skips are listed under their reasons", () => {
  const list = skipList("Skipped:", [
    { test: "a", reason: "needs root" },
    { test: "b", reason: undefined },
    { test: "c", reason: "needs root" },
  ]);
  expect(list).toBe("Skipped:\n  needs root\n    a\n    c\n  no reason given\n    b\n");
  expect(skipList("Skipped:", [])).toBe("");
});
