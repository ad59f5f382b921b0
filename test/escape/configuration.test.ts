/** Configuration of the image's dynamic linker that does not end, or that asks for what is no configuration. */
import { execFileSync } from "node:child_process";
import { readFileSync, truncateSync } from "node:fs";
import { beforeEach, describe, expect, test } from "vitest";
import { driverFolder, HostileRoot } from "../support/hostile-root.ts";

/** Bytes of address space: many times what an honest root needs, and a fraction of what these ask for. */
const addressSpace = 192 << 20;

let root: HostileRoot;
beforeEach(() => {
  root = new HostileRoot();
});

/** The update succeeds, within the bounds, and finds the driver. */
function expectUpdate(mounts?: string): readonly string[] {
  const result = root.updateLdcache({ addressSpace, ...(mounts === undefined ? {} : { mounts }) });
  expect(result.status, result.stderr).toBe(0);
  root.expectCache();
  root.expectNoLitter();
  expect(result.warnings.length).toBeLessThan(50);
  return result.warnings;
}

describe("includes without an end", () => {
  test("a file that includes itself, by name, by pattern, by a link, by a hard link", () => {
    root.file(
      "etc/ld.so.conf",
      "include /etc/ld.so.conf\ninclude ld.so.con[f]\ninclude /tmp/link\ninclude /tmp/hard\n/opt/a\n",
    );
    root.link("tmp/link", "/etc/ld.so.conf");
    const { stderr } = root.attack(["noop"], { mounts: `ln "$ROOT/etc/ld.so.conf" "$ROOT/tmp/hard"` });
    expect(stderr).toBe("");
    expect(expectUpdate().join("\n")).toContain("ld.so.conf");
  });

  test("two files that include each other, twice each", () => {
    root.file("etc/ld.so.conf", "include a.conf\ninclude a.conf\n");
    root.file("etc/a.conf", "include b.conf\ninclude b.conf\n");
    root.file("etc/b.conf", "include a.conf\ninclude a.conf\n");
    expectUpdate();
  });

  test("sixty files, each of which includes the next one twice: 2^60 if all were read", () => {
    root.file("etc/ld.so.conf", "include /etc/n0.conf\n");
    for (let at = 0; at < 60; at++)
      root.file(`etc/n${at}.conf`, `include n${at + 1}.conf\ninclude ./n${at + 1}.conf\n`);
    expect(expectUpdate().join("\n")).toMatch(/too much|too deep|levels/);
  });

  test("a chain of a thousand files", () => {
    root.file("etc/ld.so.conf", "include /etc/n0.conf\n");
    for (let at = 0; at < 1000; at++) root.file(`etc/n${at}.conf`, `include n${at + 1}.conf\n`);
    expectUpdate();
  });

  test("a link to the folder that it is in", () => {
    root.link("etc/ld.so.conf.d/loop", ".");
    root.file("etc/ld.so.conf", `include /etc/ld.so.conf.d/${"*/".repeat(30)}*.conf\n`);
    expectUpdate();
  });

  test("patterns that multiply", () => {
    for (let at = 0; at < 50; at++) root.link(`tmp/l${at}`, ".");
    root.file("etc/ld.so.conf", `include /tmp/${"*/".repeat(20)}*.conf\n`);
    expectUpdate();
  });

  test("patterns that take a naive matcher for ever", () => {
    root.file(`tmp/${"a".repeat(250)}`);
    const patterns = [
      `${"*a".repeat(120)}b`,
      `${"[a-z]*".repeat(100)}!`,
      "[".repeat(4000),
      "\\".repeat(4001),
      "*".repeat(5000),
    ];
    root.file("etc/ld.so.conf", patterns.map((pattern) => `include /tmp/${pattern}\n`).join(""));
    expectUpdate();
  });
});

