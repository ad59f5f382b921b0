import { describe, expect, test } from "vitest";
import { scratchDirectory } from "../../test/support/scratch.ts";
import { writeTree, type TreeEntry } from "../../test/support/tree-entries.ts";
import type { Log } from "../logger.ts";
import { KernelRoot } from "../rootfs/kernel-root.ts";
import { readConfiguration, type ConfigurationRules, type KeptFile } from "./configuration.ts";

const old: ConfigurationRules = { libraryTypes: true, hwcapLines: true, hwcapCount: 12 };
const later: ConfigurationRules = { libraryTypes: false, hwcapLines: false, hwcapCount: 0 };

interface Read {
  paths: string[];
  types: number[];
  hwcaps: Record<string, number>;
  warnings: string[];
  origins: string[];
}

function read(files: Record<string, string>, rules = old, more: TreeEntry[] = []): Read {
  const path = scratchDirectory();
  const directories = new Set(["/etc"]);
  for (const name of Object.keys(files)) {
    const parts = name.split("/").slice(1, -1);
    parts.forEach((_, index) => directories.add(`/${parts.slice(0, index + 1).join("/")}`));
  }
  writeTree(path, [
    ...[...directories].map((directory) => ({ kind: "directory", path: directory }) as const),
    ...Object.entries(files).map(
      ([name, content]) =>
        ({ kind: "file", path: name, bytes: Uint8Array.from(Buffer.from(content, "latin1")) }) as const,
    ),
    ...more,
  ]);
  const warnings: string[] = [];
  const log: Log = { debugging: false, debug: () => undefined, warn: (message) => warnings.push(message) };
  using root = KernelRoot.open(path);
  const { folders, hwcaps } = readConfiguration(root, "/etc/ld.so.conf", rules, log);
  return {
    paths: folders.map((folder) => folder.path),
    types: folders.map((folder) => folder.type),
    hwcaps: Object.fromEntries(hwcaps),
    warnings,
    origins: folders.map(({ origin }) => `${origin.file}:${origin.line}`),
  };
}

describe("files that are kept", () => {
  const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));
  const log: Log = { debugging: false, debug: () => undefined, warn: () => undefined };

  test("are not read again, new ones are, and so is what a link leads to", () => {
    const path = scratchDirectory();
    writeTree(path, [
      { kind: "directory", path: "/etc" },
      { kind: "directory", path: "/etc/c.d" },
      { kind: "file", path: "/etc/ld.so.conf", bytes: bytes("include c.d/*.conf\n/opt/z\n") },
      { kind: "file", path: "/etc/c.d/b.conf", bytes: bytes("/opt/b\n") },
      { kind: "file", path: "/etc/linked", bytes: bytes("/opt/c\n") },
      { kind: "link", path: "/etc/c.d/c.conf", target: "../linked" },
    ]);
    using root = KernelRoot.open(path);
    const kept = new Map<string, KeptFile>();
    const folders = (): string[] =>
      readConfiguration(root, "/etc/ld.so.conf", later, log, "/", undefined, kept).folders.map((folder) => folder.path);
    expect(folders()).toEqual(["/opt/b", "/opt/c", "/opt/z"]);
    expect([...kept.keys()]).toEqual(["/etc/ld.so.conf", "/etc/c.d/b.conf"]);
    for (const name of ["c.d/a.conf", "c.d/b.conf", "linked"]) {
      root.replaceFile(`/etc/${name}`, bytes(`/new/${name}\n`), 0o644);
    }
    expect(folders()).toEqual(["/new/c.d/a.conf", "/opt/b", "/new/linked", "/opt/z"]);
    kept.delete("/etc/c.d/b.conf");
    expect(folders()).toEqual(["/new/c.d/a.conf", "/new/c.d/b.conf", "/new/linked", "/opt/z"]);
  });

  test("may not include themselves either", () => {
    const path = scratchDirectory();
    writeTree(path, [
      { kind: "directory", path: "/etc" },
      { kind: "file", path: "/etc/ld.so.conf", bytes: bytes("/opt/a\ninclude /etc/ld.so.conf\n") },
    ]);
    using root = KernelRoot.open(path);
    const kept = new Map<string, KeptFile>();
    for (const _ of [1, 2]) {
      const { folders } = readConfiguration(root, "/etc/ld.so.conf", later, log, "/", undefined, kept);
      expect(folders.map((folder) => folder.path)).toEqual(["/opt/a"]);
    }
  });
});

