import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseCommandLine } from "../cli/flags.ts";
import { Logger } from "../logger.ts";
import { KernelRoot } from "../rootfs/kernel-root.ts";
import { createSymlinks } from "./create-symlinks.ts";

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "links-"));
});
afterEach(() => rmSync(base, { recursive: true }));

function run(...links: string[]): void {
  const words = ["create-symlinks", ...links.flatMap((link) => ["--link", link])];
  const { flags } = parseCommandLine(words, { globals: [], flagsOf: () => createSymlinks.flags });
  using root = KernelRoot.open(base);
  createSymlinks.run({
    flags,
    log: new Logger("error", () => undefined),
    state: () => expect.fail("the state was read"),
    root: () => root,
  });
}

function messages(action: () => void): string[] {
  try {
    action();
  } catch (error) {
    return error instanceof AggregateError ? error.errors.map(String) : [String(error)];
  }
  return [];
}

describe("create-symlinks", () => {
  test("makes links and their parents", () => {
    run("libcuda.so.1::/usr/lib/libcuda.so", "../x::etc/y");
    expect(readlinkSync(join(base, "usr/lib/libcuda.so"))).toBe("libcuda.so.1");
    expect(readlinkSync(join(base, "etc/y"))).toBe("../x");
    expect(lstatSync(join(base, "usr")).mode & 0o7777).toBe(0o755);
  });

  test("makes no /proc and no /sys, whatever was made beside them before", () => {
    for (const beside of ["/", "/.", "/usr/.."]) {
      for (const name of ["proc", "sys"]) {
        expect(messages(() => run(`x::${beside}/x`, `x::${beside}/${name}`)).join("\n")).toContain("EACCES");
        expect(existsSync(join(base, name))).toBe(false);
      }
    }
  });

  test("leaves a link with that target alone", () => {
    symlinkSync("a", join(base, "l"));
    const before = lstatSync(join(base, "l"), { bigint: true });
    run("a::/l");
    const after = lstatSync(join(base, "l"), { bigint: true });
    expect(after.ino).toBe(before.ino);
    expect(after.ctimeNs).toBe(before.ctimeNs);
  });

  test("replaces another link and a file, and leaves nothing beside", () => {
    symlinkSync("b", join(base, "l"));
    writeFileSync(join(base, "f"), "x");
    run("a::/l", "a::/f");
    expect(readlinkSync(join(base, "l"))).toBe("a");
    expect(readlinkSync(join(base, "f"))).toBe("a");
  });

  test("does not replace a directory, and makes the other links all the same", () => {
    mkdirSync(join(base, "d"));
    writeFileSync(join(base, "f"), "x");
    expect(messages(() => run("a::/d", "a::/f/x", "a::/l"))).toEqual([
      expect.stringContaining("create link /d: is a directory (EISDIR)"),
      expect.stringContaining("/f/x: not a directory (ENOTDIR)"),
    ]);
    expect(readlinkSync(join(base, "l"))).toBe("a");
    expect(readFileSync(join(base, "f"), "utf8")).toBe("x");
  });

  test("a malformed argument stops everything before the first link", () => {
    expect(messages(() => run("a::/l", "b"))).toEqual([expect.stringContaining("parse --link b")]);
    expect(() => lstatSync(join(base, "l"))).toThrow("ENOENT");
  });

  test("follows links of the container inside the container", () => {
    mkdirSync(join(base, "real"));
    symlinkSync("/real", join(base, "way"));
    symlinkSync("/../..", join(base, "up"));
    run("a::/way/l", "a::/up/m");
    expect(readlinkSync(join(base, "real/l"))).toBe("a");
    expect(readlinkSync(join(base, "m"))).toBe("a");
  });

  test("a link that an earlier one redirects is followed to its new place", () => {
    mkdirSync(join(base, "one"));
    mkdirSync(join(base, "two"));
    symlinkSync("one", join(base, "way"));
    run("a::/way/x", "two::/way", "a::/way/y");
    expect(readlinkSync(join(base, "one/x"))).toBe("a");
    expect(readlinkSync(join(base, "two/y"))).toBe("a");
  });

  test("without links nothing is opened", () => {
    const { flags } = parseCommandLine(["create-symlinks"], { globals: [], flagsOf: () => createSymlinks.flags });
    createSymlinks.run({
      flags,
      log: new Logger("error", () => undefined),
      state: () => expect.fail("the state was read"),
      root: () => expect.fail("the root was opened"),
    });
  });
});
