/** Images that are made against the hooks beside links and cache: chmod, enable-cuda-compat, update-application-profile. */
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, lstatSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { compatLibrary, noteBytes, noteFor, noteSection, SHT_NOTE, withSections } from "../support/compat-library.ts";
import { program } from "../support/debian-root.ts";
import { forgeElf } from "../support/elf-forge.ts";
import { runHook, stateFor } from "../support/executable.ts";
import { type AttackResult, HostileRoot } from "../support/hostile-root.ts";
import { traceHook } from "../support/strace.ts";

const compat = "usr/local/cuda/compat";
const library = `${compat}/libcuda.so.590.44.01`;
const dropIn = "etc/ld.so.conf.d/00-compat-cdi-hook.conf";
const profileFolder = "etc/nvidia/nvidia-application-profiles-rc.d";
const profile = `${profileFolder}/10-container.conf`;

const enable = ["enable-cuda-compat", "--host-driver-version=570.133.20"];
const isRoot = process.getuid?.() === 0;

let root: HostileRoot;
beforeEach(() => {
  root = new HostileRoot();
});

/** The mode of a file, links not followed. */
const modeOf = (path: string): number => lstatSync(path).mode & 0o7777;

describe("chmod", () => {
  const chmod = (...paths: string[]): AttackResult =>
    root.attack(["chmod", "--mode", "777", ...paths.flatMap((path) => ["--path", path])]);
  const secret = (): string => join(root.outside, "secret");
  beforeEach(() => chmodSync(secret(), 0o600));

  const ways: readonly [string, () => string][] = [
    ["absolute", secret],
    ["relative, with more .. than there are directories", () => root.climbing(secret())],
    ["relative to the bundle", () => "../../outside/secret"],
    ["through the root of a process", () => `/proc/self/root${secret()}`],
    ["through the working directory of a process", () => `/proc/self/cwd/../outside/secret`],
    ["through a descriptor of a process", () => "/proc/self/fd/3"],
  ];
  test.each(ways)("a link to a file of the host: %s", (_, target) => {
    root.link("victim", target()).link("again", "victim").link("folder", root.outside);
    expect(chmod("/victim", "/again", "/folder/secret", "/folder").status).toBe(0);
    expect(modeOf(secret())).toBe(0o600);
  });

  test("CVE-2024-0134: .. and links on the way lead back into the root", () => {
    root.folder("outside").file("outside/secret").link("way", root.climbing("/"));
    chmodSync(root.at("outside/secret"), 0o600);
    expect(chmod("../outside/secret", "../../../../outside/secret", "/way/outside/secret").status).toBe(0);
    expect(modeOf(root.at("outside/secret"))).toBe(0o777);
    expect(modeOf(secret())).toBe(0o600);
  });

  test("a device, a FIFO and a socket are not opened", (context) => {
    if (!isRoot) context.skip("needs root (mknod)");
    if (program("strace") === undefined) context.skip("needs strace");
    root.special("dev/watchdog", "character", [10, 130]).special("dev/sda", "block", [8, 0]);
    root.special("dev/fifo", "fifo").special("dev/socket", "socket");
    const paths = ["watchdog", "sda", "fifo", "socket"].map((name) => `/dev/${name}`);
    expect(chmod(...paths).stderr).toBe("");
    for (const path of paths) expect(modeOf(root.at(path))).toBe(0o777);

    const args = ["chmod", "--mode", "600", "--path", paths.join(",")];
    const calls = traceHook(root.path, args, { trace: "open,openat,openat2" });
    const opened = calls.filter((call) => paths.some((path) => call.includes(`"${path.slice(5)}"`)));
    expect(opened.length).toBe(paths.length);
    for (const call of opened) expect(call).toContain("O_NOFOLLOW|O_CLOEXEC|O_PATH");
  });

  test("a set-user-ID file loses that, and none becomes one", () => {
    root.file("setuid").file("plain");
    chmodSync(root.at("setuid"), 0o6755);
    expect(chmod("/setuid").status).toBe(0);
    expect(modeOf(root.at("setuid"))).toBe(0o777);
    const result = root.attack(["chmod", "--mode", "6755", "--path", "/plain"]);
    expect([result.status, result.warnings.length]).toEqual([0, 1]);
    expect(modeOf(root.at("plain"))).toBe(0o755);
  });

  test("CVE-2025-52881: nothing on the kernel's own file systems", (context) => {
    if (!isRoot) context.skip("needs root (mount)");
    root.folder("opt/proc").folder("opt/sys").link("core", "/opt/proc/sys/kernel/core_pattern");
    const mounts = 'mount -t proc proc "$ROOT/opt/proc"; mount -t sysfs sysfs "$ROOT/opt/sys"';
    const before = modeOf("/proc/sys/kernel/core_pattern");
    const paths = ["/core", "/opt/proc/sys/kernel/core_pattern", "/opt/sys/kernel", "/opt/sys", "/proc", "/sys"];
    const args = ["chmod", "--mode", "777", "--path", paths.join(",")];
    const result = root.attack(args, { mounts });
    expect(result.status).toBe(0);
    expect(result.warnings.filter((line) => line.includes("(EACCES)")).length).toBe(4);
    expect(modeOf("/proc/sys/kernel/core_pattern")).toBe(before);
  });

  test("CVE-2026-24260: a file and a folder that are exchanged for links out of the root while the hook runs", () => {
    root.folder("a/b").file("a/b/secret").folder("spare");
    const [target, folder] = [root.at("a/b/secret"), root.at("a/b")];
    const exchange = `
      const { renameSync, rmSync, symlinkSync, writeFileSync } = require("node:fs");
      const [target, folder, secret, outside] = process.argv.slice(1);
      for (;;) {
        symlinkSync(secret, target + ".link"); renameSync(target + ".link", target);
        writeFileSync(target + ".file", ""); renameSync(target + ".file", target);
        renameSync(folder, folder + ".away"); symlinkSync(outside, folder);
        rmSync(folder); renameSync(folder + ".away", folder);
      }`;
    const exchanger = spawn(process.execPath, ["-e", exchange, target, folder, secret(), root.outside], {
      stdio: "ignore",
    });
    onTestFinished(() => void exchanger.kill("SIGKILL"));
    const end = performance.now() + 3000;
    let changed = 0;
    while (performance.now() < end) {
      const result = runHook(["chmod", "--mode", "777", "--path", "/a/b/secret"], { stdin: stateFor(root.path) });
      expect(result.status, result.stderr).toBe(0);
      expect(modeOf(secret())).toBe(0o600);
      if (lstatSync(target, { throwIfNoEntry: false })?.mode === 0o100777) changed += 1;
    }
    expect(exchanger.exitCode).toBeNull();
    expect(changed).toBeGreaterThan(0);
  });

  test("links in a circle and a path of 5,000 bytes", () => {
    root.link("a", "b").link("b", "a");
    expect(chmod("/a", "/a/b", `/${"x/".repeat(2500)}`).status).toBe(0);
  });
});

