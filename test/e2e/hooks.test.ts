/** Single starts of the executable, without a runtime: what the hooks beside links and cache leave in a root. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, test, type TestContext } from "vitest";
import { compatLibrary, noteBytes, noteFor, noteSection, SHT_NOTE, withSections } from "../support/compat-library.ts";
import { containerPathOf, hostPathOf } from "../support/driver.ts";
import { executablePath, runHook, stateFor, type RunOptions, type RunResult } from "../support/executable.ts";
import { loadableLibrary } from "../support/loadable-library.ts";
import { peer } from "../support/peers.ts";
import { loaded, probeCommand } from "../support/probe.ts";
import { scratchDirectory } from "../support/scratch.ts";
import { setStage } from "../support/stage.ts";

const compatFolder = "/usr/local/cuda/compat";
const dropIn = "etc/ld.so.conf.d/00-compat-cdi-hook.conf";
const profile = "etc/nvidia/nvidia-application-profiles-rc.d/10-container.conf";

let bundle: string;
let root: string;
beforeEach(() => {
  bundle = scratchDirectory();
  root = join(bundle, "rootfs");
  mkdirSync(root);
});

function needRoot(context: TestContext): void {
  if (process.getuid?.() !== 0) context.skip("needs root");
}

function hook(args: readonly string[], options: RunOptions = {}): RunResult {
  return runHook(args, { stdin: stateFor(root), ...options });
}

/** The same where the root is on a file system that is mounted read-only. */
function hookOnReadOnly(args: readonly string[], at = root): RunResult {
  const script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"';
  const words = ["--mount", "--propagation", "private", "/bin/sh", "-c", script, at, executablePath, ...args];
  return runHook(words, {
    executable: "/usr/bin/unshare",
    stdin: stateFor(at),
    env: { PATH: "/usr/sbin:/usr/bin:/bin" },
  });
}

function put(path: string, content: string | Uint8Array = ""): string {
  const at = join(root, path);
  mkdirSync(dirname(at), { recursive: true });
  writeFileSync(at, content);
  return at;
}

const contentOf = (path: string): string => readFileSync(join(root, path), "utf8");
const modeOf = (path: string): string => (lstatSync(join(root, path)).mode & 0o7777).toString(8);

/** What tells whether a file was written again. */
function traceOf(path: string): string {
  const { ino, mtimeNs, ctimeNs } = lstatSync(join(root, path), { bigint: true });
  return `${ino} ${mtimeNs} ${ctimeNs}`;
}

const driver570 = ["enable-cuda-compat", "--host-driver-version=570.133.20"];

