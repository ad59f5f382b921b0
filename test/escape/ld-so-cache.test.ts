/**
 * Links and files of an image that would make the update of its linker's cache read or write outside of the root. All of
 * it is tried by the hook, and by the command for people, which has to be as careful.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, linkSync, lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { type AttackOptions, type AttackResult, driverFolder, HostileRoot } from "../support/hostile-root.ts";

type Run = (root: HostileRoot, options?: AttackOptions) => AttackResult;
const programs: readonly [string, Run][] = [
  ["update-ldcache", (root, options) => root.updateLdcache(options)],
  ["ldcache rebuild", (root, options) => root.attack(["ldcache", "rebuild", "--root", root.path], options)],
];

/** Nothing of the host's libraries is in the cache. */
function expectNothingOfTheHost(root: HostileRoot, path = "etc/ld.so.cache"): void {
  expect(readFileSync(root.at(path)).includes("libhost")).toBe(false);
}

describe.each(programs)("%s", (name, run) => {
  test("control: an honest root gets its cache", () => {
    const root = new HostileRoot();
    const result = run(root);
    expect([result.status, result.warnings], result.stderr).toEqual([0, []]);
    root.expectCache();
    root.expectNoLitter();
  });

  describe("CVE-2025-23267: a link out of the root in place of", () => {
    const places: readonly [string, string][] = [
      ["etc", "etc"],
      ["etc/ld.so.conf", "etc/ld.so.conf"],
      ["etc/ld.so.conf.d", "etc/ld.so.conf.d"],
      ["etc/ld.so.conf.d/image.conf", "etc/ld.so.conf.d/host.conf"],
      ["etc/ld.so.conf.d/00-nvcr-cdi-hook.conf", "etc/ld.so.conf.d/host.conf"],
      ["etc/ld.so.conf.d/00-nvcr-cdi-hook.conf", "etc/ld.so.conf.d/new.conf"],
      ["etc/ld.so.cache", "etc/ld.so.cache"],
      ["etc/ld.so.cache", "etc/new"],
      ["etc/ld.so.cache", "empty"],
      ["etc/ld.so.cache~", "etc/ld.so.cache"],
      ["etc/os-release", "etc/shadow"],
      ["etc/debian_version", "secret"],
      ["usr/lib", "usr/lib"],
      ["lib", "usr/lib"],
      [`.${driverFolder}/libcuda.so.1`, "usr/lib/libhost.so.1.2"],
      [`.${driverFolder}/libcuda.so.1`, "usr/lib/new"],
      [`.${driverFolder}/libcuda.so.1`, "empty"],
      [`.${driverFolder}/libhost.so.1`, "usr/lib/libhost.so.1.2"],
      [`.${driverFolder}/glibc-hwcaps`, "usr"],
      ["usr/local/lib", "usr/lib"],
      ["sbin/ldconfig", "secret"],
    ];
    test.each(places)("%s, to %s of the host", (path, victim) => {
      for (const climb of [false, true]) {
        const root = new HostileRoot();
        const target = join(root.outside, victim);
        const parent = path.slice(0, path.lastIndexOf("/"));
        if (parent !== "" && !existsSync(root.at(parent))) root.folder(parent);
        root.replaceByLink(path, climb ? root.climbing(target) : target);
        const result = run(root);
        expect(result.status, result.stderr).toBe(0);
        root.expectNoLitter();
        const etc = path === "etc" ? `${root.outside}/etc` : "etc";
        expectNothingOfTheHost(root, `${etc}/ld.so.cache`);
        expect(lstatSync(root.at(`${etc}/ld.so.cache`)).isFile()).toBe(true);
      }
    });

    test("the cache and the whole way to it, in steps", () => {
      const root = new HostileRoot();
      root.replaceByLink("etc", "/tmp/one").link("tmp/one", "two").folder("tmp/two");
      root.link("tmp/two/ld.so.cache", join(root.outside, "etc/ld.so.cache"));
      root.link("tmp/two/ld.so.conf.d", join(root.outside, "etc/ld.so.conf.d"));
      expect(run(root).status).toBe(0);
      root.expectCache("tmp/two");
    });

    test("a link that is right already, to a cache of the host with the same bytes", () => {
      const root = new HostileRoot();
      run(root);
      execFileSync("cp", [root.at("etc/ld.so.cache"), join(root.top, "same")]);
      root.replaceByLink("etc/ld.so.cache", join(root.top, "same"));
      expect(run(root).status).toBe(0);
      root.expectCache();
    });
  });

  describe("CVE-2025-23267: folders that lead out of the root", () => {
    const folders: readonly [string, (root: HostileRoot) => string][] = [
      ["by ..", (root) => `/..${root.outside}/usr/lib`],
      ["by .. from a folder that is there", (root) => `/usr/lib/../../../../..${root.outside}/usr/lib`],
      ["by the host's name", (root) => `${root.outside}/usr/lib`],
      ["by a link", () => "/tmp/way/usr/lib"],
      ["by /proc/self/root", (root) => `/proc/self/root${root.outside}/usr/lib`],
      ["by /proc/self/cwd", () => "/proc/self/cwd/usr/lib"],
      ["by a descriptor that leaked", () => "/proc/self/fd/7/usr/lib"],
      ["by a /proc at an odd place", (root) => `/mnt/self/root${root.outside}/usr/lib`],
      ["by a descriptor in a /proc at an odd place", () => "/mnt/self/fd/7/usr/lib"],
    ];
    test.each(folders)("%s: nothing of them is read or linked", (_, folder) => {
      const root = new HostileRoot();
      root.folder("mnt").link("tmp/way", root.climbing(root.outside));
      root.file("etc/ld.so.conf.d/image.conf", `${folder(root)}\n`);
      const mounts = `for at in proc mnt; do mount --bind /proc "$ROOT/$at"; done; exec 7<"$OUTSIDE"; cd "$OUTSIDE"`;
      const result = run(root, { mounts });
      expect(result.status, result.stderr).toBe(0);
      root.expectCache();
      expectNothingOfTheHost(root);
      if (name !== "update-ldcache") return;
      const again = root.updateLdcache({ mounts }, [folder(root), driverFolder]);
      expect(again.status, again.stderr).toBe(0);
      expectNothingOfTheHost(root);
    });
  });

  describe("something else in place of", () => {
    const types = ["fifo", "socket", "character", "block"] as const;

    test.each(types)("a library: %s", (type) => {
      const root = new HostileRoot();
      for (const odd of ["libodd.so", "libodd.so.1", "ld-odd.so.2"])
        root.special(`.${driverFolder}/${odd}`, type, [1, 5]);
      root.link(`.${driverFolder}/libway.so.1`, "libodd.so.1").link(`.${driverFolder}/libnull.so`, "/dev/null");
      root.special("dev/null", "character", [1, 3]);
      expect(run(root).status).toBe(0);
      root.expectCache();
    });

    test.each(types)("a soname link: %s, which stays", (type) => {
      const root = new HostileRoot();
      root.special(`.${driverFolder}/libcuda.so.1`, type);
      const before = lstatSync(root.at(`${driverFolder}/libcuda.so.1`)).ino;
      const result = run(root);
      expect(result.status).toBe(0);
      expect(result.warnings.join("\n")).toContain("libcuda.so.1");
      expect(lstatSync(root.at(`${driverFolder}/libcuda.so.1`)).ino).toBe(before);
    });

    test.each(types)("the cache: %s, which is replaced", (type) => {
      const root = new HostileRoot();
      root.special("etc/ld.so.cache", type, [1, 5]);
      expect(run(root).status).toBe(0);
      root.expectCache();
    });

    test.each(types)("ld.so.conf, a drop-in, os-release: %s, which are not read", (type) => {
      const root = new HostileRoot();
      for (const path of ["etc/ld.so.conf", "etc/ld.so.conf.d/image.conf", "etc/os-release", "etc/debian_version"]) {
        root.remove(path).special(path, type, [1, 5]);
      }
      const result = run(root);
      expect(result.status, result.stderr).toBe(0);
      root.expectCache();
    });

    test.each(types)("ld.so.conf.d: %s", (type) => {
      const root = new HostileRoot();
      root.remove("etc/ld.so.conf.d").special("etc/ld.so.conf.d", type);
      // The folder is searched anyway, so no drop-in is needed.
      expect(run(root).status).toBe(0);
      root.expectCache();
      if (name !== "update-ldcache") return;
      root.folder("opt/driver").library("opt/driver/libx.so.1.2", "libx.so.1");
      const result = root.updateLdcache({}, ["/opt/driver"]);
      expect(result.status).toBe(1);
      expect(result.errors).toEqual([expect.stringMatching(/\/etc\/ld\.so\.conf\.d.*not a directory \(ENOTDIR\)$/)]);
    });

    test.each(types)("the libc and the ldconfig of the image: %s", (type) => {
      const root = new HostileRoot();
      root.folder("usr/sbin").link("sbin", "usr/sbin");
      for (const path of ["usr/sbin/ldconfig", `.${driverFolder}/libc.so.6`])
        root.remove(path).special(path, type, [1, 5]);
      const result = run(root);
      expect(result.status, result.stderr).toBe(0);
      root.expectCache();
    });

    test("the cache: a folder, which stays: an error", () => {
      const root = new HostileRoot();
      root.folder("etc/ld.so.cache/keep");
      const result = run(root);
      expect(result.status).toBe(1);
      expect(result.errors).toEqual([expect.stringContaining("/etc/ld.so.cache: is a directory (EISDIR)")]);
      expect(root.names("etc/ld.so.cache")).toEqual(["keep"]);
      root.expectNoLitter();
    });

    test("ld.so.conf and a drop-in: folders, which are not read", () => {
      const root = new HostileRoot();
      for (const path of ["etc/ld.so.conf", "etc/ld.so.conf.d/image.conf", "etc/os-release"])
        root.remove(path).folder(path);
      expect(run(root).status).toBe(0);
      root.expectCache();
    });

    test("a library and a soname link: folders, which stay", () => {
      const root = new HostileRoot();
      root.folder(`.${driverFolder}/libcuda.so.1`).folder(`.${driverFolder}/libodd.so.2`);
      const result = run(root);
      expect(result.status).toBe(0);
      expect(result.warnings.join("\n")).toContain("libcuda.so.1");
      expect(lstatSync(root.at(`${driverFolder}/libcuda.so.1`)).isDirectory()).toBe(true);
    });

    test("our drop-in: a folder: an error, and it stays", () => {
      const root = new HostileRoot();
      root.folder("etc/ld.so.conf.d/00-nvcr-cdi-hook.conf/keep").folder("opt/driver");
      root.library("opt/driver/libx.so.1.2", "libx.so.1");
      const args = ["update-ldcache", "--folder", "/opt/driver"];
      const result = name === "update-ldcache" ? root.attack(args) : run(root);
      expect(result.status).toBe(name === "update-ldcache" ? 1 : 0);
      expect(root.names("etc/ld.so.conf.d/00-nvcr-cdi-hook.conf")).toEqual(["keep"]);
    });

    test("the cache: a hard link to a file of the host", () => {
      const root = new HostileRoot();
      linkSync(join(root.outside, "etc/ld.so.cache"), root.at("etc/ld.so.cache"));
      expect(run(root).status).toBe(0);
      root.expectCache();
    });

    test("our drop-in and ld.so.conf: hard links to files of the host", () => {
      const root = new HostileRoot();
      linkSync(join(root.outside, "etc/passwd"), root.at("etc/ld.so.conf.d/00-nvcr-cdi-hook.conf"));
      root.remove("etc/ld.so.conf");
      linkSync(join(root.outside, "etc/ld.so.conf"), root.at("etc/ld.so.conf"));
      expect(run(root).status).toBe(0);
      root.expectCache();
    });

    test("the cache: a mount point: an error, nothing is written through, nothing is left", () => {
      const root = new HostileRoot();
      root.file("etc/ld.so.cache");
      const mounts = `mount --bind "$OUTSIDE/etc/ld.so.cache" "$ROOT/etc/ld.so.cache"`;
      const result = run(root, { mounts, flags: ["--on-read-only=fail"] });
      expect(result.status).toBe(1);
      expect(result.errors).toEqual([expect.stringContaining("/etc/ld.so.cache: device or resource busy (EBUSY)")]);
      root.expectNoLitter();
    });

    test("the cache: immutable: an error, nothing is left", () => {
      const root = new HostileRoot();
      root.file("etc/ld.so.cache", "old");
      // Not every file system of a temporary directory knows the attribute; a folder that is read-only does as well.
      const known = spawnSync("chattr", ["+i", root.at("etc/ld.so.cache")]).status === 0;
      onTestFinished(() => void spawnSync("chattr", ["-i", root.at("etc/ld.so.cache")]));
      const readonly = `mount --bind "$ROOT/etc" "$ROOT/etc"; mount -o remount,ro,bind "$ROOT/etc"`;
      const result = run(root, known ? {} : { mounts: readonly });
      expect(result.status).toBe(1);
      expect(result.errors).toEqual([expect.stringMatching(/\/etc\/ld\.so\.cache: .*\((?:EPERM|EROFS)\)$/)]);
      expect(readFileSync(root.at("etc/ld.so.cache"), "utf8")).toBe("old");
      root.expectNoLitter();
    });
  });

  describe("libraries that are links", () => {
    test("to the host: absolute, climbing, through /proc: dangling, and none of the host's names is seen", () => {
      const root = new HostileRoot();
      const victim = join(root.outside, "usr/lib/libhost.so.1.2");
      root.link(`.${driverFolder}/libone.so`, victim).link(`.${driverFolder}/libtwo.so`, root.climbing(victim));
      root
        .link(`.${driverFolder}/libthree.so`, `/proc/self/root${victim}`)
        .link(`.${driverFolder}/libfour.so`, "/proc/self/fd/7");
      root.folder("mnt").link(`.${driverFolder}/libfive.so`, "/mnt/self/fd/7");
      const mounts = `for at in proc mnt; do mount --bind /proc "$ROOT/$at"; done; exec 7<"$OUTSIDE/usr/lib/libhost.so.1.2"`;
      expect(run(root, { mounts }).status).toBe(0);
      root.expectCache();
      expectNothingOfTheHost(root);
    });

    test("loops and a chain of 41", () => {
      const root = new HostileRoot();
      root.link(`.${driverFolder}/libself.so.1`, "libself.so.1");
      root
        .link(`.${driverFolder}/libping.so.1`, "libpong.so.1")
        .link(`.${driverFolder}/libpong.so.1`, "./libping.so.1");
      for (let at = 0; at < 42; at++) {
        root.link(
          `.${driverFolder}/libchain.so.${at}`,
          at === 0 ? "libcuda.so.580.1" : `../x86_64-linux-gnu/libchain.so.${at - 1}`,
        );
      }
      expect(run(root).status).toBe(0);
      root.expectCache();
    });

    test("a hundred, each through 40 links of four kilobytes", () => {
      const root = new HostileRoot();
      for (let at = 0; at < 38; at++) root.link(`w${at}`, `${"tmp/../".repeat(580)}w${at + 1}`);
      root.link("w38", driverFolder);
      for (let at = 0; at < 100; at++) root.link(`.${driverFolder}/libcuda.so.0.${at}`, "/w0/libcuda.so.580.1");
      const result = run(root);
      expect(result.status).toBe(0);
      root.expectCache();
    });
  });

  describe("other file systems", () => {
    test("CVE-2025-52881: procfs over /etc and its parts: nothing is written there", () => {
      for (const place of ["etc", "etc/ld.so.conf.d"]) {
        const root = new HostileRoot();
        root.folder("opt/driver").library("opt/driver/libx.so.1.2", "libx.so.1");
        const options = { mounts: `mount --bind /proc "$ROOT/${place}"` };
        const result = name === "update-ldcache" ? root.updateLdcache(options, ["/opt/driver"]) : run(root, options);
        // For `rebuild`, ld.so.conf.d is only read.
        expect(result.status, place).toBe(name === "update-ldcache" || place === "etc" ? 1 : 0);
        for (const error of result.errors) expect(error).toContain("permission denied (EACCES)");
      }
    });

    test("CVE-2025-52881: procfs over a library folder: no link is made there", () => {
      const root = new HostileRoot();
      root.folder("usr/local/lib");
      const result = run(root, { mounts: `mount --bind /proc/self "$ROOT/usr/local/lib"` });
      expect(result.status, result.stderr).toBe(0);
      root.expectCache();
    });

    test("CVE-2025-52565, CVE-2025-31133: devices and masked files bound over what is read", () => {
      const root = new HostileRoot();
      const mounts = `
        mount --bind /dev/null "$ROOT/etc/ld.so.conf.d/image.conf"
        mount --bind /dev/zero "$ROOT/etc/ld.so.conf"
        mount --bind /proc/kmsg "$ROOT/etc/os-release"
        mount --bind /dev/tty "$ROOT/etc/debian_version"
        touch "$ROOT${driverFolder}/libzero.so" "$ROOT${driverFolder}/libproc.so"
        mount --bind /dev/zero "$ROOT${driverFolder}/libzero.so"
        mount --bind /proc/self/maps "$ROOT${driverFolder}/libproc.so"`;
      const result = run(root, { mounts });
      expect(result.status, result.stderr).toBe(0);
      root.expectCache();
    });

    test("a root that cannot be written: an error, or the cache was right already", () => {
      const root = new HostileRoot();
      const mounts = `mount --bind "$ROOT" "$ROOT"; mount -o remount,ro,bind "$ROOT"`;
      const refused = run(root, { mounts, flags: ["--on-read-only=fail"] });
      expect(refused.status).toBe(1);
      expect(refused.errors).toEqual([expect.stringContaining("(EROFS)")]);
      expect(run(root).status).toBe(0);
      const right = run(root, { mounts });
      expect(right.status, right.stderr).toBe(0);
    });

    test("a full file system: an error, and the old cache stays whole", () => {
      const root = new HostileRoot();
      run(root);
      const old = readFileSync(root.at("etc/ld.so.cache"));
      root.library(`.${driverFolder}/libnew.so.1.2`, "libnew.so.1");
      const mounts = `
        mount -t tmpfs -o size=64k none "$TOP/bundle/rootfs/run"
        cp -a "$ROOT/etc/." "$ROOT/run/"
        mount --bind "$ROOT/run" "$ROOT/etc"
        cat /dev/zero >"$ROOT/etc/filler" 2>/dev/null || true`;
      const check = `cmp "$ROOT/etc/ld.so.cache" "$TOP/old" && ! ls -a "$ROOT/etc" | grep -q '^\\.cdi-hook'`;
      execFileSync("cp", [root.at("etc/ld.so.cache"), join(root.top, "old")]);
      const result = run(root, { mounts: `${mounts}\ntrap '${check.replaceAll("'", "'\\''")} || echo damaged' EXIT` });
      expect(result.status).toBe(1);
      expect(result.errors).toEqual([expect.stringContaining("(ENOSPC)")]);
      expect(readFileSync(root.at("etc/ld.so.cache")).equals(old)).toBe(true);
    });
  });
});

