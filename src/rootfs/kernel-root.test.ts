import { execFileSync } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { scratchDirectory } from "../../test/support/scratch.ts";
import { HookError } from "../errors.ts";
import { S_IFDIR, S_IFLNK, S_IFREG } from "../kernel/constants.ts";
import { EACCES, EFBIG, EINVAL, EISDIR, ELOOP, ENOENT, ENOTDIR } from "../kernel/errno.ts";
import type { Directory } from "./directory.ts";
import { KernelRoot } from "./kernel-root.ts";
import type { Root } from "./root.ts";

let top: string;
let base: string;
let root: Root;
beforeEach(() => {
  top = scratchDirectory();
  base = join(top, "root");
  mkdirSync(join(base, "usr/lib"), { recursive: true });
  symlinkSync("usr/lib", join(base, "lib"));
  mkdirSync(join(top, "outside"));
  writeFileSync(join(top, "outside/secret"), "secret");
  root = KernelRoot.open(base);
  onTestFinished(() => root.close());
});

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

function codeOf(action: () => unknown): string | undefined {
  try {
    action();
  } catch (error) {
    return error instanceof HookError ? error.code : String(error);
  }
  return undefined;
}

function directoryAt(path: string, from?: string): Directory | number {
  const directory = root.directory(path, from);
  if (typeof directory !== "number") onTestFinished(() => directory.close());
  return directory;
}

function pathOf(path: string, from?: string): string | number {
  const directory = directoryAt(path, from);
  return typeof directory === "number" ? directory : directory.path;
}

function textAt(path: string): string | number {
  const read = root.read(path, 100);
  return typeof read === "number" ? read : Buffer.from(read).toString();
}

describe("open", () => {
  test("the host's root is refused under all of its names", () => {
    symlinkSync("/", join(top, "slash"));
    for (const path of ["/", "//", "/.", "/usr/..", "/proc/self/root", join(top, "slash"), join(top, "slash/.")]) {
      expect(
        codeOf(() => KernelRoot.open(path)),
        path,
      ).toBe("root");
    }
  });

  test("what is no directory is refused", () => {
    expect(codeOf(() => KernelRoot.open(""))).toBe("root");
    expect(codeOf(() => KernelRoot.open(join(top, "missing")))).toBe("root");
    expect(codeOf(() => KernelRoot.open(join(top, "outside/secret")))).toBe("root");
  });

  test("a root that is a link of the host is the directory that it leads to", () => {
    symlinkSync("root", join(top, "link"));
    using linked = KernelRoot.open(join(top, "link"));
    expect(linked.identity).toBe(root.identity);
  });
});