describe("enable-cuda-compat", () => {
  test("reads no state when there is nothing to compare with", () => {
    for (const flags of [[], ["--host-driver-version="], ["--host-driver-version", "", "--host-cuda-version", ""]]) {
      const result = runHook(["enable-cuda-compat", ...flags]);
      expect(result).toMatchObject({ status: 0, stderr: "" });
    }
    expect(runHook(driver570).status).toBe(1);
  });

  test("names the folder of a newer library; a second start changes nothing; a newer driver removes it", () => {
    put(`${compatFolder}/libcuda.so.590.44.01`, compatLibrary(noteFor([570, 590])));
    expect(hook(driver570)).toMatchObject({ status: 0, stderr: "" });
    expect(contentOf(dropIn)).toBe(`${compatFolder}\n`);
    expect(modeOf(dropIn)).toBe("644");

    const before = traceOf(dropIn);
    expect(hook(driver570)).toMatchObject({ status: 0, stderr: "" });
    expect(traceOf(dropIn)).toBe(before);

    expect(hook(["enable-cuda-compat", "--host-driver-version=595.10"])).toMatchObject({ status: 0, stderr: "" });
    expect(readdirSync(join(root, "etc/ld.so.conf.d"))).toEqual([]);
  });

  test.each([
    ["the folder is gone", (at: string) => rmSync(at, { recursive: true })],
    ["there are two libraries", (at: string) => writeFileSync(join(at, "libcuda.so.1.1"), "")],
    ["the library is gone", (at: string) => rmSync(join(at, "libcuda.so.590.44.01"))],
  ])("the drop-in is removed when %s", (_, change) => {
    put(`${compatFolder}/libcuda.so.590.44.01`, compatLibrary(noteFor([570])));
    expect(hook(driver570).status).toBe(0);
    expect(existsSync(join(root, dropIn))).toBe(true);
    change(join(root, compatFolder));
    expect(hook(driver570).status).toBe(0);
    expect(existsSync(join(root, dropIn))).toBe(false);
  });

  test("links and folders beside the library do not count; the folder is named as it is without links", () => {
    put("/usr/local/cuda-13.1/compat/libcuda.so.590.44.01", compatLibrary(noteFor([570])));
    mkdirSync(join(root, "usr/local/cuda-13.1/compat/libcuda.so.1.1"));
    for (const name of ["libcuda.so", "libcuda.so.1", "libcuda.so.1.2"])
      symlinkSync("libcuda.so.590.44.01", join(root, "usr/local/cuda-13.1/compat", name));
    symlinkSync("/usr/local/cuda-13.1", join(root, "usr/local/cuda"));
    expect(hook(driver570)).toMatchObject({ status: 0, stderr: "" });
    expect(contentOf(dropIn)).toBe("/usr/local/cuda-13.1/compat\n");
  });

  test("another folder, and CUDA versions", () => {
    put("/opt/compat/libcuda.so.1.1", compatLibrary(noteFor([], "13.2")));
    const flags = ["--cuda-compat-container-root", "opt/compat/"];
    expect(hook(["enable-cuda-compat", "--host-cuda-version=13.2", ...flags]).status).toBe(0);
    expect(existsSync(join(root, dropIn))).toBe(false);
    expect(hook(["enable-cuda-compat", "--host-cuda-version=13.1", ...flags]).status).toBe(0);
    expect(contentOf(dropIn)).toBe("/opt/compat\n");
  });

  test("a place that cannot be written is a warning", (context) => {
    needRoot(context);
    put(`${compatFolder}/libcuda.so.590.44.01`, compatLibrary(noteFor([570])));
    const result = hookOnReadOnly([...driver570, "--on-read-only=warn"]);
    expect(result.status, result.stderr).toBe(0);
    expect(result.stderr).toMatch(/^cdi-hook: warning: enable-cuda-compat: .*\(EROFS\)\n$/);
  });

  test("the decisions are NVIDIA's", (context) => {
    needRoot(context);
    const nvidia = peer("nvidia-cdi-hook-1.20.0");
    if (nvidia === undefined) context.skip("absent peer: nvidia-cdi-hook-1.20.0");
    const notes = [undefined, noteFor([535, 570]), noteFor([], "13.2"), '{"Driver":["570"]}', "{", '{"driver":[570]}'];
    const versions = ["590.44.01", "570.133.20", "1.1", "a.b"];
    const hosts = [
      ["570.133.20", ""],
      ["570.133.20", "12.9"],
      ["580.1", ""],
      ["", "13.0"],
      ["x", "13.3"],
    ];
    const differences: string[] = [];
    writeFileSync(join(bundle, "config.json"), JSON.stringify({ ociVersion: "1.0.2", root: { path: root } }));
    const state = stateFor(root, { root: undefined });
    const decide = (executable: string | undefined, args: readonly string[]): boolean => {
      rmSync(join(root, "etc"), { recursive: true, force: true });
      mkdirSync(join(root, "etc"));
      const script = 'mount --rbind "$0" "$0" && exec "$@"';
      const words = ["--mount", "/bin/sh", "-c", script, root, executable ?? "", ...args];
      const options = { executable: "/usr/bin/unshare", stdin: state, env: { PATH: "/usr/sbin:/usr/bin:/bin" } };
      expect(runHook(words, options).status).toBe(0);
      const folder = join(root, "etc/ld.so.conf.d");
      return existsSync(folder) && readdirSync(folder).length > 0;
    };
    for (const note of notes) {
      for (const version of versions) {
        rmSync(join(root, compatFolder), { recursive: true, force: true });
        put(`${compatFolder}/libcuda.so.${version}`, compatLibrary(note));
        for (const [driver, cuda] of hosts) {
          const args = ["enable-cuda-compat", `--host-driver-version=${driver}`, `--host-cuda-version=${cuda}`];
          const [theirs, ours] = [nvidia, executablePath].map((executable) => decide(executable, args));
          if (theirs !== ours) differences.push(`${note} ${version} ${args.join(" ")}: ${theirs}`);
        }
      }
    }
    expect(differences).toEqual([]);
  });

  describe("and update-ldcache", () => {
    const version = "590.44.01";

    /** A Debian root with the driver in its place, and compatibility libraries. */
    function prepare(context: TestContext): { args: readonly string[]; version: string } {
      const stage = setStage(context);
      ({ root } = stage);
      for (const library of stage.driver.libraries) {
        const path = join(root, containerPathOf(stage.driver, library));
        mkdirSync(dirname(path), { recursive: true });
        cpSync(hostPathOf(stage.driver, library), path);
      }
      const text = `cuInit of stand-in driver ${version}\n`;
      const library = loadableLibrary({ soname: "libcuda.so.1", symbol: "cuInit", text });
      const bytes = noteBytes(noteFor([570, 580]));
      put(
        `${compatFolder}/libcuda.so.${version}`,
        withSections(library, [{ name: noteSection, type: SHT_NOTE, bytes }]),
      );
      return { args: ["update-ldcache", "--folder", stage.driver.libraryDirectory], version: stage.driver.version };
    }

    const cuda = [{ library: "libcuda.so.1", symbol: "cuInit" }];
    const probe = (): string => spawnSync("chroot", [root, ...probeCommand(cuda)], { encoding: "utf8" }).stdout;
    const cacheOf = (): string => execFileSync("chroot", [root, "ldconfig", "-p"], { encoding: "utf8" });

    test("a program loads the compatibility library, and the driver's when the host is newer", (context) => {
      const { args, version: driver } = prepare(context);
      expect(hook(["enable-cuda-compat", `--host-driver-version=${driver}`]).status).toBe(0);
      expect(hook(args)).toMatchObject({ status: 0, stderr: "" });
      expect(probe()).toBe(loaded(version, cuda));
      expect(cacheOf().match(/libcuda\.so\.1 .*=> (.*)/)?.[1]).toBe(`${compatFolder}/libcuda.so.1`);
      const before = ["etc/ld.so.cache", dropIn].map(traceOf);
      expect(hook(["enable-cuda-compat", `--host-driver-version=${driver}`]).status).toBe(0);
      expect(hook(args)).toMatchObject({ status: 0, stderr: "" });
      expect(["etc/ld.so.cache", dropIn].map(traceOf)).toEqual(before);

      expect(hook(["enable-cuda-compat", "--host-driver-version=595.1"]).status).toBe(0);
      expect(hook(args)).toMatchObject({ status: 0, stderr: "" });
      expect(probe()).toBe(loaded(driver, cuda));
      expect(cacheOf()).not.toContain(compatFolder);
    });

    test("also where ld.so.conf does not include the drop-ins", (context) => {
      const { args, version: driver } = prepare(context);
      put("/etc/ld.so.conf", "/usr/local/lib\n");
      expect(hook(["enable-cuda-compat", `--host-driver-version=${driver}`]).status).toBe(0);
      expect(hook(args)).toMatchObject({ status: 0, stderr: "" });
      expect(probe()).toBe(loaded(version, cuda));
      expect(hook(["enable-cuda-compat", "--host-driver-version=595.1"]).status).toBe(0);
      expect(hook(args)).toMatchObject({ status: 0, stderr: "" });
      expect(probe()).toBe(loaded(driver, cuda));
    });

    test("also where the driver is in a folder of its own", (context) => {
      const { version: driver } = prepare(context);
      put("/opt/driver/libcuda.so.580.1", readFileSync(join(root, compatFolder, `libcuda.so.${version}`)));
      const args = ["update-ldcache", "--folder", "/opt/driver"];
      expect(hook(["enable-cuda-compat", `--host-driver-version=${driver}`]).status).toBe(0);
      expect(hook(args)).toMatchObject({ status: 0, stderr: "" });
      const libraries = [...cacheOf().matchAll(/libcuda\.so\.1 .*=> (.*)/g)].map(([, path]) => dirname(path ?? ""));
      expect(libraries.slice(0, 2)).toEqual([compatFolder, "/opt/driver"]);
      expect(readdirSync(join(root, "etc/ld.so.conf.d")).slice(0, 2)).toEqual([
        "00-compat-cdi-hook.conf",
        "00-nvcr-cdi-hook.conf",
      ]);
    });

    test("a root that is prepared can become read-only", (context) => {
      const { args, version: driver } = prepare(context);
      const links = ["create-symlinks", "--link", "libcuda.so.1::/usr/lib/x86_64-linux-gnu/libcuda.so"];
      const all = [links, ["enable-cuda-compat", `--host-driver-version=${driver}`], args];
      for (const each of all) expect(hook(each)).toMatchObject({ status: 0, stderr: "" });
      for (const each of all) expect(hookOnReadOnly(each)).toMatchObject({ status: 0, stderr: "" });
      const fail = "--on-read-only=fail";
      const more = hookOnReadOnly(["create-symlinks", "--link", "x::/usr/x", fail]);
      expect(more.status).toBe(1);
      expect(more.stderr).toContain("(EROFS)");
      rmSync(join(root, "etc/ld.so.cache"));
      expect(hookOnReadOnly([...args, fail]).status).toBe(1);
    });
  });
});

