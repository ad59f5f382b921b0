import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { abiNote, ET_EXEC, ET_REL, MACHINE } from "../../test/support/elf-forge.ts";
import { elf, run, text } from "../../test/support/small-root.ts";

describe("what is no library", () => {
  test.each([
    ["a program", elf("x", { type: ET_EXEC })],
    ["an object", elf("x", { type: ET_REL })],
    ["the other byte order", elf("x", { bigEndian: true })],
    ["another machine", elf("x", { machine: MACHINE.EM_AARCH64 })],
    ["a text", text("x".repeat(70))],
    ["a linker script", text("INPUT(-lx)")],
    ["nothing", text("")],
    ["a header and no more", elf("x", { truncate: 64 })],
    ["no dynamic section", elf("x", { noDynamic: true })],
  ])("%s", (_what, bytes) => {
    const made = run({ "/opt/a/libx.so.1": bytes });
    expect([made.entries, made.links, made.warnings]).toEqual([[], [], []]);
  });

  test("folders, FIFOs and links to them, and names that are no library's", () => {
    const made = run(
      { "/opt/a/libdir.so": "sub", "/opt/a/sub": "", "/opt/a/plain": elf("x"), "/opt/a/libfifo.so.2": "libfifo.so" },
      {},
      {},
      [{ kind: "fifo", path: "/opt/a/libfifo.so" }],
    );
    expect(made.entries).toEqual([]);
  });

  test("a link loop, and one to the host's files", () => {
    const made = run({
      "/opt/a/liba.so.1": "libb.so.1",
      "/opt/a/libb.so.1": "liba.so.1",
      "/opt/a/libc.so.6": `../../../../../../../../${process.execPath}`,
    });
    expect(made.entries).toEqual([]);
    expect(made.links).toHaveLength(3);
  });

  test.each([
    [20, 20, []],
    [40, 0, []],
    [20, 21, ["removed /opt/a/liba.so.0"]],
    [1, 40, ["removed /opt/a/liba.so.0"]],
    [41, 0, ["removed /opt/a/liba.so.0"]],
  ])("links in two folders, %d and %d: Linux follows forty together", (inFirst, inSecond, removed) => {
    const files: Record<string, string | Uint8Array> = { [`/opt/b/libz.so.${inSecond}`]: elf("libx.so.1") };
    for (let at = 0; at < inFirst - 1; at += 1) files[`/opt/a/liba.so.${at}`] = `liba.so.${at + 1}`;
    files[`/opt/a/liba.so.${inFirst - 1}`] = "../b/libz.so.0";
    for (let at = 0; at < inSecond; at += 1) files[`/opt/b/libz.so.${at}`] = `libz.so.${at + 1}`;
    expect(run(files).links.filter((link) => link.startsWith("removed"))).toEqual(removed);
  });

  test("a link into /proc stays: only the container knows where it leads", () => {
    expect(run({ "/opt/a/libx.so.1": "/proc/self/exe" }).links).toEqual([]);
  });
});