describe("looking", () => {
  beforeEach(() => {
    writeFileSync(join(base, "usr/lib/file"), "inside");
    symlinkSync("../usr/lib/file", join(base, "usr/relative"));
    symlinkSync("/lib/file", join(base, "absolute"));
    symlinkSync(join(top, "outside/secret"), join(base, "host"));
    symlinkSync(`../../../../../../../..${top}/outside/secret`, join(base, "climbing"));
    symlinkSync("loop", join(base, "loop"));
  });

  test("links are followed inside the root", () => {
    for (const path of ["/lib/file", "/usr/relative", "absolute", "/../absolute", "/lib/../lib/file"]) {
      expect(textAt(path), path).toBe("inside");
      expect(root.stat(path), path).toMatchObject({ type: S_IFREG, size: 6 });
    }
    expect(root.lstat("/absolute")).toMatchObject({ type: S_IFLNK });
    expect(root.lstat("/lib/file")).toMatchObject({ type: S_IFREG });
    expect(root.stat("/lib")).toMatchObject({ type: S_IFDIR });
  });

  test("and never out of it", () => {
    for (const path of ["/host", "/climbing", "/../outside/secret", `${top}/outside/secret`]) {
      expect(textAt(path), path).toBe(-ENOENT);
      expect(root.stat(path), path).toBe(-ENOENT);
      expect(pathOf(path), path).toBe(-ENOENT);
    }
    expect(root.lstat("/host")).toMatchObject({ type: S_IFLNK });
  });

  test("the root's own directory is the top", () => {
    for (const path of ["/", "..", "/..", "lib/../../..", "."]) {
      expect(pathOf(path), path).toBe("/");
      expect(root.stat(path), path).toEqual(root.lstat("/"));
    }
  });

  test("directories have the path that they have without links", () => {
    expect(pathOf("/lib")).toBe("/usr/lib");
    expect(pathOf("/lib/..")).toBe("/usr");
    expect(pathOf("lib", "/")).toBe("/usr/lib");
    expect(pathOf("../lib", "/lib")).toBe("/usr/lib");
    expect(pathOf("/lib", "/nowhere")).toBe("/usr/lib");
    expect(pathOf("x", "/nowhere")).toBe(-ENOENT);
    expect(pathOf("/lib/file")).toBe(-ENOTDIR);
    expect(pathOf("/loop")).toBe(-ELOOP);
  });

  test("only regular files are opened and read", () => {
    execFileSync("mkfifo", [join(base, "fifo")]);
    expect(root.open("/fifo")).toBe(-EINVAL);
    expect(root.open("/lib")).toBe(-EISDIR);
    expect(root.open("/")).toBe(-EISDIR);
    expect(root.open("/loop")).toBe(-ELOOP);
    expect(root.read("/lib/file", 5)).toBe(-EFBIG);
  });

  test("/proc and /sys of the root are not looked into", () => {
    mkdirSync(join(base, "proc/self"), { recursive: true });
    mkdirSync(join(base, "sys"));
    writeFileSync(join(base, "proc/self/x"), "x");
    symlinkSync("/proc", join(base, "usr/kernel"));
    expect(textAt("/proc/self/x")).toBe(-EACCES);
    expect(textAt("/usr/kernel/self/x")).toBe(-EACCES);
    for (const path of ["/proc", "/sys", "/usr/kernel", "/proc/self", "/usr/../proc"]) {
      expect(pathOf(path), path).toBe(-EACCES);
    }
    expect(root.stat("/proc")).toMatchObject({ type: S_IFDIR });
  });

  test("a /proc that is a link leads into the root and nowhere else", () => {
    symlinkSync("/usr/lib", join(base, "proc"));
    expect([-EACCES, "/usr/lib"]).toContain(pathOf("/proc"));
    expect([-EACCES, "inside"]).toContain(textAt("/proc/file"));
  });

  test("a mount that is crossed belongs to the container; links in it do too", (context) => {
    if (process.getuid?.() !== 0) context.skip("needs root");
    mkdirSync(join(base, "usr/p"));
    execFileSync("mount", ["-t", "proc", "proc", join(base, "usr/p")]);
    onTestFinished(() => void execFileSync("umount", [join(base, "usr/p")]));
    expect(pathOf("/usr/p")).toBe("/usr/p");
    // Magic links are text: `/`, and a path of the host that the root does not have.
    expect(pathOf("/usr/p/self/root")).toBe("/");
    expect(pathOf("/usr/p/self/root/usr")).toBe("/usr");
    expect(pathOf("/usr/p/self/cwd")).toBe(-ENOENT);
    expect(realpathSync(join(base, "usr/p/self/cwd"))).toBe(process.cwd());
    const descriptor = process.pid;
    for (const number of readdirSync(`/proc/${descriptor}/fd`)) {
      const found = pathOf(`/usr/p/${descriptor}/fd/${number}`);
      expect(typeof found === "number" || found === "/", `${number}: ${found}`).toBe(true);
    }
    expect(codeOf(() => root.replaceFile("/usr/p/sys/kernel/core_pattern", bytes("x"), 0o644))).toBe("kernel");
    expect(codeOf(() => root.makeParents("/usr/p/new/x"))).toBe("kernel");
    expect(root.unlink("/usr/p/cmdline")).toBe(-EACCES);
  });
});

