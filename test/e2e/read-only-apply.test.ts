/** `apply` and roots that are not written: the mounts it prints, and the upper directory. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, type TestContext, test } from "vitest";
import { writeBundle } from "../support/bundle.ts";
import { copyTree } from "../support/debian-root.ts";
import { executablePath, runHook } from "../support/executable.ts";
import { loaded, probeCommand } from "../support/probe.ts";
import { readOnlyStage, stageWithMountPoints } from "../support/read-only-root.ts";
import { crun, gvisor2026With, runc } from "../support/runtimes.ts";
import { scratchDirectory } from "../support/scratch.ts";
import type { Stage } from "../support/stage.ts";
import { compareListings, listTree } from "../support/tree-listing.ts";
import { elf } from "../support/small-root.ts";
import { scratchInMemory } from "../support/memory-scratch.ts";

scratchInMemory();

interface Answer {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function cdiHook(words: readonly string[], stdin = ""): Answer {
  const { status, stdout, stderr } = runHook(words, { argv0: "cdi-hook", stdin });
  return { status, stdout: stdout.toString(), stderr };
}

function withBundle(staged: Stage): Stage {
  const { root, work, edits } = staged;
  writeBundle(work, { root, readonly: false, args: probeCommand(), edits });
  return staged;
}

describe("--upper", () => {
  test("over the root by overlayfs it equals what a writable root would have got", (context) => {
    const staged = withBundle(stageWithMountPoints(context));
    const { root, work, edits } = staged;
    // Something that goes, something whose mode changes, owners and modes that are not the usual ones.
    execFileSync("chown", ["12:34", join(root, "etc")]);
    execFileSync("chmod", ["2751", join(root, "etc")]);
    execFileSync("chown", ["56:78", join(root, "etc/passwd")]);
    symlinkSync("/nowhere", join(root, "usr/lib/x86_64-linux-gnu/libcuda.so.1"));
    const [hook] = edits.hooks;
    if (hook === undefined) throw new Error("no hook");
    const chmod = { ...hook, args: [hook.args[0] ?? "", "chmod", "--mode=604", "--path=/etc/passwd"] };
    const profile = { ...hook, args: [hook.args[0] ?? "", "update-application-profile"] };
    const all = { ...edits, hooks: [...edits.hooks, chmod, profile] };
    writeBundle(work, { root, readonly: false, args: [], edits: all, gpus: [0] });

    const [other, upper] = [join(work, "../other"), join(work, "../upper")];
    copyTree(root, other);
    const before = listTree(root, { identity: true });
    expect(cdiHook(["apply", "--bundle", work, "--upper", upper])).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(compareListings(before, listTree(root, { identity: true }))).toEqual([]);

    mkdirSync(join(work, "second"));
    writeBundle(join(work, "second"), { root: other, readonly: false, args: [], edits: all, gpus: [0] });
    expect(cdiHook(["apply", "--bundle", join(work, "second"), "--view=overlay"])).toMatchObject({ status: 0 });
    const [merged, empty] = [join(work, "../merged"), join(work, "../workdir")];
    for (const folder of [merged, empty]) mkdirSync(folder);
    execFileSync("mount", ["-t", "overlay", "-o", `lowerdir=${root},upperdir=${upper},workdir=${empty}`, "o", merged]);
    onTestFinished(() => void execFileSync("umount", [merged]));
    const [wanted, got] = [listTree(other), listTree(merged)];
    expect(wanted.size).toBeGreaterThan(1000);
    expect(compareListings(wanted, got)).toEqual([]);
    expect(compareListings(listTree(root), got).length, "something was changed").toBeGreaterThan(20);
    expect(cdiHook(["apply", "--bundle", work, "--upper", upper]), "a second time").toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/something in it already/) as string,
    });
  });

  test("1,200 folders of it are written with 1,024 files open at most", (context) => {
    if (process.getuid?.() !== 0) context.skip("needs root");
    const top = scratchDirectory();
    const [root, upper] = [join(top, "rootfs"), join(top, "upper")];
    const names = Array.from({ length: 1200 }, (_, at) => `/l/${at}`);
    for (const name of ["/etc", "/usr/lib", ...names]) mkdirSync(join(root, name), { recursive: true });
    for (const name of names) writeFileSync(join(root, name, "libx.so.1.0"), elf("libx.so.1"));
    writeFileSync(join(root, "etc/ld.so.conf"), `${names.join("\n")}\n`);
    const hook = { path: "/x/nvidia-cdi-hook", args: ["nvidia-cdi-hook", "update-ldcache", "--folder", "/usr/lib"] };
    writeFileSync(
      join(top, "config.json"),
      JSON.stringify({ root: { path: "rootfs" }, hooks: { createContainer: [hook] } }),
    );
    const limited = ["-c", 'ulimit -n 1024; exec "$0" "$@"', executablePath];
    const { status, stderr } = spawnSync("sh", [...limited, "apply", "--bundle", top, "--upper", upper], {
      encoding: "utf8",
    });
    expect([status, stderr]).toEqual([0, ""]);
    expect(names.filter((name) => !lstatSync(join(upper, name, "libx.so.1")).isSymbolicLink())).toEqual([]);
  });

  test("what is gone is a whiteout", () => {
    if (process.getuid?.() !== 0) return;
    const top = scratchDirectory();
    const root = join(top, "rootfs");
    mkdirSync(join(root, "etc/ld.so.conf.d"), { recursive: true });
    mkdirSync(join(root, "opt/lib"), { recursive: true });
    writeFileSync(join(root, "etc/ld.so.conf"), "include /etc/ld.so.conf.d/*.conf\n");
    const hook = (...args: readonly string[]): unknown => ({
      path: "/x/nvidia-cdi-hook",
      args: ["nvidia-cdi-hook", ...args],
    });
    const config = (hooks: readonly unknown[]): void =>
      writeFileSync(
        join(top, "config.json"),
        JSON.stringify({ ociVersion: "1.0.2", root: { path: "rootfs" }, hooks: { createContainer: hooks } }),
      );
    config([hook("update-ldcache", "--folder=/opt/lib")]);
    expect(cdiHook(["apply", "--bundle", top])).toMatchObject({ status: 0 });
    const [dropIn = ""] = readdirSync(join(root, "etc/ld.so.conf.d"));
    expect(dropIn).not.toBe("");
    writeFileSync(join(root, "etc/ld.so.conf"), "/opt/lib\ninclude /etc/ld.so.conf.d/*.conf\n");
    const upper = join(top, "upper");
    expect(cdiHook(["apply", "--bundle", top, "--upper", upper])).toMatchObject({ status: 0 });
    expect(statSync(join(upper, "etc/ld.so.conf.d", dropIn))).toMatchObject({ rdev: 0 });
    expect(statSync(join(upper, "etc/ld.so.conf.d", dropIn)).isCharacterDevice()).toBe(true);
    expect(cdiHook(["apply", "--bundle", top])).toMatchObject({ status: 0 });
    expect(existsSync(join(root, "etc/ld.so.conf.d", dropIn)), "of the root itself it is removed").toBe(false);
  });
});

describe("--emit-mounts", () => {
  function emit(context: TestContext): { staged: Stage; state: string; run: (...flags: readonly string[]) => Answer } {
    const staged = withBundle(stageWithMountPoints(context));
    const state = join(scratchDirectory(), "state");
    const run = (...flags: readonly string[]): Answer =>
      cdiHook(["apply", "--bundle", staged.work, "--emit-mounts", "--state-dir", state, ...flags]);
    return { staged, state, run };
  }

  test("prints mounts of files that nobody else can reach, and writes nothing into the root", (context) => {
    const { staged, state, run } = emit(context);
    const before = listTree(staged.root, { identity: true });
    const { status, stdout, stderr } = run();
    expect([status, stderr]).toEqual([0, ""]);
    const source = join(state, "bundle/0-ld.so.cache");
    expect(JSON.parse(stdout)).toEqual([
      { destination: "/etc/ld.so.cache", type: "bind", source, options: ["bind", "ro", "nosuid", "nodev", "noexec"] },
    ]);
    expect(statSync(state).mode & 0o777).toBe(0o700);
    expect(statSync(join(state, "bundle")).mode & 0o777).toBe(0o700);
    expect(statSync(source).mode & 0o777).toBe(0o444);
    expect(compareListings(before, listTree(staged.root, { identity: true }))).toEqual([]);
    expect(readFileSync(source, "latin1")).not.toMatch(/cdi-hook/);
  });

  test("--in-place keeps every other byte, and replaces what it did before", (context) => {
    const { staged, run } = emit(context);
    const path = join(staged.work, "config.json");
    const text = readFileSync(path, "utf8").replace('"hostname"', '"x-number": 9007199254740993,\n  "hostname"');
    writeFileSync(path, text);
    expect(run("--in-place", "--id", "a")).toMatchObject({ status: 0, stdout: "" });
    const once = readFileSync(path, "utf8");
    expect(once).toContain("9007199254740993");
    expect(once.length).toBeGreaterThan(text.length);
    expect(run("--in-place", "--id", "a")).toMatchObject({ status: 0 });
    expect(readFileSync(path, "utf8")).toBe(once);
  });

  const runtimes = [runc, crun, gvisor2026With("--overlay2=none")];
  test.for(runtimes)("--in-place: after a container of $name nothing is left on the host", (runtime, context) => {
    const reason = runtime.missing();
    if (reason !== undefined) context.skip(reason);
    const staged = readOnlyStage(stageWithMountPoints(context));
    const { root, work, driver, edits } = staged;
    writeBundle(work, { root, readonly: true, args: probeCommand(), edits });
    const path = join(work, "config.json");
    const config = JSON.parse(readFileSync(path, "utf8")) as { hooks: Record<string, unknown> };
    const log = join(work, "other");
    const other = { path: "/bin/sh", args: ["sh", "-c", `cat >/dev/null; echo ran >>${log}`] };
    writeFileSync(path, JSON.stringify({ ...config, hooks: { poststop: [other], ...config.hooks } }));
    const state = join(scratchDirectory(), "state");
    const words = ["apply", "--bundle", work, "--emit-mounts", "--in-place", "--id", "one", "--state-dir", state];
    expect(cdiHook(words)).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(cdiHook(words), "again").toMatchObject({ status: 0 });
    // The cache comes from the mounts alone.
    const emitted = JSON.parse(readFileSync(path, "utf8")) as { hooks: { poststop: unknown[] } };
    expect(emitted.hooks.poststop).toEqual([
      other,
      { path: executablePath, args: ["cdi-hook", "cleanup", "one", "--state-dir", state] },
    ]);
    writeFileSync(path, JSON.stringify({ ...emitted, hooks: { poststop: emitted.hooks.poststop } }));
    const [before, mounts] = [listTree(root, { identity: true }), readFileSync("/proc/self/mountinfo", "utf8")];
    expect(readdirSync(join(state, "one"))).toEqual(["0-ld.so.cache"]);
    expect(runtime.run(work)).toMatchObject({ status: 0, stdout: loaded(driver.version) });
    expect(readdirSync(state)).toEqual([]);
    expect(readFileSync(log, "utf8")).toBe("ran\n");
    expect(compareListings(before, listTree(root, { identity: true }))).toEqual([]);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).toBe(mounts);
  });

  test.each(["Mounts", "Hooks"])(
    "--in-place that fails, as %s is in other letters, leaves nothing on the host",
    (name) => {
      const top = scratchDirectory();
      mkdirSync(join(top, "rootfs/etc"), { recursive: true });
      mkdirSync(join(top, "rootfs/usr/lib"), { recursive: true });
      const hook = { path: "/x/nvidia-cdi-hook", args: ["nvidia-cdi-hook", "update-ldcache", "--folder", "/usr/lib"] };
      const config = { root: { path: "rootfs" }, hooks: { createContainer: [hook] } };
      const state = join(top, "state");
      const words = ["apply", "--bundle", top, "--emit-mounts", "--in-place", "--id", "a", "--state-dir", state];
      writeFileSync(join(top, "config.json"), JSON.stringify({ ...config, [name]: null }));
      expect(cdiHook(words)).toMatchObject({ status: 1, stderr: expect.stringMatching(/in other letters/) as string });
      expect(readdirSync(state)).toEqual([]);
      writeFileSync(join(top, "config.json"), JSON.stringify(config));
      expect(cdiHook(words)).toMatchObject({ status: 0 });
      const before = readdirSync(join(state, "a"));
      writeFileSync(join(top, "config.json"), JSON.stringify({ ...config, [name]: null }));
      expect(cdiHook(words)).toMatchObject({ status: 1 });
      expect(readdirSync(join(state, "a")), "the files of the mounts that were put in before").toEqual(before);
    },
  );

  test("--in-place by an executable that has no path any more: a warning instead of the hook", (context) => {
    const { staged, state } = emit(context);
    const folder = scratchDirectory();
    const copy = join(folder, "cdi-hook");
    copyFileSync(executablePath, copy);
    const words = `apply --bundle ${staged.work} --emit-mounts --in-place --state-dir ${state}`;
    const script = `exec 3<${copy}; rm ${copy}; exec /proc/self/fd/3 ${words}`;
    const { status, stderr } = spawnSync("sh", ["-c", script], { encoding: "utf8", argv0: "cdi-hook" });
    expect([status, stderr]).toEqual([0, expect.stringMatching(/no path for a poststop hook/)]);
    const config = readFileSync(join(staged.work, "config.json"), "utf8");
    expect([config.includes(`${state}/`), config.includes("poststop")]).toEqual([true, false]);
  });

  test("cleanup, by id or as a poststop hook; nothing there is as good", (context) => {
    const { staged, state, run } = emit(context);
    expect(run("--id", "one").status).toBe(0);
    expect(run("--id", "two").status).toBe(0);
    expect(cdiHook(["cleanup", "one", "--state-dir", state])).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(readdirSync(state)).toEqual(["two"]);
    const told = JSON.stringify({ ociVersion: "1.0.2", id: "two", status: "stopped", pid: 0, bundle: staged.work });
    expect(cdiHook(["cleanup", "--state-dir", state], told)).toMatchObject({ status: 0 });
    expect(cdiHook(["cleanup", "two", "--state-dir", state])).toMatchObject({ status: 0 });
    expect(readdirSync(state)).toEqual([]);
  });

  test.each(["..", ".", "a/b", "/a", "", "-x"])("the id %j leads nowhere", (id) => {
    const state = join(scratchDirectory(), "state");
    mkdirSync(join(state, "../victim"), { recursive: true });
    const { status } = cdiHook(["cleanup", "--state-dir", state, "--", id], "{}");
    expect(status).toBe(1);
    expect(existsSync(join(state, "../victim"))).toBe(true);
  });

  test("a folder that others can enter, or a link to one, is refused", () => {
    const top = scratchDirectory();
    const victim = join(top, "victim");
    mkdirSync(victim, { mode: 0o755 });
    writeFileSync(join(victim, "file"), "");
    mkdirSync(join(top, "state"), { mode: 0o700 });
    symlinkSync(victim, join(top, "state/link"));
    mkdirSync(join(top, "state/open"), { mode: 0o755 });
    for (const id of ["link", "open"]) {
      expect(cdiHook(["cleanup", id, "--state-dir", join(top, "state")]).status, id).toBe(1);
    }
    expect(readdirSync(victim)).toEqual(["file"]);
  });

  test.each([
    [["--emit-mounts", "--upper", "/x"], /only one of/],
    [["--emit-mounts", "--dry-run"], /only one of/],
    [["--in-place"], /are for --emit-mounts/],
    [["--upper", "relative"], /not an absolute path/],
  ])("%j is an error", (flags, message) => {
    const top = scratchDirectory();
    mkdirSync(join(top, "rootfs"));
    writeFileSync(join(top, "config.json"), JSON.stringify({ ociVersion: "1.0.2", root: { path: "rootfs" } }));
    expect(cdiHook(["apply", "--bundle", top, ...flags])).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(message) as string,
    });
  });
});

describe("apply on a root that is read-only", () => {
  test("before the mounts are there: the line names the ways out, and the forecast the mount", (context) => {
    const { root, work } = withBundle(readOnlyStage(stageWithMountPoints(context)));
    const before = listTree(root, { identity: true });
    const { status, stderr } = cdiHook(["apply", "--bundle", work]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/createContainer.*--emit-mounts.*--upper/);
    const forecast = cdiHook(["apply", "--bundle", work, "--dry-run", "--json"]);
    expect(forecast.status).toBe(2);
    expect((JSON.parse(forecast.stdout) as { changes: unknown[] }).changes).toEqual([
      expect.objectContaining({ path: "/etc/ld.so.cache", change: "mount" }),
    ]);
    expect(compareListings(before, listTree(root, { identity: true }))).toEqual([]);
  });

  test("in a mount namespace that has the container's mounts: a program there loads the driver", (context) => {
    const { root, work, driver } = withBundle(readOnlyStage(stageWithMountPoints(context)));
    const binds = (
      JSON.parse(readFileSync(join(work, "config.json"), "utf8")) as {
        mounts: { type: string; source: string; destination: string }[];
      }
    ).mounts
      .filter(({ type }) => type === "bind")
      .map(({ source, destination }) => `mount --bind ${source} ${root}${destination}`);
    const script = `${binds.join(" && ")} && "$H" apply --bundle ${work} && chroot ${root} "$@"`;
    const { status, stdout, stderr } = spawnSync("unshare", ["-m", "sh", "-c", script, "sh", ...probeCommand()], {
      encoding: "utf8",
      env: { ...process.env, H: executablePath },
    });
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(`libcuda.so: cuInit of stand-in driver ${driver.version}`);
  });
});