describe("patterns that take long", () => {
  test("one that is tried at each place of 2,000 long names, twenty times", () => {
    root.folder("x");
    const name = `${"a".repeat(240)}$(printf %06d $i)`;
    const script = `cd "$0" && i=0 && while [ $i -lt 2000 ]; do : > ${name}; i=$((i + 1)); done`;
    execFileSync("sh", ["-c", script, root.at("x")]);
    root.file("etc/ld.so.conf.d/image.conf", `include /x/*a*${"a".repeat(120)}b\n`.repeat(20));
    expect(expectUpdate().join("\n")).toContain("too much configuration");
  });

  test("four megabytes of sets, of all bytes and of all classes", () => {
    for (const set of ["[\x0b-\xff]".repeat(200), `[${"[:print:]".repeat(100)}]`]) {
      const line = `include /x/${Array(200).fill(set).join("/")}\n`;
      root.file("etc/ld.so.conf.d/image.conf", Buffer.from(line.repeat(20), "latin1"));
      expect(expectUpdate().join("\n")).toContain("too much configuration");
    }
  });
});

describe("patterns without an end", () => {
  test("two million patterns", () => {
    root.file("etc/ld.so.conf.d/image.conf", `include ${"x ".repeat(2_000_000)}\n`);
    expect(expectUpdate().join("\n")).toContain("too much configuration");
  });

  test("eight thousand patterns, each 250 folders deep", () => {
    root.folder("d/".repeat(250));
    const lines = Array.from({ length: 8000 }, (_, at) => `include /${"d/".repeat(248)}x${at}`);
    root.file("etc/ld.so.conf.d/image.conf", `${lines.join("\n")}\n`);
    const result = root.updateLdcache({ addressSpace });
    // More than any honest root needs: it may be too much, but then it says so.
    expect(result.errors.filter((error) => !error.includes("too many steps"))).toEqual([]);
  });
});

describe("files that are none", () => {
  test("a device, a FIFO, a folder, nothing", () => {
    root.special("dev/zero", "character", [1, 5]).special("tmp/fifo", "fifo").special("dev/kmsg", "character", [1, 11]);
    root.file("etc/ld.so.conf", "include /dev/zero /dev/kmsg /tmp/fifo /tmp /missing /dev/*\n");
    expectUpdate();
  });

  test("/proc/kmsg, /proc/self/fd/0, /proc/self/mem, by a real /proc in its place and at an odd one", () => {
    root.folder("mnt");
    const files = [
      "kmsg",
      "self/fd/0",
      "self/mem",
      "self/environ",
      "sys/kernel/random/uuid",
      "sysrq-trigger",
      "*/maps",
    ];
    const lines = files.flatMap((file) => [`include /proc/${file}`, `include /mnt/${file}`]);
    root.file("etc/ld.so.conf", `${lines.join("\n")}\n`);
    expectUpdate(`for at in proc mnt; do mount --bind /proc "$ROOT/$at"; done`);
  });

  test("ten thousand files", () => {
    for (let at = 0; at < 10_000; at++) root.file(`etc/ld.so.conf.d/${at}.conf`, `/opt/${at}\n`);
    expectUpdate();
  });

  test("a sparse file of 1 GiB as ld.so.conf, as a drop-in, as ours, as os-release", () => {
    const places = [
      "etc/ld.so.conf",
      "etc/ld.so.conf.d/image.conf",
      "etc/ld.so.conf.d/00-nvcr-cdi-hook.conf",
      "etc/os-release",
    ];
    for (const path of places) truncateSync(root.file(path).at(path), 2 ** 30);
    expectUpdate();
  });

  test("a cache of 8 GiB, and one of wild numbers", () => {
    truncateSync(root.file("etc/ld.so.cache").at("etc/ld.so.cache"), 2 ** 33);
    expectUpdate();
    root.file("etc/ld.so.cache", Buffer.concat([Buffer.from("glibc-ld.so.cache1.1"), Buffer.alloc(100_000, 0xff)]));
    expectUpdate();
    root.file("etc/ld.so.cache", Buffer.concat([Buffer.from("ld.so-1.7.0\0"), Buffer.alloc(100_000, 0x7f)]));
    expectUpdate();
  });
});

