import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { scratchDirectory } from "../../test/support/scratch.ts";
import { FileVersions } from "./file-versions.ts";

const isSpec = (name: string): boolean => name.endsWith(".json");

/** Longer than a tick of the clock of files' times. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));

test("what is new or changed, by name, bytes, or attributes; not what was noted, nor other names and directories", async () => {
  const top = scratchDirectory();
  const path = join(top, "a.json");
  const versions = new FileVersions([top, join(top, "none")], isSpec);
  mkdirSync(join(top, "folder.json"));
  writeFileSync(join(top, "a.txt"), "");
  expect(versions.changed()).toEqual([]);
  for (const change of [
    () => writeFileSync(path, "1"),
    () => writeFileSync(path, "2"),
    () => (writeFileSync(join(top, "t"), "2"), renameSync(join(top, "t"), path)),
    () => utimesSync(path, 1, 1),
    () => (rmSync(path), symlinkSync("t", path), writeFileSync(join(top, "t"), "")),
    () => writeFileSync(join(top, "t"), "behind the link"),
  ]) {
    change();
    await settle();
    expect(versions.changed()).toEqual([path]);
    versions.note(path);
    expect(versions.changed()).toEqual([]);
  }
  rmSync(path);
  expect(versions.changed()).toEqual([]);
  writeFileSync(path, "1");
  await settle();
  expect(versions.changed()).toEqual([path]);
});

test("a file that was noted right after a change counts as changed once more", async () => {
  const top = scratchDirectory();
  const path = join(top, "a.json");
  const versions = new FileVersions([top], isSpec);
  writeFileSync(path, "");
  versions.note(path);
  expect(versions.changed()).toEqual([path]);
  await settle();
  versions.note(path);
  expect(versions.changed()).toEqual([]);
});
