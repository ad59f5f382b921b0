/** Read-only roots that lack what is to be mounted over, or have something else in its place. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, type TestContext, test } from "vitest";
import { writeBundle, type Stage as HookStage } from "../support/bundle.ts";
import { executablePath } from "../support/executable.ts";
import { loaded, notLoaded, probeCommand } from "../support/probe.ts";
import { readOnlyStage, stageWithMountPoints } from "../support/read-only-root.ts";
import { crun, gvisor2026With, runc, type ContainerRun, type Runtime } from "../support/runtimes.ts";
import { scratchDirectory } from "../support/scratch.ts";
import type { Stage } from "../support/stage.ts";
import { compareListings, listTree } from "../support/tree-listing.ts";
import { scratchInMemory } from "../support/memory-scratch.ts";

scratchInMemory();

/** A stage whose root is changed before it is read-only. */
function staged(context: TestContext, runtime: Runtime, furnish: (root: string) => void): Stage {
  const reason = runtime.missing();
  if (reason !== undefined) context.skip(reason);
  const made = stageWithMountPoints(context);
  furnish(made.root);
  return readOnlyStage(made);
}

interface Wanted {
  readonly stage?: HookStage;
  /** Words of a shell that come after the probe. */
  readonly also?: string;
  readonly global?: readonly string[];
  readonly gpus?: readonly number[];
  readonly more?: readonly { readonly hostPath: string; readonly containerPath: string; readonly options?: string[] }[];
  readonly propagation?: string;
}

function run(runtime: Runtime, { root, work, edits }: Stage, wanted: Wanted = {}): ContainerRun {
  const { stage = "createContainer", also, global = [], more = [] } = wanted;
  const hooks = edits.hooks.map((hook) => ({ ...hook, args: [...hook.args, ...global] }));
  const mounts = [...edits.mounts, ...more.map((mount) => ({ options: ["bind", "ro"], ...mount }))];
  const probe = probeCommand();
  const args = also === undefined ? probe : ["sh", "-c", `"$@" && ${also}`, "sh", ...probe];
  const gpus = wanted.gpus === undefined ? {} : { gpus: wanted.gpus };
  writeBundle(work, { root, readonly: true, args, edits: { ...edits, hooks, mounts }, stage, ...gpus });
  if (wanted.propagation !== undefined) {
    const path = join(work, "config.json");
    const config = JSON.parse(readFileSync(path, "utf8")) as { linux: Record<string, unknown> };
    config.linux["rootfsPropagation"] = wanted.propagation;
    writeFileSync(path, JSON.stringify(config));
  }
  return runtime.run(work);
}

const mounts = (): string => readFileSync("/proc/self/mountinfo", "utf8");
const cache = "etc/ld.so.cache";

/** Runs twice, and nothing may be left. */
function expectLoaded(runtime: Runtime, stage: Stage, wanted: Wanted = {}, stdout = ""): void {
  const [before, mountsBefore] = [listTree(stage.root, { identity: true }), mounts()];
  for (let start = 1; start <= 2; start++) {
    const all = loaded(stage.driver.version) + stdout;
    expect(run(runtime, stage, wanted), `start ${start}`).toEqual({ status: 0, stdout: all, stderr: "" });
  }
  expect(compareListings(before, listTree(stage.root, { identity: true }))).toEqual([]);
  expect(mounts()).toBe(mountsBefore);
}

const runtimes: readonly (readonly [string, Runtime, HookStage])[] = [
  ["runc prestart", runc, "prestart"],
  ["crun createRuntime", crun, "createRuntime"],
  ["runc createContainer", runc, "createContainer"],
  ["gVisor 2026 createContainer", gvisor2026With("--overlay2=none"), "createContainer"],
];

describe.each(runtimes)("no /etc/ld.so.cache to mount over, %s", (_name, runtime, stage) => {
  test("a layer over /etc has it; the image's files and the runtime's mounts in /etc stay", (context) => {
    const stageOf = staged(context, runtime, (root) => {
      rmSync(join(root, cache), { force: true });
      writeFileSync(join(root, "etc/resolv.conf"), "");
      mkdirSync(join(root, "etc/deep/er"), { recursive: true });
      writeFileSync(join(root, "etc/deep/er/file"), "");
      writeFileSync(join(root, "etc/own"), "image\n");
    });
    const host = join(stageOf.work, "../resolv.conf");
    writeFileSync(host, "mounted\n");
    const more = ["/etc/resolv.conf", "/etc/deep/er/file"].map((containerPath) => ({ hostPath: host, containerPath }));
    const also = "cat /etc/own /etc/resolv.conf /etc/deep/er/file && ! touch /etc/x 2>/dev/null";
    expectLoaded(runtime, stageOf, { stage, also, more }, "image\nmounted\nmounted\n");
  });
});

