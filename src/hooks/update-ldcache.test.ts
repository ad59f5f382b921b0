import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Logger, plainSink } from "../logger.ts";
import { KernelRoot } from "../rootfs/kernel-root.ts";
import type { Root } from "../rootfs/root.ts";
import { foldersIn } from "./drop-in-file.ts";
import { dropInPath, updateDropIn } from "./drop-in.ts";
import { ldSoConf, muslPathFile, normalFolder, usableFolders } from "./folder-argument.ts";
import { muslArchitectures, updateMuslPaths, withFolders } from "./musl-path.ts";

let base: string;
let root: Root;
let lines: string[];
const log = new Logger(
  "warning",
  plainSink((line) => lines.push(line)),
);

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "folders-"));
  root = KernelRoot.open(base);
  lines = [];
});
afterEach(() => {
  root.close();
  rmSync(base, { recursive: true });
});

function folders(...paths: string[]): void {
  for (const path of paths) mkdirSync(join(base, path), { recursive: true });
}

function file(path: string, content: string | Uint8Array): void {
  folders(dirname(path));
  writeFileSync(join(base, path), content);
}

function contentOf(path: string): string {
  return readFileSync(join(base, path), "latin1");
}

describe("a folder of the command line", () => {
  test("is absolute and has no slash at its end", () => {
    expect(normalFolder("/usr/lib/")).toBe("/usr/lib");
    expect(normalFolder("usr/lib")).toBe("/usr/lib");
    expect(normalFolder("")).toBeUndefined();
    expect(normalFolder("///")).toBeUndefined();
  });

  test("is used when the container has it, once", () => {
    folders("/a", "/b");
    file("/f", "");
    symlinkSync("a", join(base, "l"));
    const values = ["/b", "/a/", "a", "/missing", "/f", "/l", ""];
    expect(usableFolders(root, values, ldSoConf, log)).toEqual(["/b", "/a", "/l"]);
    expect(lines).toEqual([]);
  });

  test.each(["/a\n/b", "/a#b", "/a ", "/a\t", "/a=libc6"])("%j cannot be named in ld.so.conf", (value) => {
    folders(value);
    expect(usableFolders(root, [value], ldSoConf, log)).toEqual([]);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("is skipped: ld.so.conf cannot name it");
  });

  test("spaces and hashes can be named in musl's path file, colons cannot", () => {
    folders("/a b#", "/a:b");
    expect(usableFolders(root, ["/a b#", "/a:b"], muslPathFile, log)).toEqual(["/a b#"]);
    expect(lines).toHaveLength(1);
  });
});