const main = (content: string): Record<string, string> => ({ "/etc/ld.so.conf": content });

describe("lines", () => {
  test.each([
    ["/opt/a", ["/opt/a"]],
    ["/opt/a\n/opt/b\n", ["/opt/a", "/opt/b"]],
    ["# comment\n\n \t/opt/a # x", ["/opt/a"]],
    ["/opt/a\0/b\n/opt/c", ["/opt/a", "/opt/c"]],
    ["/opt/a\r\n", ["/opt/a"]],
    ["/opt/a///", ["/opt/a"]],
    ["/opt/a/\t", ["/opt/a"]],
    ["/opt/a/ //", ["/opt/a/ "]],
    ["/", []],
    ["///", []],
    ["/a /b", ["/a /b"]],
    ["/a,/b:/c", ["/a,/b:/c"]],
    ["opt/relative", ["opt/relative"]],
    ["include", ["include"]],
    ["includeX /a", ["includeX /a"]],
    ["Include /a", ["Include /a"]],
    ["hwcap", ["hwcap"]],
    ["/opt/a\n/opt/a", ["/opt/a", "/opt/a"]],
  ])("%j", (content, paths) => {
    expect(read(main(content)).paths).toEqual(paths);
  });

  test("where a folder was named", () => {
    expect(read(main("\n# x\n/opt/a\n")).origins).toEqual(["/etc/ld.so.conf:3"]);
  });

  test("a missing file, a folder, and a link that leads out name nothing", () => {
    expect(read({}).paths).toEqual([]);
    expect(read({}, old, [{ kind: "directory", path: "/etc/ld.so.conf" }]).paths).toEqual([]);
    expect(read({}, old, [{ kind: "link", path: "/etc/ld.so.conf", target: "/../../../../etc/passwd" }]).paths).toEqual(
      [],
    );
    expect(read({}, old, [{ kind: "fifo", path: "/etc/ld.so.conf" }]).paths).toEqual([]);
  });
});

describe("library types", () => {
  test("up to 2.36", () => {
    const { paths, types, warnings } = read(
      main("/a=libc6\n/b=libc5\n/c=libc4\n/d=glibc2\n/e\n/f=foo\n/g= libc6\n/h/ =libc6"),
    );
    expect(paths).toEqual(["/a", "/b", "/c", "/d", "/e", "/f", "/g", "/h"]);
    expect(types).toEqual([3, 2, 0, 3, -1, -1, -1, 3]);
    expect(warnings).toHaveLength(2);
  });

  test("later", () => {
    expect(read(main("/a=libc6"), later).paths).toEqual(["/a=libc6"]);
  });
});

