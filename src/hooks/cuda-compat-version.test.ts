import { expect, test } from "vitest";
import { compareVersions, parseVersion } from "./cuda-compat-version.ts";

function order(a: string, b: string): number {
  const [left, right] = [parseVersion(a), parseVersion(b)];
  if (left === undefined || right === undefined) throw new Error(`${a} or ${b} is no version`);
  return Math.sign(compareVersions(left, right));
}

test("numbers may have leading zeros, be few, and follow a v", () => {
  expect(parseVersion("550.54.08")).toEqual({ major: "550", minor: "54", patch: "8", prerelease: [] });
  expect(parseVersion("v13.1")).toEqual({ major: "13", minor: "1", patch: "0", prerelease: [] });
  expect(parseVersion("580")).toEqual({ major: "580", minor: "0", patch: "0", prerelease: [] });
  expect(parseVersion("1.2.3-rc.1+build.5")?.prerelease).toEqual(["rc", "1"]);
});

test.each([
  "",
  " 550.1",
  "550.1 ",
  "550.1.2.3",
  "550.",
  ".1",
  "a.b",
  "1.2.3-",
  "1.2.3-a..b",
  "550,1",
  "-1",
  "9".repeat(21),
])("%j is no version", (text) => {
  expect(parseVersion(text)).toBeUndefined();
});

test("the example of Semantic Versioning 2.0, section 11, is in its order", () => {
  const sorted = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11"];
  sorted.push("1.0.0-rc.1", "1.0.0", "1.0.1", "1.10.0", "2.0.0", "10.0.0", "99999999999999999999.0.0");
  for (const [index, version] of sorted.entries()) {
    for (const [other, later] of sorted.entries()) expect(order(version, later)).toBe(Math.sign(index - other));
  }
});

test("zeros in front, missing numbers and build metadata make no difference", () => {
  expect(order("575.57.08", "575.57.8")).toBe(0);
  expect(order("575.57", "575.57.0+x")).toBe(0);
  expect(order("1.0.0-01", "1.0.0-1")).toBe(0);
});
