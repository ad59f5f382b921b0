/** Directories that a walk keeps open from one path to the next. */
import { mkdirSync, readdirSync, renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { SeededRandom } from "../../test/support/seeded-random.ts";
import { openDescriptors, walkScratch } from "../../test/support/walk-scratch.ts";
import { EACCES, ENOENT } from "../kernel/errno.ts";
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

/** Where a walk of all of `path` ends that keeps nothing: its path, or -errno. */
function entered(path: string): string | number {
  using walk = new Walk(root);
  const result = walk.enter(path);
  return result === 0 ? walk.path : result;
}

/** A walk that keeps, where it ended for each of these paths. */
function ends(walk: Walk, ...paths: string[]): (string | number)[] {
  return paths.map((path) => {
    const result = walk.enter(path);
    const end = result === 0 ? walk.path : result;
    walk.end();
    return end;
  });
}

test("kept directories lead to what a new walk would find, from the root, links counted anew", () => {
  link("l", "a/b");
  link("ping", "pong");
  link("pong", "ping");
  const paths = ["/a/b/c", "b", "/a/b", "l/c", "/a/b/c/..", "a/x", "/ping", "a/b/c", "../a", "/l/../b/../../a/b/c"];
  using walk = new Walk(root);
  walk.keep();
  expect(ends(walk, ...paths)).toEqual(paths.map(entered));
  expect(ends(walk, ...Array<string>(50).fill("/l"))).toEqual(Array(50).fill("/a/b"));
});

test("they lead to the parents that a new walk would find, the second time as well", () => {
  link("l", "a/b");
  link("a/link", "b/c");
  mkdirSync(join(base, "proc"));
  const starts = ["/", "/a", "/a/b", "a/b", "/l", "/a/../a/b", "//a//b", "/a/./b", "/proc", "/missing", "/a/link", ""];
  const names = ["x", "c", "link", "proc", "", ".", "..", "/", "c/", "c/.", "c/..", "n".repeat(5000)];
  const paths = starts.flatMap((start) => [start, ...names.map((name) => `${start}/${name}`)]);
  using walk = new Walk(root);
  walk.keep();
  for (const path of [...paths, ...paths]) {
    const name = walk.enterParent(path);
    const found = typeof name === "number" ? name : [walk.path, name];
    const followed = walk.followed;
    walk.end();
    using other = new Walk(root);
    const expected = other.enterParent(path);
    expect(found, path).toEqual(typeof expected === "number" ? expected : [other.path, expected]);
    expect(followed, path).toBe(other.followed);
  }
  expect(walk.makeParents("/proc")).toBe(-EACCES);
  walk.end();
  expect(walk.makeParents("/sys/x")).toBe(-EACCES);
  for (const start of ["/a/..", "/", "/."]) {
    expect(walk.makeParents(`${start}/x`)).toBe("x");
    walk.end();
    expect(walk.makeParents(`${start}/proc`), start).toBe(-EACCES);
    walk.end();
  }
});

test("they lead where a new walk leads: three thousand random paths", () => {
  for (const path of ["a/b/a", "a/c", "b/a/c", "b/c/d", "c/d"]) mkdirSync(join(base, path), { recursive: true });
  const targets = { l: "a", "a/l": "../b", "b/l": "/c/d", "c/l": "l", "a/b/l": "../../b/l", "c/d/l": "/" };
  for (const [path, target] of Object.entries(targets)) link(path, target);
  const random = new SeededRandom(1);
  using walk = new Walk(root);
  walk.keep();
  for (let turn = 0; turn < 3000; turn++) {
    const names = Array.from({ length: random.between(0, 5) }, () =>
      random.pick(["a", "b", "c", "d", "l", "l", ".", "..", "", "x"]),
    );
    const path = `${random.pick(["/", "/", ""])}${names.join("/")}`;
    using other = new Walk(root);
    const wantsParent = random.chance(0.5);
    const [found, expected] = [walk, other].map((each) => {
      const result = wantsParent ? each.enterParent(path) : each.enter(path);
      return [result, typeof result === "number" && result < 0 ? "" : each.path, each.followed];
    });
    walk.end();
    expect(found, path).toEqual(expected);
  }
});

test("they are no more than 16, and closed with the walk", () => {
  mkdirSync(join(base, "d/".repeat(100)), { recursive: true });
  const before = openDescriptors();
  {
    using walk = new Walk(root);
    walk.keep();
    expect(ends(walk, "d/".repeat(10), "/a/b/c", "/a/missing").slice(1)).toEqual(["/a/b/c", -ENOENT]);
    expect(openDescriptors()).toBe(before + 13);
    expect(ends(walk, "d/".repeat(100))[0]).toHaveLength(200);
    expect(openDescriptors()).toBe(before);
    for (let at = 0; at < 100; at++) mkdirSync(join(base, `s${at}/t`), { recursive: true });
    walk.enter(`/a/b/${Array.from({ length: 100 }, (_, at) => `../../s${at}/t/`).join("")}`);
    expect(walk.path).toBe("/s99/t");
    expect(openDescriptors()).toBeLessThanOrEqual(before + 2 + 16);
  }
  expect(openDescriptors()).toBe(before);
});

test("they stay the ones that they were: a link in the place of one leads nowhere, nor does one in the place of its parent", () => {
  using walk = new Walk(root);
  walk.keep();
  expect(ends(walk, "/a/b/c")).toEqual(["/a/b/c"]);
  renameSync(join(base, "a"), join(base, "old"));
  link("a", join(top, "outside"));
  expect(walk.makeParents("/a/b/c/new/x")).toBe("x");
  expect(readdirSync(join(base, "old/b/c"))).toEqual(["new"]);
  expect(readdirSync(join(top, "outside"))).toEqual(["etc"]);
});

test("they are counted as steps all the same", () => {
  const effort = new Effort();
  effort.steps = 100;
  using walk = new Walk(root, effort);
  walk.keep();
  expect(() => ends(walk, ...Array<string>(100).fill("/a/b"))).toThrow("take too many steps");
});
