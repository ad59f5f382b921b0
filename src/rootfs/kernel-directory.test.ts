import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { scratchDirectory } from "../../test/support/scratch.ts";
import { DT_DIR, DT_LNK, DT_REG, S_IFDIR, S_IFLNK, S_IFREG } from "../kernel/constants.ts";
import { EACCES, EEXIST, EINVAL, EISDIR, ELOOP, ENAMETOOLONG, ENOENT } from "../kernel/errno.ts";
import { entriesOf, type Directory } from "./directory.ts";
import { KernelRoot } from "./kernel-root.ts";

let top: string;
let base: string;
let directory: Directory;
beforeEach(() => {
  top = scratchDirectory();
  base = join(top, "root");
  mkdirSync(base);
  directory = openDirectory(base);
});

function openDirectory(host: string, path = "/"): Directory {
  using root = KernelRoot.open(host);
  const opened = root.directory(path);
  if (typeof opened === "number") throw new Error(`${path}: ${opened}`);
  onTestFinished(() => opened.close());
  return opened;
}

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

describe("entries", () => {
  test("names are bytes, whatever they are", () => {
    const names = ["plain", "new\nline", "\x1b[31mred", "\xff\xfe\x80", "-rf", " ", "n".repeat(255), "\x01"];
    for (const name of names) writeFileSync(Buffer.from(join(base, "x").slice(0, -1) + name, "latin1"), "");
    expect([...directory.list().names].sort()).toEqual(names.sort());
  });

  test("types, without . and ..", () => {
    writeFileSync(join(base, "f"), "");
    mkdirSync(join(base, "d"));
    symlinkSync("f", join(base, "l"));
    const entries = entriesOf(directory.list()).sort((a, b) => (a.name < b.name ? -1 : 1));
    expect(entries.map(({ name, type }) => [name, type])).toEqual([
      ["d", DT_DIR],
      ["f", DT_REG],
      ["l", DT_LNK],
    ]);
  });

  test("20,000 names", () => {
    for (let at = 0; at < 20_000; at++) symlinkSync("x", join(base, `name-${at}`));
    expect(new Set(directory.list().names).size).toBe(20_000);
  });
});

describe("single names only", () => {
  test.each(["", ".", "..", "/", "a/b", "../x", "/etc/passwd", "a\0b"])("%j is refused", (name) => {
    writeFileSync(join(top, "x"), "");
    expect(directory.stat(name)).toBe(-EINVAL);
    expect(directory.readlink(name)).toBe(-EINVAL);
    expect(directory.open(name)).toBe(-EINVAL);
    expect(directory.symlink("t", name)).toBe(-EINVAL);
    expect(directory.replaceLink("t", name)).toBe(-EINVAL);
    expect(directory.replaceFile(name, bytes("x"), 0o644, false)).toBe(-EINVAL);
    expect(directory.unlink(name)).toBe(-EINVAL);
    expect(readdirSync(base)).toEqual([]);
    expect(readdirSync(top).sort()).toEqual(["root", "x"]);
  });

  test("a name that is too long for the file system", () => {
    for (const name of ["n".repeat(256), "n".repeat(100_000)]) {
      expect(directory.symlink("t", name)).toBe(-ENAMETOOLONG);
      expect(directory.stat(name)).toBe(-ENAMETOOLONG);
      expect(directory.replaceFile(name, bytes("x"), 0o644, false)).toBe(-ENAMETOOLONG);
    }
    expect(readdirSync(base)).toEqual([]);
  });
});

describe("looking", () => {
  test("follows no link", () => {
    writeFileSync(join(top, "secret"), "secret");
    symlinkSync(join(top, "secret"), join(base, "l"));
    expect(directory.stat("l")).toMatchObject({ type: S_IFLNK });
    expect(directory.readlink("l")).toBe(join(top, "secret"));
    expect(directory.open("l")).toBe(-ELOOP);
  });

  test("facts", () => {
    writeFileSync(join(base, "f"), "abc");
    chmodSync(join(base, "f"), 0o4711);
    linkSync(join(base, "f"), join(base, "g"));
    mkdirSync(join(base, "d"));
    expect(directory.stat("f")).toMatchObject({ type: S_IFREG, mode: 0o4711, size: 3 });
    expect(directory.stat("d")).toMatchObject({ type: S_IFDIR });
    expect(directory.stat("g")).toEqual(directory.stat("f"));
    expect(directory.stat("missing")).toBe(-ENOENT);
    expect(directory.readlink("f")).toBe(-EINVAL);
  });
});