describe("a root with musl", () => {
  function muslRoot(): HostileRoot {
    const root = new HostileRoot();
    root.remove(`.${driverFolder}/libc.so.6`).remove("etc/debian_version").remove("etc/os-release");
    root.library("usr/lib/ld-musl-x86_64.so.1", "libc.musl-x86_64.so.1").file("etc/alpine-release", "3.20.1\n");
    return root;
  }
  const pathFile = "etc/ld-musl-x86_64.path";

  test("control: an honest one gets its path file", () => {
    const root = muslRoot();
    expect(root.updateLdcache().status).toBe(0);
    expect(readFileSync(root.at(pathFile), "utf8")).toContain(driverFolder);
  });

  test.each(["etc/passwd", "etc/new", "empty"])("the path file: a link to %s of the host", (victim) => {
    const root = muslRoot();
    root.link(pathFile, join(root.outside, victim));
    root.updateLdcache();
    root.expectNoLitter();
  });

  test.each(["fifo", "socket", "character", "block"] as const)("the path file: a %s", (type) => {
    const root = muslRoot();
    root.special(pathFile, type, [1, 5]);
    root.updateLdcache();
    root.expectNoLitter();
  });

  test("/etc and /lib: links to the host", () => {
    const root = muslRoot();
    root.replaceByLink("etc", join(root.outside, "etc"));
    root.updateLdcache();
    root.replaceByLink("lib", join(root.outside, "usr/lib"));
    root.updateLdcache();
  });

  test("a loader whose name would lead elsewhere", () => {
    const root = muslRoot();
    for (const name of ["ld-musl-..so.1", "ld-musl-a b.so.1", "ld-musl-x\n.so.1"]) root.file(`usr/lib/${name}`);
    expect(root.updateLdcache().status).toBe(0);
    expect(root.names("etc").filter((name) => name.startsWith("ld-musl"))).toEqual(["ld-musl-x86_64.path"]);
  });
});