describe("enable-cuda-compat", () => {
  const plant = (content: Uint8Array): HostileRoot => root.folder(compat).file(library, content);
  const used = (): boolean => existsSync(root.at(dropIn));

  test.each([
    ["absolute", () => root.outside],
    ["relative", () => root.climbing(root.outside)],
    ["to /", () => "/"],
    ["to .", () => "."],
    ["to itself", () => "compat"],
  ])("CVE-2024-0132, CVE-2025-23359: the compat folder is a link out of the root: %s", (_, target) => {
    writeFileSync(join(root.outside, "libcuda.so.590.44.01"), compatLibrary(noteFor([570])));
    root.folder("usr/local/cuda").link(compat, target());
    expect(root.attack(enable).status).toBe(0);
    expect(used()).toBe(false);
  });

  test.each(["fifo", "character", "socket"] as const)("the compat folder is a %s", (type) => {
    if (!isRoot && type === "character") return;
    root.folder("usr/local/cuda").special(compat, type);
    expect(root.attack(enable).status).toBe(0);
    expect(used()).toBe(false);
  });

  test.each(["fifo", "character", "socket"] as const)("the library is a %s", (type) => {
    if (!isRoot && type === "character") return;
    root.folder(compat).special(library, type, [1, 5]);
    expect(root.attack(enable).status).toBe(0);
    expect(used()).toBe(false);
  });

  test("the library is a link to the host's", () => {
    writeFileSync(join(root.outside, "libcuda.so.590"), compatLibrary(noteFor([570])));
    root.folder(compat).link(library, join(root.outside, "libcuda.so.590"));
    expect(root.attack(enable).status).toBe(0);
    expect(used()).toBe(false);
  });

  test("a note of 4 GiB, in a file that has them", () => {
    const bytes = Buffer.from(noteBytes(noteFor([570])));
    bytes.writeUInt32LE(0xfffffff0, 4);
    plant(withSections(forgeElf(), [{ name: noteSection, type: SHT_NOTE, bytes, size: 2 ** 32 }]));
    truncateSync(root.at(library), 2 ** 32 + 4096);
    const result = root.attack(enable, { addressSpace: 256 << 20 });
    expect([result.status, result.warnings.length]).toEqual([0, 1]);
  });

  test("notes whose owners are 60,000 NULs and a letter", () => {
    const note = Buffer.alloc(12 + 60_004);
    note.writeUInt32LE(60_001, 0);
    note.writeUInt32LE(4, 4);
    note.write("x", 12 + 60_000);
    const sections = Array.from({ length: 16 }, () => ({ name: noteSection, type: SHT_NOTE, bytes: note }));
    plant(withSections(forgeElf(), sections));
    expect(root.attack(enable).status).toBe(0);
  });

  test("a note with a million drivers", () => {
    const drivers = Array.from({ length: 1_000_000 }, (_, index) => index);
    plant(compatLibrary(noteFor(drivers)));
    const result = root.attack(enable, { addressSpace: 256 << 20 });
    expect([result.status, result.warnings.length]).toEqual([0, 1]);
  });

  test.each([
    ["that is no JSON", "\xff\x00{"],
    ["that is nested 30,000 deep", '{"Driver":'.repeat(3000) + "[".repeat(30_000)],
    ["with numbers that are none", '{"CUDA Version":"1e999","Driver":[1e999,-0,9007199254740993]}'],
    ["with a member of an object's own", '{"__proto__":{"driver":[570]},"constructor":1,"Driver":"toString"}'],
    ["with a version of 60,000 digits", `{"CUDA Version":"${"9".repeat(60_000)}","Driver":[]}`],
    ["with line ends and escapes", '{"CUDA Version":"\\u001b[2J\\n","Driver":["\\u001b"]}'],
  ])("a note %s", (_, note) => {
    plant(compatLibrary(note));
    for (const flags of [enable, ["enable-cuda-compat", "--host-cuda-version=13.0"]])
      expect(root.attack(flags).status).toBe(0);
  });

  test("64,000 section headers, 4,000 notes, and headers that point everywhere", () => {
    const empty = noteBytes("", { owner: "" });
    const sections = Array.from({ length: 60_000 }, () => ({
      name: noteSection,
      type: SHT_NOTE,
      bytes: empty,
      size: 2 ** 40,
    }));
    plant(withSections(forgeElf(), sections));
    expect(root.attack(enable, { addressSpace: 256 << 20 }).status).toBe(0);
    const segments = Buffer.from(forgeElf({ notes: [], wild: { phnum: 0xfffe } }));
    const grown = Buffer.concat([segments, Buffer.alloc(4 << 20, segments.subarray(64, 64 + 56))]);
    grown.writeUInt32LE(4, 64);
    root.file(library, grown);
    expect(root.attack(enable, { addressSpace: 256 << 20 }).status).toBe(0);
  });

  test("a folder with 20,000 libraries, or with a name of many lines", () => {
    root.folder(compat);
    execFileSync("sh", ["-c", 'cd "$0" && seq -f libcuda.so.%.0f.1 20000 | xargs touch', root.at(compat)]);
    const many = root.attack(enable);
    expect([many.status, many.warnings.length]).toEqual([0, 1]);
    expect(many.stderr.length).toBeLessThan(1000);

    const name = "usr/local/cuda/x\n/etc";
    root.folder(name).file(`${name}/libcuda.so.590.1`, compatLibrary(noteFor([570])));
    root.replaceByLink(compat, "x\n/etc");
    expect(root.attack(enable).status).toBe(0);
    expect(used()).toBe(false);
  });

  describe("CVE-2025-23267: the drop-in", () => {
    beforeEach(() => void plant(compatLibrary(noteFor([570]))));

    test.each([
      ["is a link to a file of the host", () => join(root.outside, "secret")],
      ["is a link to a missing file of the host", () => join(root.outside, "evil")],
      ["is a link to itself", () => "00-compat-cdi-hook.conf"],
      ["is a link to a folder", () => "/etc"],
    ])("%s", (_, target) => {
      root.link(dropIn, target());
      expect(root.attack(enable).status).toBe(0);
      expect(lstatSync(root.at(dropIn)).isFile()).toBe(true);
      expect(readFileSync(root.at(dropIn), "utf8")).toBe(`/${compat}\n`);
      root.expectNoLitter();
    });

    test.each(["fifo", "socket"] as const)("is a %s", (type) => {
      root.special(dropIn, type);
      expect(root.attack(enable).status).toBe(0);
      expect(lstatSync(root.at(dropIn)).isFile()).toBe(true);
    });

    test("is a folder: a warning", () => {
      root.folder(dropIn);
      const result = root.attack(enable);
      expect([result.status, result.warnings.length]).toEqual([0, 1]);
      root.expectNoLitter();
    });

    test.each(["etc", "etc/ld.so.conf.d"])("is below %s, a link out of the root", (path) => {
      root.replaceByLink(path, root.outside);
      expect(root.attack(enable).status).toBe(0);
      expect(root.attack(["enable-cuda-compat", "--host-driver-version=999.1"]).status).toBe(0);
      root.expectNoLitter();
    });

    test("that is to be removed is a link: the link is removed", () => {
      root.link(dropIn, join(root.outside, "secret")).file("secret");
      root.replaceByLink(dropIn, "/etc/os-release");
      expect(root.attack(["enable-cuda-compat", "--host-driver-version=999.1"]).status).toBe(0);
      expect(root.linkAt(dropIn)).toBe("(missing)");
      expect(existsSync(root.at("etc/os-release"))).toBe(true);
    });
  });
});

