import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { scratchDirectory } from "../../test/support/scratch.ts";
import { fromText, toText } from "../bytes/text.ts";
import { EACCES, EBUSY, EEXIST, EISDIR, ELOOP, ENOENT, ENOTDIR, EROFS, ESTALE } from "../kernel/errno.ts";
import { S_IFDIR } from "../kernel/constants.ts";
import { carryOut } from "./changes.ts";
import { entriesOf, type FileFacts } from "./directory.ts";
import { KernelRoot } from "./kernel-root.ts";
import { KernelSource } from "./kernel-source.ts";
import { overlayOf } from "./overlay.ts";
import type { Root } from "./root.ts";
import type { VirtualRoot } from "./virtual-root.ts";

let base: string;
let real: KernelRoot;
let tree: VirtualRoot;

beforeEach(() => {
  base = scratchDirectory();
  for (const folder of ["etc", "usr/lib", "proc", "sys"]) mkdirSync(join(base, folder), { recursive: true });
  writeFileSync(join(base, "etc/hosts"), "localhost");
  writeFileSync(join(base, "usr/lib/libx.so.1"), "x");
  symlinkSync("usr/lib", join(base, "lib"));
  symlinkSync("/lib/libx.so.1", join(base, "usr/lib/libx.so"));
  symlinkSync("../../../../etc", join(base, "up"));
  symlinkSync("loop", join(base, "loop"));
  real = KernelRoot.open(base);
  tree = overlayOf(real);
});

afterEach(() => {
  tree.close();
  real.close();
});

const paths = (
  "/ . .. /etc /etc/ /etc/. /etc/hosts /etc/hosts/ /etc/hosts/x /lib /lib/ lib /lib/libx.so /usr/lib/libx.so/ " +
  "/up /up/hosts /loop /loop/x /nothing /nothing/x /proc /proc/self /sys /usr/../proc/self " +
  "/lib/../../../etc/hosts //etc//hosts /usr/lib/libx.so.1"
).split(" ");

/** Of the facts, what every root tells. */
function facts(found: FileFacts | number): unknown {
  if (typeof found === "number") return found;
  const { type, mode, identity, size } = found;
  return { type, mode, identity, size };
}

function asked(root: Root, path: string, from: string): unknown {
  const opened = root.open(path, from);
  const known = root.openUnlessKnown(path, from, { has: () => true }, 0);
  const directory = root.directory(path, from);
  return {
    stat: facts(root.stat(path, from)),
    lstat: facts(root.lstat(path, from)),
    open: typeof opened === "number" ? opened : toText(opened.readAll(100) as Uint8Array),
    known: typeof known === "object" && "type" in known ? facts(known) : known,
    directory:
      typeof directory === "number"
        ? directory
        : { path: directory.path, links: directory.links, entries: entriesOf(directory.list()) },
  };
}

describe("a tree over a root that was not changed answers as the root does", () => {
  test.each(paths)("%j", (path) => {
    for (const from of ["/", "/etc", "/up", "/lib", "/nothing"])
      expect([from, asked(tree, path, from)]).toEqual([from, asked(real, path, from)]);
  });
});

test("and so do its directories, of single names", () => {
  const answers = (root: Root): unknown => {
    const directory = root.directory("/usr/lib");
    if (typeof directory === "number") return directory;
    return ["libx.so", "libx.so.1", "..", "", "a/b", "nothing"].map((name) => {
      const opened = directory.open(name);
      const link = directory.readlink(name);
      return [facts(directory.stat(name)), typeof opened === "number" ? opened : "open", link, directory.unlink("..")];
    });
  };
  expect(answers(tree)).toEqual(answers(real));
});

