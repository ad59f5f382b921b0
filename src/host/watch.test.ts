import {
  appendFileSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { scratchDirectory } from "../../test/support/scratch.ts";
import { DirectoryWatch } from "./watch.ts";

const isSpec = (name: string): boolean => name.endsWith(".json");

function watching(...directories: string[]): DirectoryWatch {
  const watch = DirectoryWatch.open(directories, isSpec);
  if (typeof watch === "number") throw new Error(`inotify: ${watch}`);
  onTestFinished(() => watch[Symbol.dispose]());
  watch.arm();
  return watch;
}

test("every way in which a file gets other bytes is told, and other names are not", () => {
  const top = scratchDirectory();
  const path = join(top, "a.json");
  const watch = watching(top);
  const ways: readonly [string, () => void][] = [
    ["made", () => writeFileSync(path, "1")],
    ["written", () => writeFileSync(path, "2")],
    ["appended to", () => appendFileSync(path, "3")],
    ["renamed to", () => (writeFileSync(join(top, "t"), "4"), renameSync(join(top, "t"), path))],
    ["linked", () => (writeFileSync(join(top, "t"), "5"), rmSync(path), linkSync(join(top, "t"), path))],
    ["a link", () => (rmSync(path), symlinkSync("t", path))],
  ];
  for (const [way, change] of ways) {
    change();
    expect(watch.read(), way).toEqual({ changed: [path], moved: false, lost: false });
  }
  writeFileSync(join(top, "b.txt"), "");
  rmSync(path);
  expect(watch.read()).toEqual({ changed: [], moved: false, lost: false });
});

test("what this process renames from a temporary name of its own is not told, what another does is", () => {
  const top = scratchDirectory();
  const path = join(top, "a.json");
  const watch = watching(top);
  const put = (pid: number): void => {
    const temporary = join(top, `.cdi-hook-${pid}-0123456789abcdef`);
    writeFileSync(temporary, "");
    renameSync(temporary, path);
  };
  put(process.pid);
  expect(watch.read().changed).toEqual([]);
  put(1);
  expect(watch.read().changed).toEqual([path]);
  put(process.pid);
  writeFileSync(path, "1");
  expect(watch.read().changed).toEqual([path]);
});

test("a directory that comes, goes and comes back, with those above it", () => {
  const top = scratchDirectory();
  const directory = join(top, "run/deep/cdi");
  const watch = watching(directory);
  const came = (): boolean => {
    const { moved } = watch.read();
    return moved && String(watch.arm()) === directory;
  };
  expect(watch.read().moved).toBe(false);
  mkdirSync(directory, { recursive: true });
  expect(came()).toBe(true);
  writeFileSync(join(directory, "a.json"), "");
  expect(watch.read().changed).toEqual([join(directory, "a.json")]);
  rmSync(join(top, "run"), { recursive: true });
  expect(watch.read().moved).toBe(true);
  expect(watch.arm()).toEqual([]);
  mkdirSync(join(top, "run"));
  expect(watch.read().moved).toBe(true);
  expect(watch.arm()).toEqual([]);
  mkdirSync(directory, { recursive: true });
  expect(came()).toBe(true);
  renameSync(join(top, "run"), join(top, "away"));
  expect(watch.read().moved).toBe(true);
  expect(watch.arm()).toEqual([]);
  renameSync(join(top, "away"), join(top, "run"));
  expect(came()).toBe(true);
});

test("a directory that is replaced while somebody is in it", () => {
  const directory = join(scratchDirectory(), "cdi");
  mkdirSync(directory);
  const watch = watching(directory);
  const held = watching(directory);
  rmdirSync(directory);
  mkdirSync(directory);
  expect(watch.read().moved).toBe(true);
  expect(watch.arm()).toEqual([directory]);
  writeFileSync(join(directory, "a.json"), "");
  expect(watch.read().changed).toEqual([join(directory, "a.json")]);
  expect(held.read().moved).toBe(true);
});

test("two paths of one directory, and one within the other", () => {
  const top = scratchDirectory();
  mkdirSync(join(top, "cdi/inner"), { recursive: true });
  symlinkSync("cdi", join(top, "link"));
  const watch = watching(join(top, "cdi"), join(top, "link"), join(top, "cdi/inner"));
  writeFileSync(join(top, "cdi/a.json"), "");
  writeFileSync(join(top, "cdi/inner/b.json"), "");
  expect(watch.read().changed).toEqual([join(top, "cdi/a.json"), join(top, "cdi/inner/b.json")]);
  expect(watch.arm()).toEqual([]);
});

test("a path that leads through a file is as one that does not exist", () => {
  const top = scratchDirectory();
  writeFileSync(join(top, "cdi"), "");
  const watch = watching(join(top, "cdi/more"), join(top, "x".repeat(300)));
  rmSync(join(top, "cdi"));
  mkdirSync(join(top, "cdi/more"), { recursive: true });
  expect(watch.read().moved).toBe(true);
  expect(watch.arm()).toEqual([join(top, "cdi/more")]);
});
