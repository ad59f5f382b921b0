import { expect, test } from "vitest";
import { profileFor } from "./application-profile.ts";

test("the profile is NVIDIA's, byte for byte", () => {
  expect(profileFor([0, 2])).toBe(
    '{"profiles":[{"name":"_container_","settings":["EGLVisibleDGPUDevices",0x5]}],' +
      '"rules":[{"pattern":[],"profile":"_container_"}]}',
  );
});

test.each([
  [[0], "0x1"],
  [[31], "0x80000000"],
  [[32], "0x100000000"],
  [[0, 32, 63], "0x8000000100000001"],
  [[63], "0x8000000000000000"],
  [[7, 7, 7], "0x80"],
  [Array.from({ length: 64 }, (_, minor) => minor), "0xffffffffffffffff"],
])("minors %j: %s", (minors, mask) => {
  expect(profileFor(minors)).toContain(`["EGLVisibleDGPUDevices",${mask}]`);
});
