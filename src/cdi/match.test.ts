import { expect, test } from "vitest";
import { isMatched } from "./match.ts";

test.each([
  [[], true],
  [["nvidia.com/gpu"], true],
  [["nvidia.com"], true],
  [["nvidia.*/g?u"], true],
  [["nvidia.com/g"], false],
  [["*"], true],
  [["amd.com", "*/gpu"], true],
  [["nvidiaXcom"], false],
  [["/etc/cdi/*.yaml"], true],
  [["/etc/*"], false],
  [["/etc/**"], true],
  [["/etc/cdi/nvidia.yam"], false],
  [["/etc/cdi/nvidia+yaml"], false],
])("%j: %s", (patterns, matched) => {
  expect(isMatched(patterns, "/etc/cdi/nvidia.yaml", "nvidia.com/gpu")).toBe(matched);
});