describe("update-application-profile", () => {
  const device = (name: string, major: number, minor: number, type = "c"): void => {
    mkdirSync(join(root, "dev"), { recursive: true });
    execFileSync("mknod", [join(root, "dev", name), type, String(major), String(minor)]);
  };

  test("writes the mask of the driver's devices; a second start changes nothing, another device one bit", (context) => {
    needRoot(context);
    mkdirSync(join(root, "etc"));
    device("nvidia0", 195, 0);
    device("nvidia3", 195, 3);
    device("nvidiactl", 195, 255);
    device("nvidia-uvm", 240, 0);
    device("nvidia1", 1, 3);
    device("nvidia2", 195, 2, "b");
    put("/dev/nvidia4");
    symlinkSync("nvidia0", join(root, "dev/nvidia5"));
    expect(hook(["update-application-profile"])).toMatchObject({ status: 0, stderr: "" });
    expect(contentOf(profile)).toBe(
      '{"profiles":[{"name":"_container_","settings":["EGLVisibleDGPUDevices",0x9]}],' +
        '"rules":[{"pattern":[],"profile":"_container_"}]}',
    );
    expect([profile, dirname(profile), "etc/nvidia", "etc"].map(modeOf)).toEqual(["444", "555", "555", "755"]);

    const before = traceOf(profile);
    expect(hook(["update-application-profile"])).toMatchObject({ status: 0, stderr: "" });
    expect(traceOf(profile)).toBe(before);

    device("nvidia63", 195, 63);
    expect(hook(["update-application-profile"])).toMatchObject({ status: 0, stderr: "" });
    expect(contentOf(profile)).toContain(",0x8000000000000009]");
  });

  test("does nothing without a device, and warns of one that the mask cannot hold", (context) => {
    needRoot(context);
    expect(hook(["update-application-profile"])).toMatchObject({ status: 0, stderr: "" });
    device("nvidia64", 195, 64);
    const result = hook(["update-application-profile"]);
    expect(result.status).toBe(0);
    expect(result.stderr).toMatch(/^cdi-hook: warning: .*\/dev\/nvidia64: minor number 64 .*\n$/);
    expect(existsSync(join(root, "etc"))).toBe(false);
  });

  test("leaves the folders of the image as they are, and replaces its file", (context) => {
    needRoot(context);
    put(profile, "of the image");
    chmodSync(join(root, profile), 0o600);
    device("nvidia1", 195, 1);
    expect(hook(["update-application-profile"])).toMatchObject({ status: 0, stderr: "" });
    expect(contentOf(profile)).toContain(",0x2]");
    expect([profile, dirname(profile)].map(modeOf)).toEqual(["444", "755"]);
  });

  test("a place that cannot be written is a warning", (context) => {
    needRoot(context);
    device("nvidia0", 195, 0);
    const result = hookOnReadOnly(["update-application-profile", "--on-read-only=warn"]);
    expect(result.status, result.stderr).toBe(0);
    expect(result.stderr).toMatch(/^cdi-hook: warning: update-application-profile: .*\(EROFS\)\n$/);
    put("/etc");
    const inFile = hook(["update-application-profile"]);
    expect(inFile.status).toBe(0);
    expect(inFile.stderr).toContain("(ENOTDIR)");
  });
});

