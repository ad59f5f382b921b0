import { mkdirSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { openDescriptors, walkScratch } from "../../test/support/walk-scratch.ts";
import { AT_FDCWD, S_IFDIR } from "../kernel/constants.ts";
import { EACCES, EINVAL, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR } from "../kernel/errno.ts";
import { fstat, statx } from "../kernel/files.ts";
import { Stat } from "../kernel/stat.ts";
import { KernelRoot } from "./kernel-root.ts";
import { Effort, Walk } from "./walk.ts";

let top: string;
let base: string;
let root: number;
beforeEach(() => {
  ({ top, base, root } = walkScratch());
});

function link(path: string, target: string): void {
  symlinkSync(target, join(base, path));
}

/** Where a walk of all of `path` ends: its path, or -errno. */
function entered(path: string): string | number {
  using walk = new Walk(root);
  const result = walk.enter(path);
  if (result !== 0) return result;
  const stat = new Stat();
  fstat(walk.descriptor, stat);
  const there = new Stat();
  statx(AT_FDCWD, join(base, walk.path), 0, there);
  expect(stat.identity, "the path that is told is the directory that is open").toBe(there.identity);
  return walk.path;
}

/** The directory and the name in which a path ends. */
function parentOf(path: string): [string, string] | number {
  using walk = new Walk(root);
  const name = walk.enterParent(path);
  return typeof name === "number" ? name : [walk.path, name];
}

describe("paths without links", () => {
  test.each([
    ["/", "/"],
    ["", "/"],
    [".", "/"],
    ["a/b", "/a/b"],
    ["/a/b/c", "/a/b/c"],
    ["//a/./b//", "/a/b"],
    ["/a/b/../b/..", "/a"],
    ["..", "/"],
    ["/../../../a/../../..", "/"],
  ])("%j is %j", (path, end) => {
    expect(entered(path)).toBe(end);
  });

  test("what is missing, or no directory, is an error", () => {
    writeFileSync(join(base, "file"), "");
    expect(entered("/a/x")).toBe(-ENOENT);
    expect(entered("/file")).toBe(-ENOTDIR);
    expect(entered("/file/x")).toBe(-ENOTDIR);
  });

  test("a missing directory is not stepped over by ..", () => {
    expect(entered("/missing/../a")).toBe(-ENOENT);
  });

  test("a path or a name that is too long for the kernel", () => {
    expect(entered(`/${"a/".repeat(2048)}`)).toBe(-ENAMETOOLONG);
    expect(entered(`/${"n".repeat(256)}`)).toBe(-ENAMETOOLONG);
    mkdirSync(join(base, "n".repeat(255)));
    expect(entered(`/${"n".repeat(255)}`)).toBe(`/${"n".repeat(255)}`);
  });

  test("a name with NUL is refused before the kernel sees what is before it", () => {
    expect(() => entered("/a\0/b")).toThrow(TypeError);
  });

  test("enterParent does not look at the last component", () => {
    link("dangling", "nowhere");
    expect(parentOf("/a/b/x")).toEqual(["/a/b", "x"]);
    expect(parentOf("/dangling")).toEqual(["/", "dangling"]);
    expect(parentOf("/a/..")).toEqual(["/", ""]);
    expect(parentOf("/")).toEqual(["/", ""]);
    expect(parentOf("/../..")).toEqual(["/", ""]);
  });
});

describe("links", () => {
  test.each([
    ["b", "/a/b", "relative"],
    ["/a/b", "/a/b", "absolute: from the root"],
    ["/", "/", "to the root"],
    ["..", "/", "to the parent"],
    ["../../../../../../../..", "/", "above the root"],
    ["/../../..", "/", "absolute and above the root"],
    ["./b/./c/..", "/a/b", "with dots"],
    ["b/../../a/b/c", "/a/b/c", "down and up"],
  ])("%j in /a leads to %j (%s)", (target, end) => {
    link("a/link", target);
    expect(entered("/a/link")).toBe(end);
    expect(parentOf("/a/link/x")).toEqual([end, "x"]);
  });

  test("the path of the host, absolute or by .., is only text", () => {
    link("absolute", join(top, "outside"));
    link("climbing", `../../../../../../../../../..${top}/outside`);
    link("beside", "../outside");
    expect(entered("/absolute/etc")).toBe(-ENOENT);
    expect(entered("/climbing/etc")).toBe(-ENOENT);
    expect(entered("/beside/etc")).toBe(-ENOENT);
  });

  test("links to links, in the middle and at the end", () => {
    link("one", "two/b");
    link("two", "/three");
    link("three", "./a");
    expect(entered("/one/c")).toBe("/a/b/c");
  });

  test(".. behind a link leaves the directory that the link leads to", () => {
    link("deep", "/a/b/c");
    expect(entered("/deep/..")).toBe("/a/b");
  });

  test("40 links are followed, 41 are not", () => {
    for (let at = 0; at < 41; at++) link(`l${at}`, at === 0 ? "/a" : `l${at - 1}`);
    expect(entered("/l39")).toBe("/a");
    expect(entered("/l40")).toBe(-ELOOP);
  });

  test("loops end", () => {
    link("self", "self");
    link("ping", "/pong");
    link("pong", "/ping/x");
    link("a/up", "../a/up/up");
    expect(entered("/self")).toBe(-ELOOP);
    expect(entered("/ping")).toBe(-ELOOP);
    expect(entered("/a/up")).toBe(-ELOOP);
  });

  test("links that multiply the path are bounded", () => {
    // Each of them stands for two of the next: 2^40 steps if nothing stopped it.
    for (let at = 0; at < 39; at++) link(`d${at}`, `/d${at + 1}/../d${at + 1}`);
    link("d39", "/a");
    expect(entered("/d0")).toBe(-ELOOP);
  });

  test("links that go in and out a thousand times are bounded", () => {
    link("w40", "/a");
    for (let at = 0; at < 40; at++) link(`w${at}`, `${"a/../".repeat(800)}w${at + 1}`);
    const start = performance.now();
    expect(entered("/w0")).toBe(-ELOOP);
    expect(performance.now() - start).toBeLessThan(5000);
  });

  test("a root has an end of link targets to follow, however many walks there are", () => {
    link("long", `${"a/../".repeat(810)}a`);
    using bounded = KernelRoot.open(base);
    expect(bounded.stat("/long")).toMatchObject({ type: S_IFDIR });
    const answers = Array.from({ length: 310 }, () => bounded.stat("/long"));
    // Not ELOOP: such links are not taken for dangling ones.
    expect(answers.at(-1)).toBe(-ENAMETOOLONG);
    expect(bounded.stat("/a/b")).toMatchObject({ type: S_IFDIR });
  });

  test("and an end of steps: that is an error of its own", () => {
    const effort = new Effort();
    effort.steps = 100;
    expect(() => {
      for (let at = 0; at < 100; at++) {
        using walk = new Walk(root, effort);
        walk.enter("/a/b");
      }
    }).toThrow("follow /a/b: the paths of this root take too many steps");
    expect(openDescriptors()).toBeLessThan(100);
  });

  test("a dangling link is missing; with makeParents, its target is made inside the root", () => {
    link("away", join(top, "outside/new"));
    expect(entered("/away")).toBe(-ENOENT);
    using walk = new Walk(root);
    expect(walk.makeParents("/away/x")).toBe("x");
    expect(walk.path).toBe(`${top}/outside/new`);
    expect(readdirSync(join(top, "outside"))).toEqual(["etc"]);
    expect(statSync(join(base, top, "outside/new")).isDirectory()).toBe(true);
  });
});

describe("the kernel's directories", () => {
  test("/proc and /sys are not entered, by whatever way", () => {
    mkdirSync(join(base, "proc/self"), { recursive: true });
    mkdirSync(join(base, "sys/kernel"), { recursive: true });
    symlinkSync("/proc/self", join(base, "way"));
    symlinkSync("../../proc", join(base, "a/way"));
    symlinkSync("/", join(base, "top"));
    for (const path of ["/proc/self", "/sys/kernel", "/way", "/a/way/self", "/a/../proc/self", "/top/proc/self"]) {
      expect(entered(path), path).toBe(-EACCES);
    }
    expect(parentOf("/proc/x")).toBe(-EACCES);
  });

  test("nor made, nor written into", () => {
    using walk = new Walk(root);
    expect(walk.makeParents("/proc/x")).toBe(-EACCES);
    expect(walk.makeParents("/proc")).toBe(-EACCES);
    expect(walk.makeDirectories("/sys")).toBe(-EACCES);
    expect(readdirSync(base)).toEqual(["a"]);
  });

  test("a directory of that name elsewhere is like any other", () => {
    mkdirSync(join(base, "a/proc/x"), { recursive: true });
    expect(entered("/a/proc/x")).toBe("/a/proc/x");
  });
});

describe("changes while a walk is under way", () => {
  test("a directory that is moved out of the root does not take .. with it", () => {
    using walk = new Walk(root);
    walk.enter("/a/b/c");
    renameSync(join(base, "a/b"), join(top, "outside/etc/b"));
    expect(walk.enter("..")).toBe(0);
    expect(walk.enter("..")).toBe(0);
    expect(walk.path).toBe("/a");
    expect(walk.enter("../..")).toBe(0);
    expect(walk.path).toBe("/");
    expect(walk.enterParent("a/x")).toBe("x");
  });

  test("a directory that becomes a link after it was entered changes nothing", () => {
    using walk = new Walk(root);
    walk.enter("/a/b");
    renameSync(join(base, "a/b"), join(base, "a/old"));
    link("a/b", join(top, "outside/etc"));
    expect(walk.makeDirectories("new")).toBe(0);
    expect(readdirSync(join(base, "a/old")).sort()).toEqual(["c", "new"]);
    expect(readdirSync(join(top, "outside/etc"))).toEqual([]);
  });

  test("a removed directory is an error, not another place", () => {
    using walk = new Walk(root);
    walk.enter("/a/b/c");
    rmSync(join(base, "a"), { recursive: true });
    expect(walk.makeDirectories("x")).toBe(-ENOENT);
    expect(readdirSync(base)).toEqual([]);
  });
});

describe("makeParents", () => {
  test("makes what is missing with mode 0755 whatever the umask", () => {
    const before = process.umask(0o077);
    onTestFinished(() => {
      process.umask(before);
    });
    using walk = new Walk(root);
    expect(walk.makeParents("/new/deep/er/x")).toBe("x");
    expect(statSync(join(base, "new/deep/er")).mode & 0o7777).toBe(0o755);
    expect(readdirSync(join(base, "new/deep/er"))).toEqual([]);
  });

  test("does not replace what is no directory", () => {
    writeFileSync(join(base, "file"), "");
    using walk = new Walk(root);
    expect(walk.makeParents("/file/x")).toBe(-ENOTDIR);
  });
});

describe("resources", () => {
  test("descriptors are closed, after errors too", () => {
    link("a/loop", "loop");
    link("deep", "/a/b/c");
    const before = openDescriptors();
    for (let at = 0; at < 50; at++) {
      entered("/a/b/c/../../b");
      entered("/deep/../missing");
      entered("/a/loop");
      parentOf("/deep/x");
    }
    expect(openDescriptors()).toBe(before);
  });

  test("256 directories deep and no deeper", () => {
    mkdirSync(join(base, "d/".repeat(300)), { recursive: true });
    expect(entered("d/".repeat(256))).toBe(`/${"d/".repeat(256).slice(0, -1)}`);
    expect(entered("d/".repeat(257))).toBe(-ENAMETOOLONG);
  });
});

test("readlink is no way around the count of links", () => {
  link("l", "a");
  using walk = new Walk(root);
  expect(walk.readlink("a")).toBe(-EINVAL);
  for (let at = 0; at < 39; at++) expect(walk.readlink("l")).toBe("a");
  expect(walk.readlink("l")).toBe(-ELOOP);
});
