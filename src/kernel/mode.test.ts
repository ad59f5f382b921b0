import { execFileSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AT_FDCWD, O_CLOEXEC, O_NOFOLLOW, O_PATH } from "./constants.ts";
import { close, openat } from "./files.ts";
import { chmodDescriptor, chmodThroughProc } from "./mode.ts";

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "mode-"));
});
afterEach(() => rmSync(base, { recursive: true }));

const ways = [
  ["fchmodat2, or what stands for it", chmodDescriptor],
  ["/proc", chmodThroughProc],
] as const;

describe.each(ways)("the mode of a descriptor by %s", (_, chmod) => {
  function set(name: string, mode: number): number {
    const fd = openat(AT_FDCWD, join(base, name), O_PATH | O_NOFOLLOW | O_CLOEXEC);
    expect(fd).toBeGreaterThanOrEqual(0);
    const result = chmod(fd, mode);
    close(fd);
    return result;
  }
  const modeOf = (name: string): number => lstatSync(join(base, name)).mode & 0o7777;

  test("file, folder, FIFO", () => {
    writeFileSync(join(base, "file"), "");
    mkdirSync(join(base, "folder"));
    execFileSync("mkfifo", [join(base, "fifo")]);
    for (const name of ["file", "folder", "fifo"]) {
      expect(set(name, 0o751)).toBe(0);
      expect(modeOf(name)).toBe(0o751);
    }
  });

  test("a file that nobody may read", () => {
    writeFileSync(join(base, "file"), "");
    chmodSync(join(base, "file"), 0);
    expect(set("file", 0o640)).toBe(0);
    expect(modeOf("file")).toBe(0o640);
  });

  test("the file that was opened, not the one that has its name now", () => {
    writeFileSync(join(base, "target"), "");
    chmodSync(join(base, "target"), 0o600);
    writeFileSync(join(base, "file"), "");
    const fd = openat(AT_FDCWD, join(base, "file"), O_PATH | O_NOFOLLOW | O_CLOEXEC);
    const same = openSync(join(base, "file"), "r");
    rmSync(join(base, "file"));
    symlinkSync("target", join(base, "file"));
    expect(chmod(fd, 0o777)).toBe(0);
    close(fd);
    closeSync(same);
    expect(modeOf("target")).toBe(0o600);
  });
});