describe("what stands where the cache should be", () => {
  const cases: readonly (readonly [string, (root: string) => void])[] = [
    ["a link to a file", (root) => link(root, "../var/cache/linker", true)],
    ["an absolute link", (root) => link(root, "/var/cache/linker", true)],
    ["a link that leads nowhere", (root) => link(root, "/nowhere/at/all", false)],
    ["a link out of the root", (root) => link(root, "../../../../../../../../etc/passwd", false)],
    ["a FIFO", (root) => fifo(root)],
    [
      "a directory, which a writable root would keep",
      (root) => {
        rmSync(join(root, cache));
        mkdirSync(join(root, cache, "deeper"), { recursive: true });
      },
    ],
    [
      "/etc is a link",
      (root) => {
        renameSync(join(root, "etc"), join(root, "usr/etc"));
        symlinkSync("usr/etc", join(root, "etc"));
      },
    ],
    [
      "/etc is a link, and no cache",
      (root) => {
        renameSync(join(root, "etc"), join(root, "usr/etc"));
        symlinkSync("/usr/etc", join(root, "etc"));
        rmSync(join(root, "usr", cache));
      },
    ],
  ];

  function link(root: string, target: string, isThere: boolean): void {
    rmSync(join(root, cache));
    symlinkSync(target, join(root, cache));
    if (isThere) writeFileSync(join(root, "var/cache/linker"), "");
  }

  function fifo(root: string): void {
    rmSync(join(root, cache));
    execFileSync("mkfifo", [join(root, cache)]);
  }

  for (const [name, furnish] of cases) test(name, (context) => expectLoaded(runc, staged(context, runc, furnish)));
});

test("no /etc at all: the line tells what to do", (context) => {
  const stage = staged(context, runc, (root) => {
    rmSync(join(root, "etc"), { recursive: true });
    mkdirSync(join(root, "dev"), { recursive: true });
    mkdirSync(join(root, "proc"), { recursive: true });
  });
  const { status, stderr } = run(runc, stage);
  expect(status).not.toBe(0);
  expect(stderr).toMatch(/the image has no \/etc: an empty folder/);
});

test("a cache that is mounted there already, by the runtime", (context) => {
  const stage = staged(context, runc, () => undefined);
  const own = join(stage.work, "../cache");
  writeFileSync(own, "not a cache");
  expectLoaded(runc, stage, { more: [{ hostPath: own, containerPath: "/etc/ld.so.cache" }] });
  expect(readFileSync(own, "utf8")).toBe("not a cache");
});

test("a mount over a file is no reason to leave a writable root unwritten", (context) => {
  const stage = stageWithMountPoints(context);
  const own = join(stage.work, "../cache");
  writeFileSync(own, "not a cache");
  const more = [{ hostPath: own, containerPath: "/etc/ld.so.cache" }];
  expect(run(runc, stage, { more })).toMatchObject({ status: 0, stdout: loaded(stage.driver.version) });
  expect(readFileSync(own, "utf8")).toBe("not a cache");
});

describe("notes that an image brings along", () => {
  test("are not read: nothing is written into a volume, and no file of the runtime's is replaced", (context) => {
    const notes = [
      ["file", "/volume/planted", 0o777, "planted"],
      ["link", "/volume/link", "/etc/passwd"],
      ["file", "/etc/policy", 0o644, "planted"],
    ];
    const stage = staged(context, runc, (root) => {
      mkdirSync(join(root, "volume"));
      writeFileSync(join(root, "etc/policy"), "");
      const mark = "\ncdi-hook: not in the root, as it is read-only: ";
      appendFileSync(join(root, cache), `${mark}${JSON.stringify(notes)}\n`);
    });
    const [volume, policy] = [join(stage.work, "../volume"), join(stage.work, "../policy")];
    mkdirSync(volume);
    writeFileSync(policy, "policy\n");
    const more = [
      { hostPath: volume, containerPath: "/volume", options: ["rbind", "rw"] },
      { hostPath: policy, containerPath: "/etc/policy" },
    ];
    expectLoaded(runc, stage, { more, also: "cat /etc/policy" }, "policy\n");
    expect(readdirSync(volume)).toEqual([]);
  });
});

