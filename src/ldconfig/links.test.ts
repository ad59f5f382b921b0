import { lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { MACHINE } from "../../test/support/elf-forge.ts";
import { again, elf, linkIn, run, text } from "../../test/support/small-root.ts";

describe("soname links", () => {
  test("an empty root: a cache without entries", () => {
    const made = run({});
    const bytes = readFileSync(join(made.path, "etc/ld.so.cache"));
    expect(bytes.length).toBe(48 + 24 + made.profile.layout.generator.length);
    expect(bytes.readUInt32LE(32)).toBe(48);
  });

  test("a library: link and entry; the second run finds nothing to do", () => {
    const made = run({ "/opt/a/libone.so.1.2": elf("libone.so.1") });
    expect(made.links).toEqual(["made /opt/a/libone.so.1 -> libone.so.1.2"]);
    expect(linkIn(made, "opt/a/libone.so.1")).toBe("libone.so.1.2");
    expect(made.entries).toEqual(["libone.so.1 => /opt/a/libone.so.1"]);
    const inode = statSync(join(made.path, "etc/ld.so.cache")).ino;
    const second = again(made.path);
    expect([second.links, second.changed]).toEqual([[], false]);
    expect(statSync(join(made.path, "etc/ld.so.cache")).ino).toBe(inode);
  });

  test("a later version: relinked, numbers compared as numbers", () => {
    const made = run({
      "/opt/a/libtwo.so.1.2": elf("libtwo.so.1"),
      "/opt/a/libtwo.so.1.10": elf("libtwo.so.1"),
      "/opt/a/libtwo.so.1": "libtwo.so.1.2",
      "/opt/a/libtwo.so": "libtwo.so.1",
    });
    expect(made.links).toEqual(["replaced /opt/a/libtwo.so.1 -> libtwo.so.1.10"]);
    expect(made.entries).toEqual(["libtwo.so.1 => /opt/a/libtwo.so.1", "libtwo.so => /opt/a/libtwo.so"]);
  });

  test("a regular file of the soname's name is never replaced (WSL's libcuda.so.1)", () => {
    const made = run({ "/opt/a/libthree.so.1": elf("libthree.so.1"), "/opt/a/libthree.so.1.5": elf("libthree.so.1") });
    expect(made.links).toEqual(["failed /opt/a/libthree.so.1 -> libthree.so.1.5"]);
    expect(made.warnings).toEqual(["/opt/a: no link libthree.so.1: there is a file or folder of that name"]);
    expect(lstatSync(join(made.path, "opt/a/libthree.so.1")).isFile()).toBe(true);
    expect(made.entries).toEqual(["libthree.so.1 => /opt/a/libthree.so.1"]);
  });

  test("an empty file of the soname's name is replaced with settle only, and links to it are found", () => {
    const files = {
      "/opt/a/libnil.so.1": text(""),
      "/opt/a/libnil.so": "libnil.so.1",
      "/opt/a/libnil.so.1.5": elf("libnil.so.1"),
    };
    const plain = run(files);
    expect(plain.links).toEqual(["failed /opt/a/libnil.so.1 -> libnil.so.1.5"]);
    expect(plain.entries).toEqual(["libnil.so.1 => /opt/a/libnil.so.1"]);
    const made = run(files, {}, { settle: true });
    expect(made.links).toEqual(["replaced /opt/a/libnil.so.1 -> libnil.so.1.5"]);
    expect(made.entries).toEqual(["libnil.so.1 => /opt/a/libnil.so.1", "libnil.so => /opt/a/libnil.so"]);
    expect([again(made.path).changed, again(made.path, {}, { settle: true }).links]).toEqual([false, []]);
  });

  test("a folder of the soname's name", () => {
    const made = run({ "/opt/a/libfour.so.1": "", "/opt/a/libfour.so.1.5": elf("libfour.so.1") });
    expect(made.entries).toEqual(["libfour.so.1 => /opt/a/libfour.so.1"]);
    expect(lstatSync(join(made.path, "opt/a/libfour.so.1")).isDirectory()).toBe(true);
  });

  test("links to nowhere: removed if versioned", () => {
    const files = { "/opt/a/libstale.so.3": "gone", "/opt/a/libstale.so": "gone" };
    const made = run(files);
    expect(made.links).toEqual(["removed /opt/a/libstale.so.3"]);
    expect(readdirSync(join(made.path, "opt/a"))).toEqual(["libstale.so"]);
    expect(run(files, {}, { links: false }).links).toEqual([]);
    expect(run(files, { glibc: "2.17" }, { links: false }).links).toEqual(["removed /opt/a/libstale.so.3"]);
  });

  test("a link to a version that is gone", () => {
    const made = run({ "/opt/a/libfive.so.1": "libfive.so.1.0", "/opt/a/libfive.so.1.1": elf("libfive.so.1") });
    expect(linkIn(made, "opt/a/libfive.so.1")).toBe("libfive.so.1.1");
  });

  test("a compiler's link straight to the file", () => {
    const made = run({ "/opt/a/libsix.so": "libsix.so.6.0", "/opt/a/libsix.so.6.0": elf("libsix.so.6") });
    expect(made.entries).toEqual(["libsix.so.6 => /opt/a/libsix.so.6", "libsix.so => /opt/a/libsix.so"]);
    expect(linkIn(made, "opt/a/libsix.so.6")).toBe("libsix.so.6.0");
  });

  test("a link into another folder, absolute", () => {
    const made = run({
      "/etc/ld.so.conf": text("/opt/a\n/opt/b\n"),
      "/opt/a/libseven.so.7": "/opt/b/libseven.so.7.0",
      "/opt/b/libseven.so.7.0": elf("libseven.so.7"),
    });
    expect(made.entries).toEqual(["libseven.so.7 => /opt/a/libseven.so.7", "libseven.so.7 => /opt/b/libseven.so.7"]);
    expect(made.links).toEqual(["made /opt/b/libseven.so.7 -> libseven.so.7.0"]);
  });

  test("a link of a foreign name counts as a file", () => {
    const made = run({ "/opt/a/libother.so.9": "libeight.so.8.1", "/opt/a/libeight.so.8.1": elf("libeight.so.8") });
    expect(made.entries).toEqual(["libeight.so.8 => /opt/a/libeight.so.8"]);
    expect(linkIn(made, "opt/a/libeight.so.8")).toBe("libother.so.9");
  });

  test("no soname: the file's name, which 2.37 cuts", () => {
    const files = {
      "/opt/a/libnine.so.9.9.9": elf(),
      "/opt/a/libnine.so.9": "libnine.so.9.9.9",
      "/opt/a/libnine.so": "libnine.so.9.9.9",
    };
    expect(run(files).entries.map((line) => line.split(" ")[0])).toEqual([
      "libnine.so.9.9.9",
      "libnine.so.9",
      "libnine.so",
    ]);
    const made = run({ "/opt/a/libnine.so.9.9.9": elf() }, { glibc: "2.37" });
    expect(made.links).toEqual(["made /opt/a/libnine.so.9 -> libnine.so.9.9.9"]);
  });

  test("a hard link with a greater name", () => {
    const made = run({ "/opt/a/libone.so.1.2": elf("libone.so.1") }, {}, {}, [
      { kind: "hard-link", path: "/opt/a/libone_h.so.1", to: "/opt/a/libone.so.1.2" },
    ]);
    expect(linkIn(made, "opt/a/libone.so.1")).toBe("libone_h.so.1");
  });

  test("Debian leaves the dynamic linker's link alone, and makes it when it is missing", () => {
    const files = {
      "/opt/a/ld-linux-x86-64.so.2.9": elf("ld-linux-x86-64.so.2"),
      "/opt/a/ld-2.36.so": elf("ld-linux-x86-64.so.2"),
    };
    const link = { "/opt/a/ld-linux-x86-64.so.2": "ld-linux-x86-64.so.2.9" };
    expect(run({ ...files, ...link }).links).toEqual([]);
    expect(run({ ...files, ...link }, { distribution: "upstream" }).links).toEqual([
      "replaced /opt/a/ld-linux-x86-64.so.2 -> ld-2.36.so",
    ]);
    expect(run(files).links).toEqual(["made /opt/a/ld-linux-x86-64.so.2 -> ld-2.36.so"]);
  });

  test("links: false only writes the cache", () => {
    const made = run({ "/opt/a/libone.so.1.2": elf("libone.so.1") }, {}, { links: false });
    expect(made.entries).toEqual(["libone.so.1 => /opt/a/libone.so.1"]);
    expect(readdirSync(join(made.path, "opt/a"))).toEqual(["libone.so.1.2"]);
  });
});

describe("settling in one run", () => {
  const driver = {
    "/opt/a/libcuda.so.550.1": elf("libcuda.so.1"),
    "/opt/a/libcuda.so": "libcuda.so.1",
    "/opt/a/libold.so.2": "libcuda.so.1",
  };

  test("ldconfig needs a second run for a link to a link that it makes", () => {
    const made = run(driver);
    expect(made.entries).toEqual(["libcuda.so.1 => /opt/a/libcuda.so.1"]);
    expect(made.links).toContain("removed /opt/a/libold.so.2");
    expect(again(made.path).changed).toBe(true);
  });

  test("with settle, the second run finds nothing to do", () => {
    const made = run(driver, {}, { settle: true });
    expect(made.entries).toEqual(["libcuda.so.1 => /opt/a/libcuda.so.1", "libcuda.so => /opt/a/libcuda.so"]);
    expect(made.links.filter((line) => line.startsWith("removed"))).toEqual([]);
    const { changed, entries, links } = again(made.path);
    expect([changed, links, entries]).toEqual([false, [], made.entries]);
  });

  test("what leads nowhere in the end is removed", () => {
    const made = run({ ...driver, "/opt/a/libgone.so.1": "libgone.so.1.0" }, {}, { settle: true });
    expect(made.links).toContain("removed /opt/a/libgone.so.1");
    expect(again(made.path).changed).toBe(false);
  });

  test("two types of one soname: the listing's order decides, and a new link changes it", () => {
    const types = { bits: 32, machine: MACHINE.EM_386, needed: ["libc.so.6"] } as const;
    const made = run(
      { "/opt/a/libx.so.1.0": elf("libx.so.1", types), "/opt/a/libx.so.2.0": elf("libx.so.1") },
      {},
      { settle: true },
    );
    expect(linkIn(made, "opt/a/libx.so.1")).toBe("libx.so.2.0");
    expect(again(made.path).changed).toBe(false);
  });

  test("a link into a later folder", () => {
    const made = run(
      {
        "/etc/ld.so.conf": text("/opt/a\n/opt/b\n"),
        "/opt/a/libx.so.1": "../b/libx.so.1",
        "/opt/b/libx.so.1.0": elf("libx.so.1"),
      },
      {},
      { settle: true },
    );
    expect(made.entries).toEqual(["libx.so.1 => /opt/a/libx.so.1", "libx.so.1 => /opt/b/libx.so.1"]);
    expect([again(made.path).changed, again(made.path, {}, { settle: true }).links]).toEqual([false, []]);
  });
});

describe("sonames of an attacker", () => {
  test("with a slash: no link anywhere", () => {
    const made = run({
      "/opt/a/libten.so.1": elf("sub/libten.so.1"),
      "/opt/a/sub": "",
      "/opt/a/libup.so.1": elf("../../etc/libup.so.1"),
    });
    expect(readdirSync(join(made.path, "opt/a/sub"))).toEqual([]);
    expect(readdirSync(join(made.path, "etc")).toSorted()).toEqual(["ld.so.cache", "ld.so.conf"]);
    expect(made.entries).toEqual([
      "sub/libten.so.1 => /opt/a/sub/libten.so.1",
      "../../etc/libup.so.1 => /opt/a/../../etc/libup.so.1",
    ]);
    expect(made.warnings).toHaveLength(1);
  });

  test.each(["", ".", ".."])("%j", (soname) => {
    const made = run({ "/opt/a/libx.so.1": elf(soname) });
    expect(made.links).toEqual([`failed /opt/a/${soname} -> libx.so.1`]);
    expect(made.entries).toEqual([`${soname} => /opt/a/${soname}`]);
  });

  test("of 255 bytes and of 300", () => {
    const made = run({ "/opt/a/libx.so.1": elf("x".repeat(300)), "/opt/a/liby.so.1": elf("y".repeat(255)) });
    expect(new Set(made.links.map((line) => line.split(" ")[0]))).toEqual(new Set(["failed", "made"]));
  });

  test("control bytes and bytes that are no UTF-8", () => {
    const made = run({ "/opt/a/libx.so.1": elf("\x01\n\xff.so") });
    expect(made.links).toEqual(["made /opt/a/\x01\n\xff.so -> libx.so.1"]);
  });
});