describe("include", () => {
  test("sorted bytewise, hidden files left out, relative to the including file", () => {
    const files = {
      "/etc/ld.so.conf": "/first\ninclude ld.so.conf.d/*.conf\n/last\n",
      "/etc/ld.so.conf.d/Z.conf": "/Z",
      "/etc/ld.so.conf.d/a.conf": "/a",
      "/etc/ld.so.conf.d/10-z.conf": "/10-z",
      "/etc/ld.so.conf.d/.hidden.conf": "/hidden",
    };
    const { origins, paths } = read(files);
    expect(paths).toEqual(["/first", "/10-z", "/Z", "/a", "/last"]);
    expect(origins[1]).toBe("/etc/ld.so.conf.d/10-z.conf:1");
  });

  test("several patterns in a line, blanks between them", () => {
    const files = { "/etc/ld.so.conf": "include\t/b  /a /none*", "/a": "/x", "/b": "/y" };
    expect(read(files).paths).toEqual(["/y", "/x"]);
  });

  test("includes itself: once, with a warning", () => {
    const { paths, warnings } = read(main("/a\ninclude /etc/ld.so.conf\ninclude ld.so.conf\n/b"));
    expect(paths).toEqual(["/a", "/b"]);
    expect(warnings).toHaveLength(2);
  });

  test("a circle of files", () => {
    const files = { "/etc/ld.so.conf": "include /one\n/a", "/one": "include /two\n/b", "/two": "include /one\n/c" };
    expect(read(files).paths).toEqual(["/c", "/b", "/a"]);
  });

  test("the same file twice, one after the other", () => {
    expect(read({ "/etc/ld.so.conf": "include /one /one", "/one": "/x" }).paths).toEqual(["/x", "/x"]);
  });

  test("links are followed inside the root", () => {
    const files = { "/etc/ld.so.conf": "include /link/*.conf", "/opt/x.conf": "/x" };
    expect(read(files, old, [{ kind: "link", path: "/link", target: "../../../opt" }]).paths).toEqual(["/x"]);
  });
});

describe("bounds", () => {
  test("a tree of includes that doubles at each level", () => {
    const files: Record<string, string> = main("include /0 /0");
    for (let level = 0; level < 40; level += 1) files[`/${level}`] = `include /${level + 1} /${level + 1}`;
    const { warnings } = read(files);
    expect(warnings.some((warning) => warning.includes("too much configuration"))).toBe(true);
  });

  test("a chain of includes", () => {
    const files: Record<string, string> = main("include /0");
    for (let level = 0; level < 100; level += 1) files[`/${level}`] = `include /${level + 1}\n/folder`;
    const { warnings } = read(files);
    expect(warnings).toEqual(["/64: included more than 64 levels deep, ignored"]);
  });

  test("too many folders", () => {
    const { paths, warnings } = read(main("/x\n".repeat(5000)));
    expect(paths).toHaveLength(4096);
    expect(warnings).toHaveLength(1);
  });

  test("a file of many megabytes", () => {
    const { warnings } = read(main(`/a\n${"#".repeat(5 << 20)}\n/b`));
    expect(warnings).toHaveLength(1);
  });

  test("a file of newlines", () => {
    expect(read(main("\n".repeat(4_000_000))).paths).toEqual([]);
  });
});

describe("hwcap lines", () => {
  test("up to 2.31: names of capability folders", () => {
    const { hwcaps, paths, warnings } = read(main("hwcap 0 foo\nHWCAP\t 0x1  bar \nhwcap 010 octal\nhwcap 0 foo"));
    expect(hwcaps).toEqual({ tls: 11, foo: 0, bar: 1, octal: 8 });
    expect(paths).toEqual([]);
    expect(warnings).toEqual([]);
  });

  test.each(["hwcap x foo", "hwcap 1", "hwcap 1 a b", "hwcap 12 foo", "hwcap -1 foo", "hwcap 11 foo", "hwcap 3 tls"])(
    "%s: ignored, where ldconfig gives up",
    (line) => {
      const { hwcaps, warnings } = read(main(line));
      expect(hwcaps).toEqual({ tls: 11 });
      expect(warnings).toHaveLength(1);
    },
  );

  test("two names for a number, two numbers for a name", () => {
    expect(read(main("hwcap 1 a\nhwcap 1 b\nhwcap 2 a")).hwcaps).toEqual({ tls: 11, a: 1 });
  });

  test("later: ignored", () => {
    expect(read(main("hwcap 0 foo\n/a"), later)).toMatchObject({ hwcaps: {}, paths: ["/a"] });
  });
});