describe("chmod", () => {
  test("sets the mode of each path, whatever it is", (context) => {
    needRoot(context);
    for (const path of ["/file", "/dev/dri/card0", "/a,b"]) put(path);
    execFileSync("mknod", [join(root, "dev/null"), "c", "1", "3"]);
    execFileSync("mkfifo", [join(root, "fifo")]);
    const paths = ["--path", "/file,/dev/dri", "--path=fifo", "-path", "dev/null"];
    expect(hook(["chmod", "--mode", "751", ...paths])).toMatchObject({ status: 0, stderr: "" });
    expect(["file", "dev/dri", "fifo", "dev/null"].map(modeOf)).toEqual(["751", "751", "751", "751"]);
    expect(modeOf("dev/dri/card0")).not.toBe("751");
    const before = ["file", "dev/dri"].map(traceOf);
    expect(hook(["chmod", "--mode", "0751", ...paths])).toMatchObject({ status: 0, stderr: "" });
    expect(["file", "dev/dri"].map(traceOf)).toEqual(before);
  });

  test("skips what is missing, and reads no state when there is no path", () => {
    put("/file");
    const paths = ["--path", "/missing", "--path", "/file/x", "--path", "/file"];
    expect(hook(["chmod", "--mode", "700", ...paths])).toMatchObject({ status: 0, stderr: "" });
    expect(modeOf("file")).toBe("700");
    expect(runHook(["chmod", "--mode", "700"])).toMatchObject({ status: 0, stderr: "" });
  });

  test("takes permissions only", () => {
    put("/file");
    chmodSync(join(root, "file"), 0o4755);
    expect(hook(["chmod", "--mode", "755", "--path", "/file"])).toMatchObject({ status: 0, stderr: "" });
    expect(modeOf("file")).toBe("755");
    const result = hook(["chmod", "--mode", "4711", "--path", "/file"]);
    expect(result.status).toBe(0);
    expect(result.stderr).toContain("only the permissions 711 are set");
    expect(modeOf("file")).toBe("711");
  });

  test.each([
    [["--path", "/file"], "--mode is required"],
    [["--path", "/file", "--mode", ""], "--mode is required"],
    [["--path", "/file", "--mode", "u+x"], "u+x: not an octal number"],
    [["--path", "/file", "--mode", "0o755"], "0o755: not an octal number"],
    [["--path", "/file", "--mode", "888"], "888: not an octal number"],
    [["--path", "/file", "--mode", "-1"], "-1: not an octal number"],
    [["--path", "/file", "--mode"], "--mode needs a value"],
    [["--path", "/file,", "--mode", "755"], "a path is empty"],
    [["--path", " ", "--mode", "755"], "a path is empty"],
  ])("%j is refused: %s", (words, reason) => {
    put("/file");
    const before = traceOf("/file");
    const result = hook(["chmod", ...words]);
    expect(result.status).toBe(1);
    expect(result.stderr.split("\n")).toEqual([expect.stringContaining(reason), ""]);
    expect(traceOf("/file")).toBe(before);
  });

  test("tells every failure, and ends well", (context) => {
    needRoot(context);
    for (const path of ["/a", "/b"]) put(path);
    mkdirSync(join(root, "proc"));
    const result = hookOnReadOnly(["chmod", "--mode", "700", "--path", "/a,/proc/x,/b"]);
    expect(result.status, result.stderr).toBe(0);
    expect(result.stderr.match(/warning: chmod: set the mode of \/\S+: .*\((?:EROFS|EACCES)\)/g)?.length).toBe(3);
  });
});