describe("what is changed", () => {
  test("is seen, is not done, and is done when it is carried out", () => {
    tree.replaceFile("/up/ld.so.conf.d/a.conf", fromText("a"), 0o644);
    const { directory, name } = tree.makeParents("/opt/new/link");
    expect([directory.symlink("t", name), directory.symlink("t", name), directory.replaceLink("u", name)]).toEqual([
      0,
      -EEXIST,
      0,
    ]);
    expect([tree.unlink("/etc/hosts"), tree.setMode("/usr/lib/libx.so", 0o600)]).toEqual([0, true]);
    expect(toText(tree.read("/etc/ld.so.conf.d/a.conf", 10) as Uint8Array)).toBe("a");
    expect(tree.stat("/etc/hosts")).toBe(-ENOENT);
    expect(existsSync(join(base, "opt"))).toBe(false);
    expect(tree.changes.map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      "directory /etc/ld.so.conf.d",
      "file /etc/ld.so.conf.d/a.conf",
      "directory /opt",
      "directory /opt/new",
      "link /opt/new/link",
      "removed /etc/hosts",
      "mode /usr/lib/libx.so.1",
    ]);
    carryOut(tree.changes, real);
    using again = overlayOf(real);
    for (const path of ["/etc", "/opt/new", "/usr/lib", "/etc/ld.so.conf.d"]) {
      const names = (root: Root): unknown => {
        const opened = root.directory(path);
        return typeof opened === "number"
          ? opened
          : entriesOf(opened.list())
              .map((entry) => `${entry.name} ${entry.type}`)
              .sort();
      };
      expect(names(again)).toEqual(names(tree));
    }
    expect(readFileSync(join(base, "etc/ld.so.conf.d/a.conf"), "latin1")).toBe("a");
    expect((again.stat("/usr/lib/libx.so.1") as FileFacts).mode).toBe(0o600);
  });

  test("and undone again is no change", () => {
    tree.replaceFile("/etc/new", fromText("a"), 0o644);
    expect(tree.unlink("/etc/new")).toBe(0);
    expect(tree.changes).toEqual([]);
    expect(tree.lstat("/etc/new")).toBe(-ENOENT);
  });

  test("twice is told once, a mode with the file", () => {
    tree.replaceFile("/etc/new", fromText("a"), 0o644);
    tree.replaceFile("/etc/new", fromText("b"), 0o644);
    tree.setMode("/etc/new", 0o600);
    expect(tree.changes).toEqual([{ kind: "file", path: "/etc/new", mode: 0o600, bytes: fromText("b") }]);
    expect(tree.isNew("/etc/new")).toBe(true);
  });

  test("is refused where the kernel's own root refuses it", () => {
    for (const root of [tree, real] as Root[]) {
      expect(root.unlink("/usr/lib")).toBe(-EISDIR);
      expect(root.unlink("/nothing")).toBe(-ENOENT);
      expect(root.setMode("/etc/hosts/", 0o600)).toBe(-ENOTDIR);
      expect(root.setMode("/loop", 0o600)).toBe(-ELOOP);
      for (const path of ["/proc/x", "/etc/hosts/x", "/", "/loop/x"])
        expect(() => root.replaceFile(path, fromText(""), 0o644)).toThrow(/make parents of/);
      expect(() => root.replaceFile("/usr/lib", fromText(""), 0o644)).toThrow(/directory/);
    }
  });

  test("a mode that is right already is no change", () => {
    chmodSync(join(base, "etc/hosts"), 0o640);
    expect(tree.setMode("/etc/hosts", 0o640)).toBe(false);
    expect(tree.changes).toEqual([]);
  });
});