describe("folders", () => {
  test("named thrice: scanned once, under the first name", () => {
    const made = run({
      "/etc/ld.so.conf": text("/opt/b/../a\n/opt/a\n/opt/link\n"),
      "/opt/a/libx.so.1": elf("libx.so.1"),
      "/opt/b": "",
      "/opt/link": "a",
    });
    expect(made.entries).toEqual(["libx.so.1 => /opt/b/../a/libx.so.1"]);
  });

  test("operands come first, also in the entries' order", () => {
    const files = { "/opt/a/libx.so.1": elf("libx.so.1"), "/opt/b/libx.so.1": elf("libx.so.1") };
    expect(run(files, {}, { directories: ["/opt/b/"] }).entries).toEqual([
      "libx.so.1 => /opt/b/libx.so.1",
      "libx.so.1 => /opt/a/libx.so.1",
    ]);
    expect(() => run(files, {}, { directories: ["opt/b"] })).toThrow("must be an absolute path");
  });

  test("a relative one of the configuration", () => {
    const made = run({ "/etc/ld.so.conf": text("opt/f\n"), "/opt/f/libf.so.1": elf("libf.so.1") });
    expect(made.entries).toEqual(["libf.so.1 => opt/f/libf.so.1"]);
  });

  test("the type that a folder asserts, up to 2.36", () => {
    const files = {
      "/etc/ld.so.conf": text("/opt/a=libc6\n"),
      "/opt/a/libx.so.1": elf("libx.so.1", { bits: 32, machine: MACHINE.EM_386 }),
    };
    expect(run(files).entries).toEqual(["libx.so.1 => /opt/a/libx.so.1 flags 3"]);
    expect(run({ ...files, "/etc/ld.so.conf": text("/opt/a\n") }).entries).toEqual([
      "libx.so.1 => /opt/a/libx.so.1 flags 1",
    ]);
    expect(run(files, { glibc: "2.37" }).entries).toEqual([]);
  });

  test("built-in ones come last: Debian's and upstream's", () => {
    const files = {
      "/usr/lib/libx.so.1": elf("libx.so.1"),
      "/usr/lib64/libx.so.1": elf("libx.so.1"),
      "/lib": "usr/lib",
      "/lib64": "usr/lib64",
      "/usr/lib/x86_64-linux-gnu/libx.so.1": elf("libx.so.1"),
    };
    expect(run(files).entries).toEqual(["libx.so.1 => /lib/x86_64-linux-gnu/libx.so.1", "libx.so.1 => /lib/libx.so.1"]);
    expect(run(files, { distribution: "upstream" }).entries).toEqual([
      "libx.so.1 => /lib/libx.so.1",
      "libx.so.1 => /lib64/libx.so.1",
    ]);
  });

  test("legacy capability folders up to 2.36", () => {
    const files = {
      "/opt/a/libx.so.1": elf("libx.so.1"),
      "/opt/a/haswell/libx.so.1": elf("libx.so.1"),
      "/opt/a/tls/libx.so.1": elf("libx.so.1"),
    };
    expect(run(files).entries).toEqual([
      "libx.so.1 => /opt/a/tls/libx.so.1 hwcap 80000000:0",
      "libx.so.1 => /opt/a/haswell/libx.so.1 hwcap 40000:0",
      "libx.so.1 => /opt/a/libx.so.1",
    ]);
    expect(run(files, { glibc: "2.37" }).entries).toEqual(["libx.so.1 => /opt/a/libx.so.1"]);
  });

  test("one that the configuration names, up to 2.31", () => {
    const files = { "/etc/ld.so.conf": text("HWCAP 0 foo\n/opt/a\n"), "/opt/a/foo/libx.so.1": elf("libx.so.1") };
    expect(run(files, { glibc: "2.31" }).entries).toEqual(["libx.so.1 => /opt/a/foo/libx.so.1 hwcap 100000:0"]);
    expect(run(files, { glibc: "2.32" }).entries).toEqual([]);
  });

  test("legacy capabilities in the compat format, which 2.33 to 2.36 cannot write", () => {
    const files = { "/opt/a/haswell/libx.so.1": elf("libx.so.1") };
    expect(() => run(files, { format: "compat" })).toThrow("legacy");
  });
});

