import { describe, expect, test } from "vitest";
import { scratchDescriptor } from "../../test/support/kernel-scratch.ts";
import { O_CREAT, O_RDWR } from "./constants.ts";
import { close, openat } from "./files.ts";
import { getpid, getrandom, occupyStandardDescriptors, processExists } from "./process.ts";

test("this process exists, and one beyond the largest id does not", () => {
  expect(getpid()).toBeGreaterThan(0);
  expect(processExists(getpid())).toBe(true);
  expect(processExists(1)).toBe(true);
  expect(processExists(0x7fff_fffe)).toBe(false);
});

test("random bytes fill the view, and differ", () => {
  const around = new Uint8Array(64);
  expect(getrandom(around.subarray(16, 48))).toBe(0);
  expect(around.subarray(16, 48).some((byte) => byte !== 0)).toBe(true);
  expect([...around.subarray(0, 16), ...around.subarray(48)].every((byte) => byte === 0)).toBe(true);
  const others = new Uint8Array(32);
  getrandom(others);
  expect([...others].join() === [...around.subarray(16, 48)].join()).toBe(false);
  expect(getrandom(new Uint8Array(0))).toBe(0);
});

describe("standard descriptors", () => {
  test("that are open stay what they are: the next one is still above them", () => {
    occupyStandardDescriptors();
    const directory = scratchDescriptor();
    const fd = openat(directory, "a", O_CREAT | O_RDWR, 0o600);
    expect(fd).toBeGreaterThan(2);
    close(fd);
  });
});