describe("apply-cuda-memory-limits", () => {
  const limits = ["NVIDIA_GPU_MEMORY_REQUEST=1Gi", "NVIDIA_GPU_MEMORY_LIMIT=2Gi"];

  function run(env: unknown, words: readonly string[] = []): RunResult {
    const config = { ociVersion: "1.0.2", root: { path: "rootfs" }, process: { args: ["x"], env } };
    writeFileSync(join(bundle, "config.json"), JSON.stringify(config));
    return hook(["apply-cuda-memory-limits", "--driver-root", "/run/driver", ...words]);
  }

  test("a container that asks for limits gets a loud warning", () => {
    const result = run(["PATH=/bin", ...limits], ["--gpu-id=GPU-1"]);
    expect(result.status).toBe(0);
    expect(result.stderr).toMatch(
      /^cdi-hook: warning: apply-cuda-memory-limits: GPU MEMORY IS NOT LIMITED on GPU GPU-1: .*\n$/,
    );
    for (const limit of limits) expect(result.stderr).toContain(limit);
  });

  test.each([
    [[]],
    [["A=b"]],
    [limits.slice(1)],
    [limits.slice(0, 1)],
    [[...limits, "NVIDIA_GPU_MEMORY_LIMIT="]],
    [null],
  ])("one with the environment %j gets none", (env) => {
    expect(run(env)).toMatchObject({ status: 0, stderr: "" });
  });

  test("our own environment does not count", () => {
    writeFileSync(join(bundle, "config.json"), JSON.stringify({ root: { path: "rootfs" } }));
    const env = { NVIDIA_GPU_MEMORY_REQUEST: "1Gi", NVIDIA_GPU_MEMORY_LIMIT: "2Gi" };
    expect(hook(["apply-cuda-memory-limits"], { env })).toMatchObject({ status: 0, stderr: "" });
  });

  test("a configuration that cannot be read is a warning, a state that cannot be is an error", () => {
    const result = hook(["apply-cuda-memory-limits"]);
    expect(result.status).toBe(0);
    expect(result.stderr).toContain("is not known");
    expect(hook(["apply-cuda-memory-limits"], { stdin: "{" }).status).toBe(1);
  });
});

describe("every hook", () => {
  const hooks: readonly (readonly string[])[] = [
    ["create-symlinks", "--link", "a::/b"],
    driver570,
    ["update-ldcache"],
    ["update-application-profile"],
    ["chmod", "--mode=755", "--path=/x"],
  ];

  test.each(hooks)("refuses a bad state and the host's root: %s", (...args) => {
    for (const stdin of ["", "{}", "[]", stateFor("/"), stateFor(join(bundle, "missing"))]) {
      const result = hook(args, { stdin });
      expect(result.status, stdin).toBe(1);
      expect(result.stderr).toMatch(/^cdi-hook: error: [a-z-]+: .*\n$/);
    }
  });

  test.each(hooks)("ignores flags that it does not know: %s", (...args) => {
    const result = hook([...args, "--future", "x", "--other=y"]);
    expect(result.status, result.stderr).toBe(0);
    expect(result.stderr).toContain("ignoring unknown flags --future, --other");
  });

  test.each([...hooks.map(([name]) => name), "apply-cuda-memory-limits", "noop"])("%s has help", (name = "") => {
    const result = runHook([name, "--help"]);
    expect(result.status).toBe(0);
    expect(result.stdout.toString()).toContain(name);
  });
});
