import {
  chmodSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { scratchDirectory } from "../../test/support/scratch.ts";
import { again, elf, entriesOf, run, text } from "../../test/support/small-root.ts";
import { writeTree } from "../../test/support/tree-entries.ts";
import { readCache } from "../ldcache/read.ts";
import { KernelRoot } from "../rootfs/kernel-root.ts";
import { profileFor } from "./profile.ts";
import { computeCache } from "./update.ts";

describe("the cache file", () => {
  const files = { "/opt/a/libx.so.1": elf("libx.so.1") };

  test("a link in its place is replaced, its target untouched", () => {
    const made = run({ ...files, "/etc/ld.so.cache": "target", "/etc/target": text("mine") });
    expect(lstatSync(join(made.path, "etc/ld.so.cache")).isFile()).toBe(true);
    expect(readFileSync(join(made.path, "etc/target"), "latin1")).toBe("mine");
  });

  test("a link to the right bytes is replaced all the same", () => {
    const { path } = run(files);
    const bytes = readFileSync(join(path, "etc/ld.so.cache"));
    const made = run({ ...files, "/etc/ld.so.cache": "target", "/etc/target": bytes });
    expect([made.changed, lstatSync(join(made.path, "etc/ld.so.cache")).isFile()]).toEqual([true, true]);
  });

  test("mode 0644, whatever it was and whatever the umask", () => {
    const made = run(files);
    const cache = join(made.path, "etc/ld.so.cache");
    chmodSync(cache, 0o600);
    const before = process.umask(0o077);
    try {
      expect(again(made.path).changed).toBe(true);
    } finally {
      process.umask(before);
    }
    expect(statSync(cache).mode & 0o7777).toBe(0o644);
  });

  test("a folder in its place", () => {
    expect(() => run({ ...files, "/etc/ld.so.cache": "" })).toThrow("replace /etc/ld.so.cache");
  });

  test("another place, and another configuration", () => {
    const made = run({ ...files, "/x.conf": text("/opt/a") }, {}, { cachePath: "/var/x.cache", confPath: "/x.conf" });
    expect(readCache(readFileSync(join(made.path, "var/x.cache"))).entries).toHaveLength(1);
    expect(readdirSync(join(made.path, "etc"))).toEqual(["ld.so.conf"]);
  });

  test("only computed", () => {
    const path = scratchDirectory();
    writeTree(path, entriesOf({ ...files, "/etc/ld.so.conf": text("/opt/a") }));
    using root = KernelRoot.open(path);
    const profile = profileFor({ glibc: "2.36", distribution: "debian", architecture: "x86-64" });
    const log = { debugging: false, debug: () => undefined, warn: () => undefined };
    expect(computeCache(root, profile, { links: true, log }).entries).toBe(1);
    expect(readdirSync(join(path, "etc"))).toEqual(["ld.so.conf"]);
  });
});

describe("many and large", () => {
  test("a sparse library of 4 GiB", () => {
    const made = run({ "/opt/a/libx.so.1": elf("libx.so.1") });
    const big = join(made.path, "opt/a/libbig.so.1");
    writeFileSync(big, elf("libbig.so.1"));
    truncateSync(big, 2 ** 32 + 5);
    expect(again(made.path).entries).toHaveLength(2);
  });

  test("20,000 names in a folder", () => {
    const made = run({ "/opt/a/libx.so.1.0": elf("libx.so.1") });
    const folder = join(made.path, "opt/a");
    for (let index = 0; index < 10_000; index += 1) {
      writeFileSync(join(folder, `file-${index}`), "");
      symlinkSync("libx.so.1.0", join(folder, `liblink-${index}.so.1`));
    }
    const { debug, entries } = again(made.path);
    expect(debug).toContain("1 files read, 1 entries");
    expect(entries).toEqual(["libx.so.1 => /opt/a/libx.so.1"]);
  });

  test("libraries that are read once, whatever leads to them", () => {
    const made = run(
      { "/opt/a/libx.so.1.0": elf("libx.so.1"), "/opt/a/libx.so": "libx.so.1.0", "/opt/a/liby.so.1": "./libx.so.1.0" },
      {},
      {},
      [{ kind: "hard-link", path: "/opt/a/libz.so.1", to: "/opt/a/libx.so.1.0" }],
    );
    expect(made.debug).toContain("1 files read, 2 entries");
  });
});
