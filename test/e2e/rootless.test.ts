/** Ordinary users, user namespaces, and hosts that lack what hooks usually count on. */
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, type TestContext, test } from "vitest";
import { writeBundle } from "../support/bundle.ts";
import { driverEdits } from "../support/cdi-spec.ts";
import { program } from "../support/debian-root.ts";
import { executablePath, runHook, stateFor } from "../support/executable.ts";
import { loaded, notLoaded, probeCommand } from "../support/probe.ts";
import { scratchDirectory } from "../support/scratch.ts";
import { elf } from "../support/small-root.ts";
import { setStage } from "../support/stage.ts";

const user = 65534;

function needs(context: TestContext, ...names: readonly string[]): void {
  if (process.getuid?.() !== 0) context.skip("needs root, to become somebody else");
  for (const name of names) if (program(name) === undefined) context.skip(`needs ${name}`);
}

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command as an ordinary user without any right. */
function asUser(command: readonly string[], input = ""): Ran {
  const all = [`--reuid=${user}`, `--regid=${user}`, "--clear-groups", "--inh-caps=-all", ...command];
  const { status, stdout, stderr } = spawnSync("setpriv", all, {
    input,
    encoding: "utf8",
    timeout: 60_000,
    env: { PATH: process.env["PATH"] },
  });
  return { status, stdout, stderr };
}

/** A root of the user's, and the executable where he may start it. */
function usersRoot(): { top: string; root: string; executable: string } {
  const top = scratchDirectory();
  chmodSync(top, 0o755);
  const root = join(top, "bundle/rootfs");
  mkdirSync(join(root, "usr/lib"), { recursive: true });
  mkdirSync(join(root, "etc"));
  writeFileSync(join(root, "usr/lib/libcuda.so.580"), elf("libcuda.so.1"));
  for (const path of [join(top, "bundle"), root, join(root, "etc"), join(root, "usr"), join(root, "usr/lib")])
    chownSync(path, user, user);
  const executable = join(top, "nvidia-cdi-hook");
  copyFileSync(executablePath, executable);
  return { top, root, executable };
}

const update = ["update-ldcache", "--folder", "/usr/lib"];
const hasCache = (root: string): boolean =>
  existsSync(join(root, "usr/lib/libcuda.so.1")) && existsSync(join(root, "etc/ld.so.cache"));

