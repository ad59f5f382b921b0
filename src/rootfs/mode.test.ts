import { execFileSync } from "node:child_process";
import { chmodSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { scratchDirectory } from "../../test/support/scratch.ts";
import { EACCES, ELOOP, ENOENT, ENOTDIR } from "../kernel/errno.ts";
import { KernelRoot } from "./kernel-root.ts";
import type { Root } from "./root.ts";

let base: string;
let outside: string;
let root: Root;
beforeEach(() => {
  const top = scratchDirectory();
  base = join(top, "root");
  outside = join(top, "outside");
  mkdirSync(join(base, "usr/lib"), { recursive: true });
  writeFileSync(join(base, "usr/file"), "");
  chmodSync(join(base, "usr/file"), 0o600);
  writeFileSync(outside, "");
  chmodSync(outside, 0o600);
  root = KernelRoot.open(base);
  onTestFinished(() => root.close());
});

const modeOf = (path: string): number => lstatSync(path).mode & 0o7777;

test("of a file, a folder, a FIFO and the root itself", () => {
  execFileSync("mkfifo", [join(base, "fifo")]);
  for (const path of ["/usr/file", "usr/lib/", "/fifo", "/", ".."]) {
    expect(root.setMode(path, 0o751), path).toBe(path !== "..");
    expect(modeOf(join(base, path === ".." ? "" : path)), path).toBe(0o751);
  }
});

test("an answer of false says that it is right already, and nothing is changed", () => {
  const before = lstatSync(join(base, "usr/file"), { bigint: true }).ctimeNs;
  expect(root.setMode("/usr/file", 0o600)).toBe(false);
  expect(lstatSync(join(base, "usr/file"), { bigint: true }).ctimeNs).toBe(before);
});

test("links are followed inside the root, and their own mode is none", () => {
  symlinkSync("usr/file", join(base, "relative"));
  symlinkSync("/relative", join(base, "absolute"));
  symlinkSync("../../../../../../usr/file", join(base, "climbing"));
  for (const [index, path] of ["/relative", "/absolute", "/climbing"].entries()) {
    expect(root.setMode(path, 0o640 + index)).toBe(true);
    expect(modeOf(join(base, "usr/file"))).toBe(0o640 + index);
  }
  symlinkSync(outside, join(base, "out"));
  expect(root.setMode("/out", 0o777)).toBe(-ENOENT);
  expect(modeOf(outside)).toBe(0o600);
});

test("what is missing, in a circle, or no folder", () => {
  symlinkSync("circle", join(base, "circle"));
  expect(root.setMode("/missing", 0o755)).toBe(-ENOENT);
  expect(root.setMode("/circle", 0o755)).toBe(-ELOOP);
  expect(root.setMode("/usr/file/", 0o755)).toBe(-ENOTDIR);
  expect(root.setMode("/usr/file/x", 0o755)).toBe(-ENOTDIR);
});

test("set-user-ID and others are modes like any other", () => {
  chmodSync(join(base, "usr/file"), 0o4755);
  expect(root.setMode("/usr/file", 0o755)).toBe(true);
  expect(modeOf(join(base, "usr/file"))).toBe(0o755);
});

test("nothing below /proc and /sys", () => {
  mkdirSync(join(base, "proc/x"), { recursive: true });
  expect(root.setMode("/proc/x", 0o700)).toBe(-EACCES);
});
