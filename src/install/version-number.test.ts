import { expect, test } from "vitest";
import { isAtLeast, versionNumbers } from "./version-number.ts";

test.each([
  ["runc version 1.1.5+ds1\nspec: 1.0.2-dev", [1, 1, 5]],
  ["containerd github.com/containerd/containerd v1.7.2 0cae528dd6cb", [1, 7, 2]],
  ["NVIDIA Container Toolkit CLI version 1.17.8\ncommit: f202b80", [1, 17, 8]],
  ["cli-version: 1.14.3\nlib-version: 1.14.3", [1, 14, 3]],
  ["Docker version 28.2.2, build e6534b4", [28, 2, 2]],
  ["6.16.2-generic", [6, 16, 2]],
  ["5.4", [5, 4]],
  ["k3s version v1.28.2+k3s1 (6330a5b4)", [1, 28, 2]],
  ["version 17", undefined],
  ["abc1.2.3", undefined],
  ["", undefined],
])("the version in %j", (text, numbers) => {
  expect(versionNumbers(text)).toEqual(numbers);
});

test("numbers are compared one by one, missing ones are 0", () => {
  expect(isAtLeast([1, 10], [1, 9])).toBe(true);
  expect(isAtLeast([1, 9, 9], [1, 10])).toBe(false);
  expect(isAtLeast([2], [2, 0])).toBe(true);
  expect(isAtLeast([28, 1, 1], [28, 2])).toBe(false);
  expect(isAtLeast([], [1])).toBe(false);
});
