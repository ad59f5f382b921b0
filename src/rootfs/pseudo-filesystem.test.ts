import { existsSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { scratchDirectory } from "../../test/support/scratch.ts";
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH } from "../kernel/constants.ts";
import { close, openat } from "../kernel/files.ts";
import { refusesWrites } from "./pseudo-filesystem.ts";

function refused(path: string): boolean {
  const descriptor = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  onTestFinished(() => void close(descriptor));
  return refusesWrites(descriptor);
}

describe("refusesWrites", () => {
  test.for(["/proc", "/proc/self", "/proc/sys/kernel", "/sys", "/sys/kernel", "/dev/pts"])("%s", (path, context) => {
    if (!existsSync(path)) context.skip(`needs ${path}`);
    expect(refused(path)).toBe(true);
  });

  test("not where containers have their files", () => {
    expect(refused(scratchDirectory())).toBe(false);
    expect(refused("/dev/shm")).toBe(false);
  });

  test("a descriptor of which nothing is known", () => {
    expect(refusesWrites(-1)).toBe(true);
  });
});