describe("roots with hardly anything in them", () => {
  test.each(programs)("%s: an empty one", (_, run) => {
    const root = new HostileRoot();
    root.remove(".").folder(".");
    const result = run(root);
    expect(result.status, result.stderr).toBe(0);
  });

  test.each(programs)("%s: one in which all names are links to the host", (_, run) => {
    const root = new HostileRoot();
    root.remove(".").folder(".");
    for (const name of ["etc", "usr", "lib", "lib64", "sbin", "proc", "sys", "run", "tmp"])
      root.link(name, root.outside);
    const result = run(root);
    expect([0, 1]).toContain(result.status);
  });
});

describe("the canary is alive: what a tool that trusts paths does", () => {
  test("ldconfig by plain paths writes through a link in place of /etc, and makes links in the host's folder", (context) => {
    if (!existsSync("/sbin/ldconfig")) context.skip("needs /sbin/ldconfig");
    const root = new HostileRoot();
    root.replaceByLink("etc", join(root.outside, "etc")).replaceByLink("usr/local", join(root.outside, "usr"));
    const before = readFileSync(join(root.outside, "etc/ld.so.cache"));
    const args = ["-C", root.at("etc/ld.so.cache"), "-f", "/dev/null", root.at("usr/local/lib")];
    execFileSync("/sbin/ldconfig", args, { stdio: "pipe" });
    expect(readFileSync(join(root.outside, "etc/ld.so.cache")).equals(before)).toBe(false);
    expect(lstatSync(join(root.outside, "usr/lib/libhost.so.1")).isSymbolicLink()).toBe(true);
    expect(existsSync(join(root.outside, "usr/lib/libgone.so.1"))).toBe(false);
  });

  test("cp follows a link in place of the cache", () => {
    const root = new HostileRoot();
    root.link("etc/ld.so.cache", join(root.outside, "etc/ld.so.cache"));
    execFileSync("cp", [root.at("etc/ld.so.conf"), root.at("etc/ld.so.cache")]);
    expect(readFileSync(join(root.outside, "etc/ld.so.cache"), "utf8")).toContain("include");
  });
});

test("the cache: a mount point of its own is mounted over by the hook, and nothing is written through", () => {
  const root = new HostileRoot();
  root.file("etc/ld.so.cache");
  const mounts = `
    mount --bind "$ROOT" "$ROOT"
    mount --bind "$OUTSIDE/etc/ld.so.cache" "$ROOT/etc/ld.so.cache"`;
  expect(root.updateLdcache({ mounts })).toMatchObject({ status: 0, errors: [] });
  root.expectNoLitter();
});