describe("glibc-hwcaps", () => {
  const library = (isaNeeded: number): Uint8Array => elf("libh.so.1", { isaNeeded });
  const folder = "/opt/a/glibc-hwcaps";

  test("entries name the file, and no links are made", () => {
    const made = run({
      [`${folder}/x86-64-v3/libh.so.1.2.3`]: library(5),
      [`${folder}/x86-64-v3/libh.so.1.2.4`]: library(2),
      [`${folder}/x86-64-v3/libh.so.1`]: "libh.so.1.2.3",
      [`${folder}/none`]: "",
    });
    expect(made.entries).toEqual([`libh.so.1 => ${folder}/x86-64-v3/libh.so.1.2.4 hwcaps x86-64-v3, level 1`]);
    expect(made.links).toEqual([]);
    expect(readFileSync(join(made.path, "etc/ld.so.cache"), "latin1")).toContain("none\0");
  });

  test("a link of any name counts, a file of any name does not", () => {
    const made = run({
      "/opt/a/libq.so.1.0": elf("libq.so.1"),
      [`${folder}/x86-64-v3/plain`]: "../../libq.so.1.0",
      [`${folder}/x86-64-v3/notlib`]: elf("libn.so.1"),
    });
    expect(made.entries[0]).toBe(`libq.so.1 => ${folder}/x86-64-v3/plain hwcaps x86-64-v3, level 0`);
    expect(made.entries).toHaveLength(2);
  });

  test("hidden names, names with a colon and files are left out", () => {
    const made = run({
      [`${folder}/.hid/libh.so.1`]: library(1),
      [`${folder}/a:b/libh.so.1`]: library(1),
      [`${folder}/file`]: text("x"),
    });
    expect(made.entries).toEqual([]);
    expect(readFileSync(join(made.path, "etc/ld.so.cache")).readUInt32LE(24)).toBe(0);
  });

  test("named by the configuration before its parent: a folder like any other", () => {
    const path = `${folder}/x86-64-v2`;
    const made = run({ "/etc/ld.so.conf": text(`${path}\n/opt/a\n`), [`${path}/libh.so.1.0`]: library(1) });
    expect(made.entries).toEqual([`libh.so.1 => ${path}/libh.so.1`]);
    expect(made.links).toHaveLength(1);
  });

  test("before 2.33: not looked at", () => {
    expect(run({ [`${folder}/x86-64-v3/libh.so.1`]: library(1) }, { glibc: "2.32" }).entries).toEqual([]);
  });
});

describe("entries", () => {
  test("order: ABI, then folder; names descending, numbers above letters", () => {
    const made = run({
      "/etc/ld.so.conf": text("/opt/a\n/opt/b\n/opt/c\n"),
      "/opt/a/libx.so.1": elf("libx.so.1"),
      "/opt/b/libx.so.1": elf("libx.so.1", { bits: 32, machine: MACHINE.EM_386, needed: ["libc.so.6"] }),
      "/opt/c/libx.so.1": elf("libx.so.1", { bits: 32, machine: MACHINE.EM_X86_64 }),
      ...Object.fromEntries(
        ["libz.so.1", "libz.so.10", "libz.so.9", "libz.so", "libz.soa"].map((name) => [`/opt/a/${name}`, elf(name)]),
      ),
    });
    expect(made.entries).toEqual([
      ...["libz.soa", "libz.so.10", "libz.so.9", "libz.so.1", "libz.so"].map((name) => `${name} => /opt/a/${name}`),
      "libx.so.1 => /opt/c/libx.so.1 flags 803",
      "libx.so.1 => /opt/a/libx.so.1",
      "libx.so.1 => /opt/b/libx.so.1 flags 3",
    ]);
  });

  test("the kernel version up to 2.35", () => {
    const files = { "/opt/a/libx.so.1": elf("libx.so.1", { notes: [abiNote(0, 3, 2, 0)] }) };
    expect(run(files, { glibc: "2.35" }).entries).toEqual(["libx.so.1 => /opt/a/libx.so.1 os 30200"]);
    expect(run(files).entries).toEqual(["libx.so.1 => /opt/a/libx.so.1"]);
  });

  test("the package manager's temporary files up to 2.38", () => {
    const files = { "/opt/a/libfoo.so.1.2": elf("libfoo.so.1"), "/opt/a/libfoo.so.1.2.dpkg-new": elf("libfoo.so.1") };
    expect(run(files, { glibc: "2.38" }).links).toEqual(["made /opt/a/libfoo.so.1 -> libfoo.so.1.2.dpkg-new"]);
    expect(run(files, { glibc: "2.39" }).links).toEqual(["made /opt/a/libfoo.so.1 -> libfoo.so.1.2"]);
  });

  test("a file of ld64.so.2's name since 2.34", () => {
    const files = { "/opt/a/ld64.so.2": elf("ld64.so.2") };
    expect(run(files, { glibc: "2.33" }).entries).toEqual([]);
    expect(run(files, { glibc: "2.34" }).entries).toEqual(["ld64.so.2 => /opt/a/ld64.so.2"]);
  });
});