describe("links", () => {
  test("symlink replaces nothing", () => {
    writeFileSync(join(base, "f"), "x");
    symlinkSync("nowhere", join(base, "dangling"));
    expect(directory.symlink("t", "f")).toBe(-EEXIST);
    expect(directory.symlink("t", "dangling")).toBe(-EEXIST);
    expect(directory.symlink("t", "new")).toBe(0);
    expect(readlinkSync(join(base, "new"))).toBe("t");
    expect(readlinkSync(join(base, "dangling"))).toBe("nowhere");
  });

  test("the target is text, also one that nobody would want", () => {
    for (const target of ["../../..", "/", "a\nb", "t".repeat(4095)]) {
      expect(directory.replaceLink(target, "l")).toBe(0);
      expect(readlinkSync(join(base, "l"))).toBe(target);
    }
    expect(directory.replaceLink("t".repeat(4096), "l")).toBe(-ENAMETOOLONG);
    expect(readdirSync(base)).toEqual(["l"]);
  });

  test("replaceLink replaces a link, not what it leads to", () => {
    writeFileSync(join(top, "victim"), "x");
    symlinkSync(join(top, "victim"), join(base, "l"));
    expect(directory.replaceLink("t", "l")).toBe(0);
    expect(readlinkSync(join(base, "l"))).toBe("t");
    expect(readFileSync(join(top, "victim"), "utf8")).toBe("x");
    expect(readdirSync(base)).toEqual(["l"]);
  });

  test("a directory is not replaced, be it empty", () => {
    mkdirSync(join(base, "d"));
    expect(directory.replaceLink("t", "d")).toBe(-EISDIR);
    expect(directory.replaceFile("d", bytes("x"), 0o644, false)).toBe(-EISDIR);
    expect(directory.unlink("d")).toBe(-EISDIR);
    expect(readdirSync(base)).toEqual(["d"]);
  });
});

describe("files", () => {
  test("replaceFile replaces a link and a hard link, not what they lead to", () => {
    writeFileSync(join(top, "victim"), "x", { mode: 0o600 });
    symlinkSync(join(top, "victim"), join(base, "l"));
    linkSync(join(top, "victim"), join(base, "h"));
    expect(directory.replaceFile("l", bytes("new"), 0o644, true)).toBe(0);
    expect(directory.replaceFile("h", bytes("new"), 0o644, false)).toBe(0);
    for (const name of ["l", "h"]) {
      expect(readFileSync(join(base, name), "utf8")).toBe("new");
      expect(lstatSync(join(base, name)).mode).toBe(S_IFREG | 0o644);
    }
    expect(readFileSync(join(top, "victim"), "utf8")).toBe("x");
    expect(lstatSync(join(top, "victim")).mode & 0o7777).toBe(0o600);
    expect(readdirSync(base).sort()).toEqual(["h", "l"]);
  });

  test("the mode is what was asked for, whatever the umask", () => {
    const before = process.umask(0o077);
    onTestFinished(() => {
      process.umask(before);
    });
    expect(directory.replaceFile("f", bytes(""), 0o644, false)).toBe(0);
    expect(lstatSync(join(base, "f")).mode & 0o7777).toBe(0o644);
  });

  test("a directory that was moved away is written where it is, not where its name leads", () => {
    mkdirSync(join(base, "d"));
    mkdirSync(join(top, "outside"));
    const moved = openDirectory(base, "/d");
    renameSync(join(base, "d"), join(base, "old"));
    symlinkSync(join(top, "outside"), join(base, "d"));
    expect(moved.replaceFile("f", bytes("x"), 0o644, false)).toBe(0);
    expect(moved.symlink("t", "l")).toBe(0);
    expect(readdirSync(join(base, "old")).sort()).toEqual(["f", "l"]);
    expect(readdirSync(join(top, "outside"))).toEqual([]);
  });
});

test("what is left of killed processes is looked for once, not before each of a thousand links", () => {
  for (let at = 0; at < 10_000; at++) {
    writeFileSync(join(base, `.cdi-hook-${process.ppid}-${String(at).padStart(16, "0")}`), "");
  }
  const start = performance.now();
  for (let at = 0; at < 1000; at++) directory.replaceLink("t", `l${at}`);
  expect(performance.now() - start).toBeLessThan(2000);
});

test("nothing is made in a file system of the kernel", () => {
  const kernels = openDirectory("/proc/self");
  expect(kernels.symlink("t", "x")).toBe(-EACCES);
  expect(kernels.replaceLink("t", "x")).toBe(-EACCES);
  expect(kernels.replaceFile("comm", bytes("x"), 0o644, false)).toBe(-EACCES);
  expect(kernels.unlink("comm")).toBe(-EACCES);
});