test("a root that shares its mounts with the host, and a volume that does so on purpose", (context) => {
  const stage = staged(context, runc, (root) => mkdirSync(join(root, "volume")));
  execFileSync("mount", ["--make-shared", stage.root]);
  const volume = join(stage.work, "../volume");
  mkdirSync(volume);
  execFileSync("mount", ["--bind", volume, volume]);
  onTestFinished(() => void execFileSync("umount", ["--lazy", volume]));
  execFileSync("mount", ["--make-shared", volume]);
  const more = [{ hostPath: volume, containerPath: "/volume", options: ["rbind", "rshared"] }];
  const also = "grep -c ' /volume .*shared:' /proc/self/mountinfo";
  expectLoaded(runc, stage, { more, also, propagation: "shared" }, "1\n");
});

describe("--on-read-only", () => {
  const gpus = [0];

  test("warn: the container starts and does not load", (context) => {
    const stage = staged(context, runc, () => undefined);
    const { status, stdout } = run(runc, stage, { global: ["--on-read-only=warn"], gpus });
    expect([status, stdout]).toEqual([3, notLoaded()]);
  });

  test("fail: the container does not start", (context) => {
    const stage = staged(context, runc, () => undefined);
    const { status, stdout, stderr } = run(runc, stage, { global: ["--on-read-only=fail"] });
    expect([status === 0, stdout]).toEqual([false, ""]);
    expect(stderr).toMatch(/EROFS/);
  });

  test("another word is an error of every hook that opens the root", (context) => {
    const stage = staged(context, runc, () => undefined);
    expect(run(runc, stage, { global: ["--on-read-only=perhaps"] }).stderr).toMatch(/not one of mount, warn, fail/);
  });
});

/** Each hook by itself, in a mount namespace of its own, on a read-only root without what it needs. */
describe("every hook by itself", () => {
  const hooks: readonly (readonly [name: string, flags: readonly string[], fatal: boolean])[] = [
    ["create-symlinks", ["--link=a::/usr/lib/b"], true],
    ["update-ldcache", ["--folder=/usr/lib"], true],
    ["enable-cuda-compat", ["--host-driver-version=470.1.1"], false],
    ["update-application-profile", [], false],
    ["chmod", ["--mode=700", "--path=/etc"], false],
    ["disable-device-node-modification", [], false],
    ["noop", [], false],
  ];

  function runAlone(root: string, words: readonly string[]): { status: number | null; stderr: string } {
    const state = JSON.stringify({ ociVersion: "1.0.2", id: "x", status: "creating", pid: 0, bundle: "/", root });
    const mounted = 'mount --bind "$R" "$R" && mount -o remount,bind,ro "$R" && exec "$@"';
    const { status, stderr } = spawnSync("unshare", ["-m", "sh", "-c", mounted, "sh", executablePath, ...words], {
      input: state,
      encoding: "utf8",
      env: { ...process.env, R: root },
    });
    return { status, stderr };
  }

  test.each(hooks)("%s", (name, flags, fatal) => {
    if (process.getuid?.() !== 0) return;
    const root = scratchDirectory();
    for (const folder of ["dev", "proc", "usr/lib", "usr/local/cuda/compat"])
      mkdirSync(join(root, folder), { recursive: true });
    copyFileSync(executablePath, join(root, "usr/local/cuda/compat/libcuda.so.570.1.1"));
    execFileSync("mknod", [join(root, "dev/nvidia0"), "c", "195", "0"]);
    const words = [name, ...flags];
    expect(runAlone(root, [...words, "--on-read-only=warn"]).status, "warn").toBe(0);
    expect(runAlone(root, [...words, "--on-read-only=fail"]).status, "fail").toBe(fatal ? 1 : 0);
    const withoutEtc = runAlone(root, words);
    expect(withoutEtc.status, `mount, without /etc: ${withoutEtc.stderr}`).toBe(fatal ? 1 : 0);
    mkdirSync(join(root, "etc"));
    expect(runAlone(root, words), "mount").toMatchObject({ status: 0 });
    expect(readdirSync(join(root, "etc"))).toEqual([]);
  });
});
