import { spawn, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { scratchDirectory } from "../../test/support/scratch.ts";
import { AT_FDCWD } from "../kernel/constants.ts";
import { withoutWriters } from "./writers.ts";

beforeAll(() => {
  process.on("SIGIO", () => undefined);
});

function worked(path: string): [outcome: string, worked: boolean] {
  let done = false;
  const outcome = withoutWriters(path, (guard) => {
    done = guard.holds(AT_FDCWD, path);
  });
  return [outcome, done];
}

test("a file that is open for writing is left alone, one that is open for reading is not", () => {
  const path = join(scratchDirectory(), "a");
  writeFileSync(path, "");
  expect(worked(path)).toEqual(["done", true]);
  for (const flags of ["r+", "a", "w"]) {
    const fd = openSync(path, flags);
    expect(worked(path), flags).toEqual(["being written", false]);
    closeSync(fd);
    expect(worked(path), flags).toEqual(["done", true]);
  }
  const reader = openSync(path, "r");
  expect(worked(path)).toEqual(["done", true]);
  closeSync(reader);
});

test("what is no regular file is absent, and a FIFO is not waited for", () => {
  const top = scratchDirectory();
  mkdirSync(join(top, "folder"));
  spawnSync("mkfifo", [join(top, "fifo")]);
  expect(["none", "folder", "fifo"].map((name) => worked(join(top, name))[0])).toEqual(["absent", "absent", "absent"]);
});

test("whoever opens it for writing meanwhile waits, and is noticed", async () => {
  const path = join(scratchDirectory(), "a");
  writeFileSync(path, "old");
  let writer: ReturnType<typeof spawn> | undefined;
  const outcome = withoutWriters(path, (guard) => {
    const undisturbed = (): boolean => guard.holds(AT_FDCWD, path);
    writer = spawn("sh", ["-c", 'echo new > "$0"', path], { stdio: "ignore" });
    for (const end = Date.now() + 20_000; undisturbed() && Date.now() < end;);
    expect(undisturbed()).toBe(false);
    expect(readFileSync(path, "utf8")).toBe("old");
  });
  expect(outcome).toBe("done");
  if (writer !== undefined) await once(writer, "exit");
  expect(readFileSync(path, "utf8")).toBe("new\n");
});

test("the guard knows the file and its bytes", () => {
  const top = scratchDirectory();
  const path = join(top, "a");
  writeFileSync(path, "old");
  withoutWriters(path, (guard) => {
    const holds = (name: string): boolean => guard.holds(AT_FDCWD, join(top, name));
    expect(holds("a")).toBe(true);
    renameSync(path, join(top, "b"));
    expect([holds("a"), holds("b")]).toEqual([false, true]);
    writeFileSync(path, "old");
    expect(holds("a")).toBe(false);
  });
});
