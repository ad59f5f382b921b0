/** What the CVEs of runtimes and hooks have in common with our work, beyond links: what is executed, mounted, inherited. */
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { executablePath, stateFor } from "../support/executable.ts";
import { driverFolder, HostileRoot } from "../support/hostile-root.ts";
import { traceHook } from "../support/strace.ts";

const hooks: readonly [string, readonly string[]][] = [
  ["create-symlinks", ["create-symlinks", "--link", `libcuda.so.1::${driverFolder}/libcuda.so`]],
  ["update-ldcache", ["update-ldcache", "--folder", driverFolder]],
];

let root: HostileRoot;
beforeEach(() => {
  root = new HostileRoot();
});

/** A program in the image that leaves a mark outside of the root. */
function plantProgram(path: string): void {
  root.folder(path.slice(0, path.lastIndexOf("/")));
  root.file(path, `#!/bin/sh\ntouch ${root.outside}/executed\n`);
  execFileSync("chmod", ["755", root.at(path)]);
}

describe.each(hooks)("%s", (name, args) => {
  test("CVE-2024-0136, CVE-2024-0137: nothing of the container is executed, nothing at all is", (context) => {
    if (!existsSync("/usr/bin/strace")) context.skip("needs strace");
    for (const path of ["usr/sbin/ldconfig", "usr/sbin/ldconfig.real", "usr/bin/ldconfig", "usr/bin/sh"])
      plantProgram(path);
    symlinkSync("usr/sbin", root.at("sbin"));
    symlinkSync("usr/bin", root.at("bin"));
    const calls = traceHook(root.path, args, { trace: "execve,execveat,fork,vfork,clone,clone3", cwd: root.path });
    expect(calls.map((call) => call.replace(/\(.*/, ""))).toEqual(["execve"]);
    expect(calls[0]).toContain(executablePath);
    expect(root.attack(args, { cwd: root.path, env: { PATH: root.at("usr/sbin") } }).status).toBe(0);
  });

  test("CVE-2024-0132, CVE-2025-23359: nothing is mounted, no root or namespace is changed", (context) => {
    if (!existsSync("/usr/bin/strace")) context.skip("needs strace");
    const compat = "usr/local/cuda/compat";
    root.folder(compat).library(`${compat}/libcuda.so.999.1`, "libcuda.so.1");
    root
      .link(`${compat}/libcuda.so.1`, join(root.outside, "usr/lib/libcuda.so.580.1"))
      .link("usr/local/cuda/lib64", "/");
    const trace =
      "mount,umount2,move_mount,open_tree,fsopen,fsmount,fspick,mount_setattr,pivot_root,chroot,chdir,fchdir,unshare,setns";
    expect(traceHook(root.path, args, { trace })).toEqual([]);
    expect(root.attack(args).status).toBe(0);
  });

  test("CVE-2025-31133, CVE-2025-52565, CVE-2025-52881: every file that is opened for writing is a new one, of a name of ours", (context) => {
    if (!existsSync("/usr/bin/strace")) context.skip("needs strace");
    root.link("usr/null", "/dev/null").link(`.${driverFolder}/libcuda.so`, "/proc/sys/kernel/core_pattern");
    const calls = traceHook(root.path, args, { trace: "open,openat,openat2,creat,truncate,ftruncate" });
    for (const call of calls.filter((line) => /O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|creat|truncate/.test(line))) {
      expect(call).toMatch(
        /^openat\(\d+, "\.cdi-hook-\d+-[0-9a-f]{16}", O_WRONLY\|O_CREAT\|O_EXCL\|O_NOFOLLOW\|O_CLOEXEC, /,
      );
    }
  });

  test("no path of the container is handed to the kernel: single names, links not followed", (context) => {
    if (!existsSync("/usr/bin/strace")) context.skip("needs strace");
    const calls = traceHook(root.path, args, { trace: "%file" }).filter((call) => !call.startsWith("execve("));
    const others = calls.filter((call) => {
      const [, paths = ""] = /^\w+\((\d+, "(?:[^"\\]|\\.)*"(?:, \d+, "[^"]*")?)/.exec(call) ?? [];
      const isSingle = !/^(?:[^"]*"[^"/]*")+[^"]*$/.test(paths) ? false : !/"\.\."/.test(paths);
      const follows = call.startsWith("open") && !call.includes("O_NOFOLLOW") && !call.includes('"."');
      return !isSingle || follows;
    });
    // The root itself, the host's root to compare it with, and the texts of links that are made.
    expect(
      others.filter(
        (call) => !call.includes(`"${root.path}"`) && !call.includes('"/"') && !call.startsWith("symlinkat("),
      ),
    ).toEqual([]);
    expect(calls.length).toBeGreaterThan(5);
  });

  test("CVE-2024-21626: descriptors that leaked are neither used nor passed on, ours are all close-on-exec", (context) => {
    if (!existsSync("/usr/bin/strace")) context.skip("needs strace");
    const calls = traceHook(root.path, args, { trace: "%desc,%file", leak: root.outside });
    const leaked = /^\w+\((?:7|8|9)\b/;
    expect(calls.filter((call) => leaked.test(call))).toEqual([]);
    for (const call of calls.filter((line) => line.startsWith("open") && /= \d+$/.test(line)))
      expect(call).toContain("O_CLOEXEC");
  });

  test("CVE-2024-21626: the working directory, inside or outside of the root, plays no part", () => {
    root
      .folder("opt")
      .folder("usr/local")
      .link("opt/way", "/proc/self/cwd")
      .link("usr/local/lib", "../../../../outside/usr/lib");
    for (const cwd of [root.path, root.outside, root.at("etc"), "/"]) {
      expect(root.attack(args, { cwd }).status).toBe(0);
    }
    expect(
      root.linkAt(name === "create-symlinks" ? `${driverFolder}/libcuda.so` : `${driverFolder}/libcuda.so.1`),
    ).toMatch(/^libcuda\.so\.(?:1|580\.1)$/);
  });

  test.each([".", "", "rootfs/..", "bundle"])(
    "CVE-2024-21626: a bundle relative to the working directory (%j) is refused",
    (bundle) => {
      for (const state of [
        { bundle, root: undefined },
        { bundle, root: "rootfs" },
      ]) {
        const result = root.attack(args, { cwd: root.bundle, stdin: stateFor(root.path, state) });
        expect(result.status).toBe(1);
        expect(result.errors).toHaveLength(1);
      }
    },
  );

  test("CVE-2019-5736: the executable cannot be reached through the container", () => {
    const copy = join(root.outside, "cdi-hook");
    copyFileSync(executablePath, copy);
    for (const place of ["etc/ld.so.cache", "etc/ld.so.conf.d/00-nvcr-cdi-hook.conf", `.${driverFolder}/libcuda.so`]) {
      root.replaceByLink(place, "/proc/self/exe");
    }
    root
      .replaceByLink("etc/ld.so.conf", "/mnt/self/exe")
      .link(`.${driverFolder}/libexe.so`, "/mnt/self/exe")
      .folder("mnt");
    const before = readFileSync(copy);
    const mounts = `for at in proc mnt; do mount --bind /proc "$ROOT/$at"; done`;
    const result = root.attack(args, { mounts, executable: copy });
    // A drop-in of ours that leads into /proc cannot be read, which is an error.
    for (const error of result.errors) expect(error).toContain("(EACCES)");
    expect(readFileSync(copy).equals(before)).toBe(true);
  });

  test("CVE-2021-30465: /proc, /sys and /dev of the root are links to the host", () => {
    for (const path of ["proc", "sys", "dev"]) root.replaceByLink(path, root.outside);
    expect(root.attack(args).status).toBe(0);
    const links = ["--link", "x::/proc/x", "--link", "x::/sys/x", "--link", "x::/dev/x"];
    if (name === "create-symlinks") root.attack([...args, ...links]);
  });

  test("CVE-2025-52881: cgroupfs at an odd place: no group is made, no file is touched", (context) => {
    const probe = `mkdir "$TOP/bundle/rootfs/probe" && mount -t cgroup2 none "$TOP/bundle/rootfs/probe"`;
    try {
      const env = { TOP: root.top, PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };
      execFileSync("unshare", ["--mount", "sh", "-c", probe], { env, stdio: "pipe" });
    } catch {
      context.skip("needs to mount cgroup2");
    }
    root.folder("opt/cg");
    const group = `cdi-hook-test-${process.pid}`;
    const mounts = `mount -t cgroup2 none "$ROOT/opt/cg"; trap 'if [ -d "$ROOT/opt/cg/${group}" ]; then echo made >&2; fi' EXIT`;
    const more =
      name === "create-symlinks"
        ? ["--link", `x::/opt/cg/${group}/x`, "--link", "x::/opt/cg/x"]
        : ["--folder", `/opt/cg/${group}`];
    const result = root.attack([...args, ...more], { mounts });
    expect(result.status).toBe(name === "create-symlinks" ? 1 : 0);
    for (const error of result.errors) expect(error).toContain("(EACCES)");
  });
});

test("CVE-2024-0136: --ldconfig-path is accepted and not run, wherever it leads", () => {
  plantProgram("usr/sbin/ldconfig");
  for (const path of [
    "/usr/sbin/ldconfig",
    `@${root.at("usr/sbin/ldconfig")}`,
    root.at("usr/sbin/ldconfig"),
    "/proc/self/exe",
  ]) {
    const result = root.attack(["update-ldcache", "--folder", driverFolder, "--ldconfig-path", path]);
    expect(result.status, result.stderr).toBe(0);
  }
  root.expectCache();
});

test("a state and a config.json that are links of the host are read, as the host is trusted", () => {
  const elsewhere = join(root.top, "elsewhere");
  mkdirSync(elsewhere);
  writeFileSync(join(elsewhere, "config.json"), JSON.stringify({ root: { path: root.path } }));
  const result = root.attack(["update-ldcache", "--folder", driverFolder], {
    stdin: JSON.stringify({ ociVersion: "1.0.2", bundle: elsewhere }),
  });
  expect(result.status, result.stderr).toBe(0);
  root.expectCache();
});