describe("lines", () => {
  test("a hundred thousand folders, of which a few are there", () => {
    const folders = Array.from({ length: 100_000 }, (_, at) => `/opt/${at}`);
    root.file("etc/ld.so.conf.d/image.conf", `${folders.join("\n")}\n`);
    expectUpdate();
  });

  test("one line of four megabytes; lines of NUL; lines without an end", () => {
    root.file("etc/ld.so.conf.d/image.conf", `/${"x".repeat(4 << 20)}\n/opt\n`);
    expectUpdate();
    root.file("etc/ld.so.conf.d/image.conf", "\0".repeat(1 << 20));
    expectUpdate();
    root.file("etc/ld.so.conf.d/image.conf", "include ".repeat(100_000));
    expectUpdate();
  });

  test("folders with control characters, and not of UTF-8: kept as bytes, escaped when told", () => {
    const lines =
      "/opt/\u001b]0;owned\u0007\n/opt/\xff\xfe\nhwcap 99 \u001b[31m\n/opt/a=\u001b[2J\ninclude \u001b[31m*\n/opt/\rb\n";
    root.file("etc/ld.so.conf.d/image.conf", Buffer.from(lines, "latin1"));
    expectUpdate();
    const debug = root.attack(["update-ldcache", "--debug", "--folder", driverFolder]);
    expect(debug.status).toBe(0);
  });

  test("half a million lines to complain about: the complaints end", () => {
    root.remove(`.${driverFolder}/libc.so.6`).file("etc/os-release", 'ID=debian\nVERSION_ID="11"\n');
    root.file("etc/ld.so.conf.d/image.conf", "hwcap x\n".repeat(500_000));
    const result = root.updateLdcache({ addressSpace });
    expect(result.status).toBe(0);
    expect(result.warnings.length).toBeGreaterThan(10);
    expect(result.warnings.length).toBeLessThan(100);
  });

  test("folders whose name is text for a shell, a format, a flag", () => {
    root.file(
      "etc/ld.so.conf.d/image.conf",
      "$(touch /tmp/x)\n`id`\n-rf\n%s%n\n~root\n//\n/./..//\n#\n=libc6\n relative\n",
    );
    expectUpdate();
  });

  test("a folder that is /, and one that is every folder by another name", () => {
    root.file("etc/ld.so.conf.d/image.conf", `/\n/..\n/tmp/..\n/lib/../usr/lib/../../${driverFolder}\n`);
    expectUpdate();
  });
});

describe("what the host's command line gives: folders of --folder", () => {
  test("a newline, a NUL's neighbour, white space: refused, so that no line of its own appears in the drop-in", () => {
    root.folder("opt/x\n").folder("opt/driver");
    root.library("opt/driver/libx.so.1.2", "libx.so.1");
    const folders = ["/opt/x\n/evil", "/opt/x\ninclude /evil", "/opt/x #", "/opt/x=libc6", "/opt/driver"];
    const result = root.updateLdcache({}, folders);
    expect(result.status, result.stderr).toBe(0);
    expect(readFileSync(root.at("etc/ld.so.conf.d/00-nvcr-cdi-hook.conf"), "utf8")).toBe("/opt/driver\n");
  });

  test("our own drop-in, as the image brings it, with includes and a thousand folders", () => {
    const evil = [
      "include /etc/ld.so.conf.d/*.conf",
      "/usr/../../..",
      "relative",
      "/opt/a b",
      "/opt/#",
      "/proc/self",
      "/opt/\u001b",
    ];
    root.folder("opt/driver").folder("opt/a b").folder("opt/\u001b").library("opt/driver/libx.so.1.2", "libx.so.1");
    root.file(
      "etc/ld.so.conf.d/00-nvcr-cdi-hook.conf",
      `${[...evil, ...Array.from({ length: 1000 }, (_, at) => `/o/${at}`)].join("\n")}\n`,
    );
    const result = root.updateLdcache({}, ["/opt/driver"]);
    expect(result.status, result.stderr).toBe(0);
    const kept = readFileSync(root.at("etc/ld.so.conf.d/00-nvcr-cdi-hook.conf"), "utf8").split("\n");
    expect(kept).toContain("/opt/driver");
    expect(kept.filter((line) => line.startsWith("include") || line === "relative")).toEqual([]);
  });
});