describe("an ordinary user", () => {
  test("who owns the root", (context) => {
    needs(context, "setpriv");
    const { root, executable } = usersRoot();
    expect(asUser([executable, ...update], stateFor(root))).toMatchObject({ status: 0, stderr: "" });
    expect(hasCache(root)).toBe(true);
  });

  test("who does not: one line, status 1, nothing half-written", (context) => {
    needs(context, "setpriv");
    const { root, executable } = usersRoot();
    for (const folder of ["etc", "usr/lib"]) chownSync(join(root, folder), 0, 0);
    const { status, stderr } = asUser([executable, ...update], stateFor(root));
    expect([status, stderr.split("\n").filter((line) => line.includes(" error: ")).length]).toEqual([1, 1]);
    expect(stderr).toMatch(/\/etc.*EACCES/);
    expect(hasCache(root)).toBe(false);
  });

  test("in a user namespace of his own, with a config.json that he may not read", (context) => {
    needs(context, "setpriv", "unshare");
    const { root, executable } = usersRoot();
    writeFileSync(join(dirname(root), "config.json"), "{}", { mode: 0o000 });
    for (const extra of [{ pid: 1 }, { pid: 0 }, { pid: 4_000_000 }, { pid: process.pid }]) {
      const ran = asUser(["unshare", "--map-root-user", "--mount", executable, ...update], stateFor(root, extra));
      expect(ran).toMatchObject({ status: 0, stderr: "" });
    }
    expect(hasCache(root)).toBe(true);
  });

  test("whose ids do not map: the owner of the root is nobody's in his namespace", (context) => {
    needs(context, "setpriv", "unshare");
    const { root, executable } = usersRoot();
    const strange = join(root, "usr/lib/strange");
    mkdirSync(strange);
    chownSync(strange, 4_000_000, 4_000_000);
    const ran = asUser(
      ["unshare", "--map-root-user", executable, ...update, "--folder", "/usr/lib/strange"],
      stateFor(root),
    );
    expect(ran).toMatchObject({ status: 0 });
    expect(hasCache(root)).toBe(true);
  });

  test("rootless crun: a program loads the driver", (context) => {
    needs(context, "setpriv", "unshare", "crun");
    const staged = setStage(context);
    const { root, work, driver } = staged;
    const top = scratchDirectory();
    const hook = join(top, "nvidia-cdi-hook");
    copyFileSync(executablePath, hook);
    for (const path of [top, dirname(root), dirname(driver.root), driver.root]) chmodSync(path, 0o755);
    spawnSync("chown", ["-R", `${user}:${user}`, root]);
    const run = (hooks: boolean): Ran => {
      const edits = driverEdits(driver, hook);
      writeBundle(work, {
        root,
        readonly: false,
        args: probeCommand(),
        edits: hooks ? edits : { ...edits, hooks: [] },
      });
      chmodSync(work, 0o755);
      const state = join(top, `state-${hooks}`);
      mkdirSync(state);
      chownSync(state, user, user);
      const script =
        'mount -t tmpfs tmpfs /sys/fs/cgroup 2>/dev/null; exec crun --root "$1" --cgroup-manager=disabled run --bundle "$2" rootless';
      return asUser([
        "unshare",
        "--map-root-user",
        "--mount",
        "--pid",
        "--fork",
        "--mount-proc",
        "sh",
        "-c",
        script,
        "sh",
        state,
        work,
      ]);
    };
    const without = run(false);
    if (without.status !== 3) context.skip(`rootless crun cannot run here: ${without.stderr.trim()}`);
    expect(without.stdout).toBe(notLoaded());
    expect(run(true)).toEqual({ status: 0, stdout: loaded(driver.version), stderr: "" });
  });
});

describe("a host without", () => {
  const inNamespace = (script: string, root: string, ...flags: readonly string[]): Ran => {
    const link = join(dirname(root), "../hook");
    if (!existsSync(link)) symlinkSync(executablePath, link);
    const all = ["--mount", "sh", "-c", `${script}; exec "$@"`, "sh", link, ...update, ...flags];
    const { status, stdout, stderr } = spawnSync("unshare", all, {
      input: stateFor(root, { pid: 4_000_000 }),
      encoding: "utf8",
    });
    return { status, stdout, stderr };
  };

  test.each([
    ["/proc", "mount -t tmpfs tmpfs /proc"],
    ["a readable /proc", "mount -t proc -o hidepid=2 proc /proc 2>/dev/null || mount -t tmpfs tmpfs /proc"],
    ["/dev, /sys and /run", "for d in /dev /sys /run; do mount -t tmpfs tmpfs $d; done"],
  ])("%s", (_name, script) => {
    const { root } = usersRoot();
    if (process.getuid?.() !== 0) return;
    writeFileSync(join(dirname(root), "config.json"), JSON.stringify({ root: { path: "rootfs" }, mounts: [] }));
    expect(inNamespace(script, root)).toMatchObject({ status: 0 });
    expect(hasCache(root)).toBe(true);
  });

  test("a disk: a root in memory, which cannot be pivoted into", (context) => {
    needs(context, "unshare");
    const { root } = usersRoot();
    const script = `cp -a ${root} ${root}-copy; mount -t ramfs ramfs ${root} && cp -a ${root}-copy/. ${root}`;
    const ran = inNamespace(`${script}; "$@"; test -L ${root}/usr/lib/libcuda.so.1; set -- echo $?`, root);
    expect(ran).toEqual({ status: 0, stdout: "0\n", stderr: "" });
  });

  test("an environment and a working directory", () => {
    const { root } = usersRoot();
    expect(runHook(update, { stdin: stateFor(root), cwd: "/proc", env: {} })).toMatchObject({ status: 0 });
    expect(hasCache(root)).toBe(true);
  });
});