describe("the drop-in", () => {
  const update = (wanted: string[], named: string[] = []): { folders: readonly string[]; changed: boolean } =>
    updateDropIn(root, wanted, named, log);

  test("names the folders, and is readable by everybody", () => {
    folders("/a", "/b");
    expect(update(["/b", "/a"])).toEqual({ folders: ["/b", "/a"], changed: true });
    expect(contentOf(dropInPath)).toBe("/b\n/a\n");
    expect(lstatSync(join(base, dropInPath)).mode & 0o7777).toBe(0o644);
  });

  test("a second start changes no byte and no inode", () => {
    folders("/a", "/b");
    update(["/a"]);
    update(["/b"]);
    expect(contentOf(dropInPath)).toBe("/a\n/b\n");
    const before = lstatSync(join(base, dropInPath), { bigint: true });
    expect(update(["/a"])).toEqual({ folders: ["/a", "/b"], changed: false });
    expect(update(["/b"])).toEqual({ folders: ["/a", "/b"], changed: false });
    const after = lstatSync(join(base, dropInPath), { bigint: true });
    expect([after.ino, after.mtimeNs]).toEqual([before.ino, before.mtimeNs]);
  });

  test("does not name what the container searches already, by any name", () => {
    folders("/usr/lib/x", "/a");
    symlinkSync("usr/lib", join(base, "lib"));
    expect(update(["/usr/lib/x", "/a"], ["/usr/lib/x/"]).folders).toEqual(["/a"]);
    expect(update(["/usr/lib/x", "/a"], ["/lib/x"]).folders).toEqual(["/a"]);
  });

  test("CUDA's stubs do not come before the driver, and all else stays in its order", () => {
    folders("/cuda/lib64/stubs", "/usr/local/lib", "/usr/lib/x", "/usr/lib", "/a");
    symlinkSync("usr/lib", join(base, "lib"));
    const named = ["/usr/local/lib", "/cuda/lib64/stubs", "/lib/x", "/usr/lib/x", "/usr/lib"];
    for (const changed of [true, false])
      expect(update(["/usr/lib/x", "/a"], named)).toEqual({ folders: ["/a", "/usr/local/lib", "/lib/x"], changed });
    expect(update(["/a"], named).changed, "another hook").toBe(false);
    expect(
      update(
        [],
        named.filter((folder) => !folder.endsWith("stubs")),
      ).folders,
      "no stubs",
    ).toEqual(["/a"]);
  });

  test("stubs behind the driver's folder, or gone, are no reason to name it", () => {
    folders("/usr/lib/x", "/stubs");
    expect(update(["/usr/lib/x"], ["/usr/lib/x", "/stubs"]).changed).toBe(false);
    expect(update(["/usr/lib/x"], ["/gone/stubs", "/usr/lib/x"]).changed).toBe(false);
  });

  test("is not made for nothing, and removed when nothing is left", () => {
    folders("/a");
    expect(update([]).changed).toBe(false);
    expect(update(["/a"], ["/a"]).changed).toBe(false);
    expect(() => lstatSync(join(base, dropInPath))).toThrow("ENOENT");
    update(["/a"]);
    rmSync(join(base, "a"), { recursive: true });
    expect(update([])).toEqual({ folders: [], changed: true });
    expect(() => lstatSync(join(base, dropInPath))).toThrow("ENOENT");
  });

  test("a folder that is gone leaves it", () => {
    folders("/a", "/b");
    update(["/a"]);
    rmSync(join(base, "a"), { recursive: true });
    expect(update(["/b"]).folders).toEqual(["/b"]);
  });

  test("what we would not write does not stay in it", () => {
    expect(foldersIn("/a\n\nrelative\n/b/\ninclude /x\n/c#\n/d\r\n/e f\n/g")).toEqual(["/a", "/e f", "/g"]);
  });
});

describe("musl's path file", () => {
  test("a new one keeps musl's own folders", () => {
    expect(withFolders(undefined, ["/a"])).toBe("/a\n/lib\n/usr/local/lib\n/usr/lib\n");
    expect(withFolders(undefined, ["/usr/lib"])).toBeUndefined();
    expect(withFolders(undefined, [])).toBeUndefined();
  });

  test("new folders come before what is there, which is split as musl splits it", () => {
    expect(withFolders("/x:/y\n\n/z", ["/b", "/y", "/a"])).toBe("/b\n/a\n/x\n/y\n/z\n");
    expect(withFolders("/x:/y", ["/y", "/x"])).toBe("/x:/y");
    expect(withFolders("", ["/a"])).toBe("/a\n");
  });

  const library = (elfClass: number): Uint8Array => Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, elfClass, 1, 1]);

  test("each loader gets the folders of its class, and twice is once", () => {
    for (const name of ["x86_64", "i386"]) file(`/lib/ld-musl-${name}.so.1`, "");
    expect(muslArchitectures(root).toSorted()).toEqual(["i386", "x86_64"]);
    file("/w/liba.so.1", library(2));
    file("/n/liba.so.1", library(1));
    file("/both/liba.so.1", library(1));
    file("/both/libb.so.1", library(2));
    file("/text/libc.so", "GROUP ( x )");
    updateMuslPaths(root, ["/w", "/n", "/both", "/text"], log);
    const wide = "/w\n/both\n/text\n/lib\n/usr/local/lib\n/usr/lib\n";
    expect(contentOf("/etc/ld-musl-x86_64.path")).toBe(wide);
    expect(contentOf("/etc/ld-musl-i386.path")).toBe("/n\n/both\n/lib\n/usr/local/lib\n/usr/lib\n");
    const before = lstatSync(join(base, "/etc/ld-musl-x86_64.path")).ino;
    updateMuslPaths(root, ["/both", "/w"], log);
    expect(contentOf("/etc/ld-musl-x86_64.path")).toBe(wide);
    expect(lstatSync(join(base, "/etc/ld-musl-x86_64.path")).ino).toBe(before);
  });

  test("one that is no file is an error", () => {
    file("/lib/ld-musl-x86_64.so.1", "");
    folders("/a", "/etc/ld-musl-x86_64.path");
    expect(() => updateMuslPaths(root, ["/a"], log)).toThrow("read /etc/ld-musl-x86_64.path");
  });
});