describe("changing", () => {
  test("replaceFile makes parents and follows links of parents inside the root", () => {
    symlinkSync(join(top, "outside"), join(base, "etc"));
    root.replaceFile("/etc/a/b", bytes("x"), 0o640);
    const made = join(base, top, "outside/a/b");
    expect(readFileSync(made, "utf8")).toBe("x");
    expect(lstatSync(made).mode & 0o7777).toBe(0o640);
    expect(readdirSync(join(top, "outside"))).toEqual(["secret"]);
  });

  test("replaceFile does not follow a link in the file's own place", () => {
    symlinkSync(join(top, "outside/secret"), join(base, "f"));
    root.replaceFile("/f", bytes("x"), 0o644, true);
    expect(lstatSync(join(base, "f")).isFile()).toBe(true);
    expect(readFileSync(join(top, "outside/secret"), "utf8")).toBe("secret");
  });

  test("what cannot be done is a HookError, and leaves nothing behind", () => {
    writeFileSync(join(base, "file"), "");
    mkdirSync(join(base, "proc"));
    for (const path of ["/file/x", "/usr", "/", "/usr/..", "/proc/x", "/proc", "/sys/x"]) {
      expect(
        codeOf(() => root.replaceFile(path, bytes("x"), 0o644)),
        path,
      ).toBe("kernel");
    }
    expect(readdirSync(base).sort()).toEqual(["file", "lib", "proc", "usr"]);
    expect(readdirSync(join(base, "usr"))).toEqual(["lib"]);
  });

  test("makeParents answers with the directory and the name", () => {
    const { directory, name } = root.makeParents("/lib/new/x");
    using holder = directory;
    expect([holder.path, name]).toEqual(["/usr/lib/new", "x"]);
    expect(holder.symlink("t", name)).toBe(0);
    expect(readlinkSync(join(base, "usr/lib/new/x"))).toBe("t");
  });

  test("unlink removes a link, not what it leads to", () => {
    symlinkSync("/usr/lib/file", join(base, "l"));
    writeFileSync(join(base, "usr/lib/file"), "");
    expect(root.unlink("/l")).toBe(0);
    expect(root.unlink("/lib")).toBe(0);
    expect(root.unlink("/usr")).toBe(-EISDIR);
    expect(root.unlink("/..")).toBe(-EISDIR);
    expect(readdirSync(base)).toEqual(["usr"]);
    expect(readdirSync(join(base, "usr/lib"))).toEqual(["file"]);
  });
});

test("descriptors are closed", () => {
  symlinkSync("loop", join(base, "loop"));
  const before = readdirSync("/proc/self/fd").length;
  for (let at = 0; at < 20; at++) {
    root.stat("/lib/missing");
    root.lstat("/lib");
    root.read("/loop", 10);
    root.unlink("/lib/x/y");
    root.directory("/lib/x");
    root.replaceFile("/lib/f", bytes("x"), 0o644);
    codeOf(() => root.replaceFile("/usr", bytes("x"), 0o644));
    codeOf(() => KernelRoot.open("/"));
  }
  expect(readdirSync("/proc/self/fd").length).toBe(before);
});

test("ways that are kept are closed with the root, or when something is mounted", (context) => {
  const before = readdirSync("/proc/self/fd").length;
  {
    using keeping = KernelRoot.open(base);
    keeping.keepWays();
    expect(keeping.stat("/lib/file")).toBe(-ENOENT);
    writeFileSync(join(base, "usr/lib/file"), "");
    expect(keeping.stat("/usr/lib/file")).toMatchObject({ type: S_IFREG });
    expect(readdirSync("/proc/self/fd").length).toBe(before + 3);
  }
  expect(readdirSync("/proc/self/fd").length).toBe(before);
  if (process.getuid?.() !== 0) context.skip("needs root");
  using keeping = KernelRoot.open(base);
  keeping.keepWays();
  expect(keeping.stat("/usr/lib/file")).toMatchObject({ type: S_IFREG });
  execFileSync("mount", ["-t", "tmpfs", "tmpfs", join(base, "usr")]);
  onTestFinished(() => void execFileSync("umount", [join(base, "usr")]));
  keeping.forgetWays();
  expect(keeping.stat("/usr/lib/file")).toBe(-ENOENT);
});