describe("mounts laid over it", () => {
  let source: KernelSource;
  beforeEach(() => {
    source = new KernelSource();
    writeFileSync(join(base, "libcuda.so.580"), "driver");
    mkdirSync(join(base, "driver/sub"), { recursive: true });
    writeFileSync(join(base, "driver/sub/liby.so"), "y");
  });
  afterEach(() => source[Symbol.dispose]());

  const sourceAt = (path: string): never => source.at(join(base, path)) as never;

  test("a file over a placeholder, over nothing, and through a link", () => {
    writeFileSync(join(base, "usr/lib/libcuda.so.580"), "");
    for (const path of ["/lib/libcuda.so.580", "/opt/deep/libcuda.so.580"])
      expect(tree.mount(path, sourceAt("libcuda.so.580"))).toBe(0);
    expect(toText(tree.read("/usr/lib/libcuda.so.580", 10) as Uint8Array)).toBe("driver");
    expect(toText(tree.read("/opt/deep/libcuda.so.580", 10) as Uint8Array)).toBe("driver");
    const directory = tree.directory("/usr/lib");
    if (typeof directory === "number") throw new Error("no directory");
    expect([...directory.list().names].sort()).toEqual(["libcuda.so.580", "libx.so", "libx.so.1"]);
    expect(directory.replaceLink("x", "libcuda.so.580")).toBe(-EBUSY);
    expect(directory.unlink("libcuda.so.580")).toBe(-EBUSY);
    expect(tree.changes).toEqual([]);
  });

  test("a folder: what is below is read and not changed; a later mount hides it", () => {
    expect(tree.mount("/usr/lib/driver", sourceAt("driver"))).toBe(0);
    expect(tree.mount("/usr/lib/driver/sub/liby.so", sourceAt("libcuda.so.580"))).toBe(0);
    expect(toText(tree.read("/lib/driver/sub/liby.so", 10) as Uint8Array)).toBe("driver");
    expect(() => tree.replaceFile("/lib/driver/sub/z", fromText(""), 0o644)).toThrow(/EROFS/);
    expect(tree.setMode("/lib/driver/sub", 0o700)).toBe(-EROFS);
    expect(tree.mount("/usr", undefined)).toBe(0);
    expect(tree.stat("/usr/lib")).toBe(-ENOENT);
    expect(existsSync(join(base, "driver/sub/z"))).toBe(false);
  });

  test("the root itself, and /proc, cannot be laid over", () => {
    expect(tree.mount("/", undefined)).toBe(-EBUSY);
    expect(tree.mount("/../..", undefined)).toBe(-EBUSY);
    expect(tree.mount("/proc/driver", undefined)).toBe(-EACCES);
    expect(tree.mount("/proc", undefined)).toBe(-EACCES);
  });

  test("a source that is another file by then, or gone, is not opened", () => {
    expect(tree.mount("/usr/lib/libcuda.so.580", sourceAt("libcuda.so.580"))).toBe(0);
    renameSync(join(base, "libcuda.so.580"), join(base, "aside"));
    expect(tree.read("/usr/lib/libcuda.so.580", 10)).toBe(-ENOENT);
    writeFileSync(join(base, "libcuda.so.580"), "other");
    expect(tree.read("/usr/lib/libcuda.so.580", 10)).toBe(-ESTALE);
  });

  test("a device", () => {
    expect(tree.mount("/dev", undefined)).toBe(0);
    expect(tree.makeDevice("/dev/nvidia0", 0o666, { major: 195, minor: 0 })).toBe(0);
    const directory = tree.directory("/dev");
    if (typeof directory === "number") throw new Error("no directory");
    expect(directory.characterDevice("nvidia0")).toEqual({ major: 195, minor: 0 });
  });
});

test("hundreds of directories are read with few of them open", () => {
  for (let at = 0; at < 400; at += 1) {
    mkdirSync(join(base, `many/${at}/below`), { recursive: true });
    writeFileSync(join(base, `many/${at}/below/f`), `${at}`);
  }
  for (let round = 0; round < 2; round += 1)
    for (let at = 0; at < 400; at += 1)
      expect(toText(tree.read(`/many/${at}/below/f`, 10) as Uint8Array)).toBe(`${at}`);
});

test("a folder that is another one by now cannot be listed, and says so", () => {
  expect(tree.stat("/usr/lib")).toMatchObject({ type: S_IFDIR });
  renameSync(join(base, "usr/lib"), join(base, "usr/other"));
  const lib = tree.directory("/usr/lib");
  if (typeof lib === "number") throw new Error(`directory: ${lib}`);
  expect(lib.list()).toEqual({ names: [], types: [], ended: -ENOENT });
});