describe("update-application-profile", () => {
  const update = ["update-application-profile"];
  beforeEach((context) => {
    if (!isRoot) context.skip("needs root (mknod)");
  });
  const content = (): string => readFileSync(root.at(profile), "utf8");

  test.each([
    ["absolute", () => join(root.outside, "dev")],
    ["relative", () => root.climbing(join(root.outside, "dev"))],
    ["the host's own", () => "/dev"],
    ["through a process", () => "/proc/self/root/dev"],
  ])("/dev is a link out of the root: %s", (_, target) => {
    execFileSync("mkdir", [join(root.outside, "dev")]);
    execFileSync("mknod", [join(root.outside, "dev/nvidia7"), "c", "195", "7"]);
    root.replaceByLink("dev", target());
    expect(root.attack(update).status).toBe(0);
    expect(existsSync(root.at("etc/nvidia"))).toBe(false);
  });

  test("/dev is a FIFO, a file, or a link in a circle", () => {
    for (const change of [
      () => root.remove("dev").special("dev", "fifo"),
      () => root.remove("dev").file("dev"),
      () => root.replaceByLink("dev", "dev"),
    ]) {
      change();
      expect(root.attack(update)).toMatchObject({ status: 0, stderr: "" });
    }
  });

  test("what only looks like the driver's device", () => {
    root.file("dev/nvidia0").link("dev/nvidia1", "/dev/null").link("dev/nvidia2", join(root.outside, "secret"));
    root.special("dev/nvidia3", "block", [195, 3]).special("dev/nvidia4", "fifo").special("dev/nvidia5", "socket");
    root.special("dev/nvidia6", "character", [1, 6]).special("dev/nvidiactl", "character", [195, 255]);
    root
      .folder("dev/nvidia7")
      .special("dev/nvidia8x", "character", [195, 8])
      .special("dev/nvidia", "character", [195, 9]);
    expect(root.attack(update)).toMatchObject({ status: 0, stderr: "" });
    expect(existsSync(root.at("etc/nvidia"))).toBe(false);
    root.special("dev/nvidia99999999999999999999", "character", [195, 10]).link("dev/nvidia11", "nvidia10");
    expect(root.attack(update)).toMatchObject({ status: 0, stderr: "" });
    expect(content()).toContain(",0x400]");
  });

  test("20,000 names in /dev", () => {
    execFileSync("sh", ["-c", 'cd "$0" && seq -f nvidia%.0f 20000 | xargs touch', root.at("dev")]);
    root.special("dev/nvidia0", "character", [195, 0]);
    expect(root.attack(update).status).toBe(0);
    expect(content()).toContain(",0x1]");
  });

  test.each(["etc", "etc/nvidia", profileFolder, profile])("CVE-2025-23267: %s is a link out of the root", (path) => {
    root.special("dev/nvidia0", "character", [195, 0]).folder(profileFolder);
    for (const target of [root.outside, root.climbing(root.outside), join(root.outside, "secret"), "/"]) {
      root.replaceByLink(path, target);
      expect(root.attack(update).status).toBe(0);
      root.expectNoLitter();
    }
  });

  test.each([
    ["a FIFO", () => root.special(profile, "fifo")],
    ["a file of 1 GiB", () => truncateSync(root.file(profile).at(profile), 2 ** 30)],
    ["a device", () => root.special(profile, "character", [1, 5])],
  ])("the profile is %s", (_, plant) => {
    root.special("dev/nvidia0", "character", [195, 0]).folder(profileFolder);
    plant();
    expect(root.attack(update, { addressSpace: 256 << 20 })).toMatchObject({ status: 0, stderr: "" });
    expect(content()).toContain(",0x1]");
  });
});

describe("apply-cuda-memory-limits", () => {
  test("an environment with line ends and escapes, and one of a million names", () => {
    const limits = ["NVIDIA_GPU_MEMORY_REQUEST=\u001b[2J\n1", "NVIDIA_GPU_MEMORY_LIMIT=\u202e2"];
    const write = (env: unknown): void =>
      writeFileSync(join(root.bundle, "config.json"), JSON.stringify({ root: { path: "rootfs" }, process: { env } }));
    write(limits);
    expect(root.attack(["apply-cuda-memory-limits"]).warnings.length).toBe(1);
    write(Array.from({ length: 200_000 }, (_, index) => `V${index}=x`));
    expect(root.attack(["apply-cuda-memory-limits"], { addressSpace: 512 << 20 }).status).toBe(0);
    write([1, null, {}, "=", "NOTHING"]);
    expect(root.attack(["apply-cuda-memory-limits"])).toMatchObject({ status: 0, stderr: "" });
  });
});
