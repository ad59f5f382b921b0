import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { scratchDirectory } from "../../test/support/scratch.ts";
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH } from "../kernel/constants.ts";
import { close, openat } from "../kernel/files.ts";
import { temporaryName } from "../kernel/temporary-name.ts";
import { removeLeftovers } from "./leftovers.ts";

let base: string;
let directory: number;
beforeEach(() => {
  base = scratchDirectory();
  directory = openat(AT_FDCWD, base, O_PATH | O_DIRECTORY | O_CLOEXEC);
  onTestFinished(() => {
    close(directory);
  });
});

const random = "0123456789abcdef";
/** A process id that no process has: one that has just ended. */
function goneProcess(): number {
  return Number(execFileSync("sh", ["-c", "echo $$"], { encoding: "latin1" }));
}

test("names are never the same and say whose they are", () => {
  const names = Array.from({ length: 1000 }, temporaryName);
  expect(new Set(names).size).toBe(1000);
  for (const name of names) expect(name).toMatch(new RegExp(`^\\.cdi-hook-${process.pid}-[0-9a-f]{16}$`));
});

describe("removeLeftovers", () => {
  test("removes those of processes that are gone, and of earlier processes with our own id", () => {
    writeFileSync(join(base, `.cdi-hook-${goneProcess()}-${random}`), "");
    symlinkSync("x", join(base, `.cdi-hook-${process.pid}-${random}`));
    removeLeftovers(directory);
    expect(readdirSync(base)).toEqual([]);
  });

  test("leaves those of living processes, directories, and other names", () => {
    const gone = goneProcess();
    const stay = [
      `.cdi-hook-${process.ppid}-${random}`,
      `.cdi-hook-${gone}-${random}x`,
      `.cdi-hook-${gone}-0123`,
      `.cdi-hook-0-${random}`,
      `.cdi-hook--1-${random}`,
      `.cdi-hook-${gone}`,
      `x.cdi-hook-${gone}-${random}`,
      "file",
    ];
    for (const name of stay) writeFileSync(join(base, name), "");
    mkdirSync(join(base, `.cdi-hook-${gone}-${"0".repeat(16)}`));
    removeLeftovers(directory);
    expect(readdirSync(base)).toEqual([...stay, `.cdi-hook-${gone}-${"0".repeat(16)}`].sort());
  });

  test("a link of such a name is removed itself, not what it leads to", () => {
    writeFileSync(join(base, "file"), "");
    symlinkSync("file", join(base, `.cdi-hook-${goneProcess()}-${random}`));
    removeLeftovers(directory);
    expect(readdirSync(base)).toEqual(["file"]);
  });
});
