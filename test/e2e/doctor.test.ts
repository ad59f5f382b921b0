/** `doctor` of the built executable on made-up nodes, each with something wrong. */
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { program } from "../support/debian-root.ts";
import { executablePath, runHook } from "../support/executable.ts";
import { madeUpNode } from "../support/made-up-node.ts";
import { NodePrograms } from "../support/node-program.ts";
import { compareListings, listTree } from "../support/tree-listing.ts";

interface Finding {
  readonly severity: string;
  readonly area: string;
  readonly check: string;
  readonly where: string;
  readonly what: string;
  readonly remedy: string;
}

const reason =
  process.getuid?.() !== 0
    ? "needs root"
    : program("gcc") === undefined
      ? "needs gcc for the programs of nodes"
      : undefined;

let programs: NodePrograms | undefined;
beforeAll(() => {
  if (reason === undefined) programs = new NodePrograms();
});
afterAll(() => programs?.remove());
beforeEach((context) => {
  if (reason !== undefined) context.skip(reason);
});

/** `severity check` of all findings of this file. */
const seen = new Set<string>();

function examine(node: string, ...flags: readonly string[]): readonly Finding[] {
  const before = listTree(node, { identity: true });
  const run = runHook(["doctor", "--root", node, "--json", ...flags]);
  expect(compareListings(before, listTree(node, { identity: true }))).toEqual([]);
  expect(run.stderr).toBe("");
  const { findings, counts } = JSON.parse(run.stdout.toString()) as {
    findings: readonly Finding[];
    counts: Record<string, number>;
  };
  expect(run.status).toBe(counts["error"] === 0 ? 0 : 1);
  for (const { severity, check } of findings) seen.add(`${severity} ${check}`);
  return findings;
}

/** Findings of one check, as lines. */
function lines(findings: readonly Finding[], check: string): readonly string[] {
  return findings
    .filter((finding) => finding.check === check)
    .map(({ severity, where, what, remedy }) => `${severity} ${where}: ${what}${remedy === "" ? "" : ` -> ${remedy}`}`);
}

const trouble = (findings: readonly Finding[]): readonly string[] =>
  findings
    .filter(({ severity }) => severity === "warning" || severity === "error")
    .map(({ severity, check, where, what }) => `${severity} ${check} ${where}: ${what}`);

function put(node: string, path: string, text: string): string {
  const file = join(node, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

function putProgram(node: string, path: string, says: string | undefined, ours = false): void {
  programs?.put(node, path, says, ours);
}

const ourHook = "/opt/cdi-hook/bin/nvidia-cdi-hook";
const hook = (path = ourHook, env: readonly string[] = ["NVIDIA_CTK_DEBUG=false"]): unknown => ({
  hookName: "createContainer",
  path,
  args: ["nvidia-cdi-hook", "noop"],
  env,
});

function putSpec(node: string, path: string, hooks: readonly unknown[], more: object = {}, name = "all"): void {
  const devices = [{ name, containerEdits: { deviceNodes: [{ path: "/dev/nvidia0" }] } }];
  const spec = { cdiVersion: "0.5.0", kind: "nvidia.com/gpu", devices, containerEdits: { hooks, ...more } };
  put(node, path, JSON.stringify(spec, null, 2));
}

function install(node: string, executable = executablePath, prefix = "/opt/cdi-hook"): void {
  const run = runHook(["install", "--root", node, "--prefix", prefix], { executable });
  expect(run.stderr).toBe("");
}

/** A node with nothing wrong. */
function healthyNode(): string {
  const node = madeUpNode();
  install(node);
  put(node, "dev/nvidia0", "");
  put(node, "usr/lib/libcuda.so.560.28.03", "");
  const mounts = [{ hostPath: "/usr/lib/libcuda.so.560.28.03", containerPath: "/usr/lib/libcuda.so.560.28.03" }];
  putSpec(node, "run/cdi/nvidia.json", [hook()], { mounts });
  put(
    node,
    "proc/driver/nvidia/version",
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  560.28.03  Release\n",
  );
  put(node, "proc/driver/nvidia/params", "ResmanDebugLevel: 4294967295\nModifyDeviceFiles: 0\n");
  putProgram(node, "usr/bin/nvidia-ctk", "NVIDIA Container Toolkit CLI version 1.17.8\ncommit: abc\n");
  putProgram(node, "usr/sbin/runc", "runc version 1.3.0\nspec: 1.2.1\n");
  putProgram(node, "usr/bin/podman", "podman version 5.4.0\n");
  put(node, "proc/sys/kernel/osrelease", "6.16.2-generic\n");
  put(node, "proc/sys/user/max_user_namespaces", "100000\n");
  return node;
}

test("an empty node: what is missing, and no error", () => {
  const node = madeUpNode();
  const findings = examine(node);
  expect(trouble(findings).map((line) => line.split(" ", 2).join(" "))).toEqual([
    "warning installation-missing",
    "warning specs-missing",
    "warning runtime-missing",
    "warning proc-missing",
  ]);
  expect(lines(findings, "driver")).toEqual(["info /proc/driver/nvidia/version: no NVIDIA driver is loaded"]);
  expect(lines(examine(node, "--prefix", "/var/lib/x"), "installation-missing")).toEqual([
    "warning /var/lib/x: cdi-hook is not installed -> cdi-hook install --prefix /var/lib/x",
  ]);
});

test("a healthy node: all is well", () => {
  const findings = examine(healthyNode());
  expect(trouble(findings)).toEqual([]);
  expect(findings.every(({ severity }) => severity === "ok")).toBe(true);
  expect(findings.map(({ check }) => check)).toEqual([
    "installation-start",
    "installation-version",
    "specs-directory",
    "hook-program",
    "driver",
    "modify-device-files",
    "nvidia-tool",
    "runtime-version",
    "runtime-version",
    "runtime-cdi",
    "kernel-version",
    "user-namespaces",
  ]);
  expect(lines(findings, "installation-start")).toEqual([
    "ok /opt/cdi-hook/bin: starts with an empty environment as cdi-hook, nvidia-cdi-hook, nvidia-ctk",
  ]);
});

describe("the installation", () => {
  test("twice, and another build", () => {
    const node = healthyNode();
    const other = join(node, "tmp/other");
    copyFileSync(executablePath, other);
    appendFileSync(other, "x");
    install(node, other, "/var/lib/cdi-hook");
    const findings = examine(node);
    expect(lines(findings, "installation-twice")).toEqual([
      "warning /opt/cdi-hook, /var/lib/cdi-hook: installed in several places -> cdi-hook uninstall --prefix /var/lib/cdi-hook",
    ]);
    expect(lines(findings, "installation-version")[1]).toMatch(
      /^warning \/var\/lib.*another build.*--prefix \/var\/lib/,
    );
    expect(lines(examine(node, "--prefix", "/opt/cdi-hook"), "installation-version")).toHaveLength(1);
  });

  test("writable by others, his, not executable, with names missing and foreign, a leftover", () => {
    const node = healthyNode();
    const bin = join(node, "opt/cdi-hook/bin");
    chmodSync(join(bin, "cdi-hook"), 0o557);
    expect(lines(examine(node), "installation-writable")).toEqual([
      "error /opt/cdi-hook/bin/cdi-hook: others than root may change /opt/cdi-hook/bin/cdi-hook, and hooks run as root " +
        "-> cdi-hook install --prefix /opt/cdi-hook",
    ]);
    chmodSync(join(bin, "cdi-hook"), 0o500);
    chownSync(bin, 1000, 1000);
    rmSync(join(bin, "nvidia-ctk"));
    rmSync(join(bin, "nvidia-cdi-hook"));
    writeFileSync(join(bin, "nvidia-ctk"), "#!/bin/sh\n");
    writeFileSync(join(bin, ".cdi-hook-4194305-0123456789abcdef"), "");
    const findings = examine(node);
    expect(lines(findings, "installation-writable")[0]).toContain("chown root:root /opt/cdi-hook/bin;");
    expect(lines(findings, "installation-mode")[0]).toMatch(/^error .*not executable for all \(mode 500\)/);
    expect(lines(findings, "installation-name").map((line) => line.split(" -> ")[0])).toEqual([
      "warning /opt/cdi-hook/bin/nvidia-cdi-hook: missing: specs that name it would fail",
      "warning /opt/cdi-hook/bin/nvidia-ctk: not of cdi-hook",
    ]);
    expect(lines(findings, "installation-leftover")).toHaveLength(1);
  });

  test("another version, and one that does not start", () => {
    const node = healthyNode();
    const executable = join(node, "opt/cdi-hook/bin/cdi-hook");
    rmSync(executable);
    putProgram(node, "opt/cdi-hook/bin/cdi-hook", "cdi-hook 0.0.9\n", true);
    for (const name of ["nvidia-cdi-hook", "nvidia-ctk"]) writeFileSync(join(dirname(executable), `${name}.says`), "");
    expect(lines(examine(node), "installation-version")[0]).toMatch(/^warning .*: version 0\.0\.9; this is \d/);
    rmSync(`${executable}.says`);
    expect(lines(examine(node), "installation-start")[0]).toMatch(
      /^error \/opt\/cdi-hook\/bin\/cdi-hook: does not start as a hook: .*exit status 4/,
    );
  });

  test("a label that programs do not have", (context) => {
    const node = healthyNode();
    put(node, "sys/fs/selinux/enforce", "1");
    const label = (path: string, value: string): number | null =>
      spawnSync("python3", [
        "-c",
        "import os,sys; os.setxattr(sys.argv[1],'security.selinux',sys.argv[2].encode())",
        join(node, path),
        value,
      ]).status;
    if (label("usr/bin", "system_u:object_r:bin_t:s0") !== 0) context.skip("needs python3 and labels in /tmp");
    label("opt/cdi-hook/bin/cdi-hook", "system_u:object_r:usr_t:s0");
    const findings = examine(node);
    expect(lines(findings, "installation-label")).toEqual([
      "warning /opt/cdi-hook/bin/cdi-hook: SELinux label system_u:object_r:usr_t:s0, programs have system_u:object_r:bin_t:s0 " +
        "-> chcon --reference=/usr/bin /opt/cdi-hook/bin/cdi-hook",
    ]);
    expect(lines(findings, "selinux")).toEqual(["info /sys/fs/selinux: SELinux enforces"]);
  });
});

describe("specs", () => {
  test("invalid, doubtful, and changeable by others", () => {
    const node = healthyNode();
    put(node, "etc/cdi/broken.yaml", "cdiVersion: 0.5.0\nkind: [\n");
    put(
      node,
      "etc/cdi/two.yaml",
      "cdiVersion: 0.5.0\nkind: two.example/gpu\ndevices:\n  - name: all\n    containerEdits:\n      env: [A=b]\n---\nkind: d.e/f\n",
    );
    chmodSync(join(node, "run/cdi/nvidia.json"), 0o666);
    chmodSync(join(node, "etc/cdi"), 0o777);
    const findings = examine(node);
    expect(lines(findings, "spec-invalid")).toEqual([
      expect.stringMatching(/^error \/etc\/cdi\/broken\.yaml:\d+: .*runtimes do not read it -> cdi-hook cdi validate/),
    ]);
    expect(lines(findings, "spec-doubtful")[0]).toMatch(/^warning \/etc\/cdi\/two\.yaml:\d+: a further document/);
    expect(lines(findings, "spec-writable").map((line) => line.split(":")[0])).toEqual([
      "error /etc/cdi",
      "error /var/run/cdi/nvidia.json",
    ]);
  });

  test("hooks that cannot run: missing, a directory, not executable, exchangeable, failing, silent", () => {
    const node = healthyNode();
    mkdirSync(join(node, "opt/a/nvidia-cdi-hook"), { recursive: true });
    put(node, "opt/b/nvidia-cdi-hook", "");
    chmodSync(put(node, "opt/c/nvidia-cdi-hook", ""), 0o777);
    putProgram(node, "opt/d/nvidia-cdi-hook", undefined);
    putProgram(node, "opt/e/nvidia-ctk", "");
    chmodSync(put(node, "opt/f/nvidia-cdi-hook", "#!/usr/bin/env node\n"), 0o755);
    const paths = [
      "/usr/bin/gone",
      ..."abcdf".split("").map((letter) => `/opt/${letter}/nvidia-cdi-hook`),
      "/opt/e/nvidia-ctk",
    ];
    putSpec(
      node,
      "etc/cdi/vendor.json",
      paths.map((path) => hook(path)),
      {},
      "other",
    );
    const findings = examine(node);
    const told = (check: string): readonly string[] => lines(findings, check).map((line) => line.replace(/;.*/, ""));
    expect(told("hook-missing")).toEqual([
      expect.stringMatching(/^error \/etc\/cdi\/vendor\.json:\d+: \/usr\/bin\/gone does not exist/),
    ]);
    expect(lines(findings, "hook-missing")[0]).toContain("-> cdi-hook cdi rewrite /etc/cdi/vendor.json");
    expect(told("hook-not-executable").map((line) => line.replace(/^.*: /, ""))).toEqual([
      "/opt/a/nvidia-cdi-hook is not a file",
      "/opt/b/nvidia-cdi-hook is not executable",
    ]);
    expect(told("hook-writable")[0]).toContain("others than root may change /opt/c/nvidia-cdi-hook");
    expect(told("hook-start").map((line) => line.replace(/^.*?: /, ""))).toEqual([
      expect.stringMatching(/^\/opt\/d\S+ does not start with an empty environment \(exit status 4\)/),
      expect.stringMatching(/^\/opt\/f\S+ does not start with an empty environment \(.*ENOENT/),
      expect.stringContaining("/opt/e/nvidia-ctk starts, but does not tell its version"),
    ]);
  });

  test("names that are too long, and links in a circle, are findings as others are", () => {
    const node = healthyNode();
    const tooLong = `/usr/${"x".repeat(300)}/nvidia-cdi-hook`;
    const mounts = [{ hostPath: tooLong, containerPath: "/a" }];
    putSpec(node, "etc/cdi/vendor.json", [hook(tooLong), hook("/opt/circle/nvidia-cdi-hook")], { mounts }, "other");
    for (const path of ["opt/circle", "etc/cdi/circle.yaml", "var/lib/cdi-hook"]) {
      mkdirSync(dirname(join(node, path)), { recursive: true });
      symlinkSync(basename(path), join(node, path));
    }
    const findings = examine(node);
    expect(lines(findings, "hook-missing").map((line) => line.replace(/;.*/, ""))).toEqual([
      expect.stringContaining(`${tooLong} does not exist`),
      expect.stringContaining("/opt/circle/nvidia-cdi-hook does not exist"),
    ]);
    expect(lines(findings, "mount-missing")[0]).toContain(tooLong);
    expect(lines(findings, "spec-invalid")[0]).toContain(
      "error /etc/cdi/circle.yaml: open /etc/cdi/circle.yaml: too many",
    );
  });

  test("a hook on a file system that is mounted noexec", () => {
    const node = healthyNode();
    mkdirSync(join(node, "srv"));
    putSpec(node, "etc/cdi/vendor.json", [hook("/srv/nvidia-cdi-hook")], {}, "other");
    const script = `mount -t tmpfs -o noexec tmpfs $1/srv; install -m 755 /bin/true $1/srv/nvidia-cdi-hook; exec "$2" doctor --json --root $1`;
    const run = spawnSync(
      "unshare",
      ["-m", "--propagation", "private", "sh", "-c", script, "sh", node, executablePath],
      {
        encoding: "utf8",
      },
    );
    expect(run.stderr).toBe("");
    expect(run.stdout).toContain("/srv/nvidia-cdi-hook is on a file system that is mounted noexec");
  });

  test("hooks without env, hooks of others, files that are gone, another driver's spec", () => {
    const node = healthyNode();
    putProgram(node, "usr/bin/nvidia-cdi-hook", "NVIDIA Container Toolkit CDI Hook CLI version 1.17.0\n");
    const mounts = ["/usr/lib/libcuda.so.535.104.05", "/usr/lib/gone.so"].map((path) => ({
      hostPath: path,
      containerPath: path,
    }));
    rmSync(join(node, "dev/nvidia0"));
    const hooks = [hook("/usr/bin/nvidia-cdi-hook", []), hook("/usr/bin/nvidia-cdi-hook", []), hook()];
    putSpec(node, "etc/cdi/old.json", hooks, { mounts }, "old");
    const findings = examine(node);
    expect(lines(findings, "hook-env")).toEqual([
      expect.stringMatching(
        /^warning \/etc\/cdi\/old\.json: 2 hooks without env \(lines \d+, \d+\).*-> cdi-hook cdi rewrite/,
      ),
    ]);
    expect(lines(findings, "hook-program").map((line) => line.replace(/^(\S+ )\S+ /, "$1"))).toEqual([
      "info 2 hooks by /usr/bin/nvidia-cdi-hook -> cdi-hook cdi rewrite /etc/cdi/old.json",
      `ok 1 hook by cdi-hook, ${ourHook}`,
      `ok 1 hook by cdi-hook, ${ourHook}`,
    ]);
    expect(lines(findings, "mount-missing")[0]).toContain(
      "2 mounted files not there, /usr/lib/libcuda.so.535.104.05 first",
    );
    expect(lines(findings, "device-missing")).toHaveLength(2);
    expect(lines(findings, "driver-mismatch")).toEqual([
      expect.stringContaining("/etc/cdi/old.json: is of driver 535.104.05, 560.28.03 is loaded"),
    ]);
  });

  test("a device in two files of a directory, and in both directories", () => {
    const node = healthyNode();
    putSpec(node, "run/cdi/copy.json", [hook()]);
    putSpec(node, "etc/cdi/nvidia.json", [hook()]);
    const findings = examine(node);
    expect(lines(findings, "device-conflict")).toEqual([
      expect.stringMatching(
        /^error \/var\/run\/cdi\/nvidia\.json:\d+: nvidia\.com\/gpu=all is also in \/var\/run\/cdi\/copy\.json: runtimes give/,
      ),
    ]);
    expect(lines(findings, "device-twice")[0]).toMatch(/^info \/var\/run\/cdi\/copy\.json:\d+: .*this one wins/);
  });
});

describe("NVIDIA's side", () => {
  test("an old toolkit, one that fails, ours in its place, params, the refresh service", () => {
    const node = healthyNode();
    putProgram(node, "usr/bin/nvidia-ctk", "NVIDIA Container Toolkit CLI version 1.14.3\n");
    putProgram(node, "usr/bin/nvidia-container-cli", undefined);
    copyFileSync(executablePath, join(node, "usr/bin/nvidia-cdi-hook"));
    copyFileSync(executablePath, join(node, "usr/local/bin/nvidia-ctk"));
    put(node, "proc/driver/nvidia/params", "ModifyDeviceFiles: 1\n");
    put(node, "usr/lib/systemd/system/nvidia-cdi-refresh.service", "[Service]\n");
    const findings = examine(node);
    expect(lines(findings, "nvidia-tool")).toEqual([
      expect.stringMatching(/^warning \/usr\/bin\/nvidia-ctk: version 1\.14\.3: .*CVE-2025-23266.*1\.17\.8 or later/),
      expect.stringMatching(/^warning \/usr\/bin\/nvidia-container-cli: does not tell its version \(exit status 4\)/),
    ]);
    expect(lines(findings, "nvidia-shadowed")).toEqual([
      expect.stringMatching(
        /^error \/usr\/local\/bin\/nvidia-ctk: .*only its hooks -> rm \/usr\/local\/bin\/nvidia-ctk$/,
      ),
      expect.stringMatching(/^info \/usr\/bin\/nvidia-cdi-hook: /),
    ]);
    expect(lines(findings, "modify-device-files")[0]).toMatch(/^info .*ModifyDeviceFiles is 1/);
    expect(lines(findings, "cdi-refresh")[0]).toMatch(/^info \/usr\/lib\/systemd.*cdi-hook cdi watch$/);
    put(node, "etc/nvidia-container-toolkit/nvidia-cdi-refresh.env", `NVIDIA_CTK_CDI_HOOK_PATH=${ourHook}\n`);
    expect(lines(examine(node), "cdi-refresh")[0]).toMatch(/^ok .*writes specs with \/opt\/cdi-hook/);
  });
});

describe("runtimes", () => {
  /** Findings of a node with this runtime only, without the version's. */
  function of(path: string, says: string | undefined, files: Readonly<Record<string, string>> = {}): readonly string[] {
    const node = madeUpNode();
    putSpec(node, "run/cdi/nvidia.json", []);
    putProgram(node, path, says);
    for (const [file, text] of Object.entries(files)) put(node, file, text);
    return examine(node)
      .filter(({ area, check, severity }) => area === "runtimes" && (check !== "runtime-version" || severity !== "ok"))
      .map(({ severity, check, what }) => `${severity} ${check}: ${what}`);
  }
  const containerd = (version: string): string =>
    `containerd github.com/containerd/containerd v${version} 1e1ea6e986c6\n`;
  const reads = "ok runtime-cdi: reads CDI specs of /etc/cdi, /var/run/cdi";

  test("runc before 1.3, gVisor before and since May 2026", () => {
    expect(of("usr/bin/runc", "runc version 1.1.5+ds1\n")).toEqual([
      expect.stringMatching(/^info runtime-environment: .*CVE/),
    ]);
    expect(of("usr/bin/crun", "crun version 1.8.1\ncommit: f8a09\n")).toEqual([]);
    expect(of("usr/bin/runsc", "runsc version 0.0~20221219.0\n")).toEqual([
      expect.stringMatching(/^warning runtime-hooks: /),
    ]);
    expect(of("usr/local/bin/runsc", "runsc version release-20260822.0\n")).toEqual([
      "ok runtime-hooks: runs createContainer hooks",
    ]);
    expect(of("usr/bin/runc", undefined)).toEqual([
      "warning runtime-version: does not tell its version (exit status 4)",
    ]);
  });

  test("podman, CRI-O and k3s", () => {
    expect(of("usr/bin/podman", "podman version 4.0.3\n")[0]).toMatch(/^warning runtime-cdi: .*before 4\.1/);
    expect(of("usr/bin/podman", "podman version 4.3.1\n")).toEqual([reads]);
    expect(of("usr/bin/crio", "crio version 1.22.0\n")[0]).toMatch(/^warning runtime-cdi: .*before 1\.23/);
    const additions = { "etc/crio/crio.conf.d/10-cdi.conf": '[crio.runtime]\ncdi_spec_dirs = [\n  "/etc/cdi",\n]\n' };
    expect(of("usr/bin/crio", "crio version 1.28.1\nVersion: 1.28.1\n", additions)).toEqual([
      "ok runtime-cdi: reads CDI specs of /etc/cdi",
      "warning runtime-directories: does not read /var/run/cdi, where specs are",
    ]);
    expect(of("usr/local/bin/k3s", "k3s version v1.28.2+k3s1 (6330a5b4)\n")).toEqual([]);
  });

  test("Docker: 25 when told so, 28.2 unless told not to, settings that are no JSON", () => {
    const docker = (version: string, daemon?: string): readonly string[] =>
      of(
        "usr/bin/dockerd",
        `Docker version ${version}, build 1ca978c\n`,
        daemon === undefined ? {} : { "etc/docker/daemon.json": daemon },
      );
    expect(docker("24.0.5")[0]).toMatch(/^warning runtime-cdi: .*before 25/);
    expect(docker("27.1.0")[0]).toMatch(/^warning runtime-cdi: .*features\.cdi is not true/);
    expect(docker("27.1.0", '{"features": {"cdi": true}}')).toEqual([reads]);
    expect(docker("28.2.0")).toEqual([reads]);
    expect(docker("28.2.0", '{"features": {"cdi": false}}')[0]).toMatch(/^warning runtime-cdi/);
    expect(docker("28.2.0", '{"cdi-spec-dirs": ["/etc/cdi"]}')[1]).toMatch(/^warning runtime-directories/);
    expect(docker("28.2.0", "{")[0]).toBe("error runtime-settings: is not JSON");
  });

  test("containerd: 1.7 when told so, 2.0 unless told not to, k3s' own", () => {
    const at = "etc/containerd/config.toml";
    const cri = '[plugins."io.containerd.grpc.v1.cri"]\n';
    const run = (version: string, text = ""): readonly string[] =>
      of("usr/bin/containerd", containerd(version), { [at]: text });
    expect(run("1.6.20")[0]).toMatch(/^warning runtime-cdi: .*before 1\.7/);
    expect(run("1.7.2")[0]).toMatch(/enable_cdi is not true in \/etc\/containerd\/config\.toml/);
    expect(run("1.7.2", `${cri}  # enable_cdi = true\n`)[0]).toMatch(/^warning/);
    expect(run("1.7.2", `${cri}  enable_cdi = true # yes\n`)).toEqual([reads]);
    expect(run("1.7.2", `${cri}  enable_cdi = true\n  cdi_spec_dirs = ['/run/cdi', "/etc/cdi"]\n`)).toEqual([
      "ok runtime-cdi: reads CDI specs of /run/cdi, /etc/cdi",
    ]);
    expect(run("2.0.1")).toEqual([reads]);
    expect(run("2.0.1", "enable_cdi = false\n")[0]).toMatch(/^warning runtime-cdi/);
    expect(
      of("usr/bin/containerd", containerd("1.7.2"), { "etc/containerd/conf.d/cdi.toml": `${cri}enable_cdi = true\n` }),
    ).toEqual([reads]);
    const k3s = "var/lib/rancher/k3s/data/current/bin/containerd";
    const settings = "var/lib/rancher/k3s/agent/etc/containerd/config.toml";
    expect(of(k3s, containerd("1.7.3-k3s1"), { [settings]: "enable_cdi = true\n" })).toEqual([reads]);
    expect(of(k3s, containerd("1.7.3-k3s1"), { [at]: "enable_cdi = true\n" })[0]).toMatch(/rancher\/k3s\/agent/);
  });
});

test("the kernel: an old one, no user namespaces, those of root only, SELinux that only tells", () => {
  const node = healthyNode();
  put(node, "proc/sys/kernel/osrelease", "5.4.0-150-generic\n");
  put(node, "proc/sys/user/max_user_namespaces", "0\n");
  put(node, "sys/fs/selinux/enforce", "0");
  const findings = examine(node);
  expect(lines(findings, "kernel-version")[0]).toMatch(/^info Linux: 5\.4\.0-150-generic; /);
  expect(lines(findings, "user-namespaces")[0]).toMatch(/^info \/proc\/sys\/user.*do not start$/);
  expect(lines(findings, "selinux")).toEqual(["info /sys/fs/selinux: SELinux only tells"]);
  put(node, "proc/sys/user/max_user_namespaces", "100\n");
  put(node, "proc/sys/kernel/unprivileged_userns_clone", "0\n");
  expect(lines(examine(node), "user-namespaces")[0]).toMatch(/^info .*only root/);
});

test("people get a table, what to do once each, a summary, and an exit status", () => {
  const node = healthyNode();
  for (const name of ["a", "b"]) putSpec(node, `etc/cdi/${name}.json`, [hook("/usr/bin/gone\x1b[31m")], {}, name);
  const run = runHook(["doctor", "--root", node]);
  const text = run.stdout.toString();
  expect([run.status, run.stderr]).toEqual([1, ""]);
  expect(text.split("\n")[0]).toMatch(/^STATUS +AREA +WHERE +FINDING$/);
  expect(text).toMatch(/^error +CDI specs +\/etc\/cdi\/a\.json:\d+ +\/usr\/bin\/gone\\x1b\[31m does not exist/m);
  expect(text).toContain("\nWhat to do:\n");
  expect(text.match(/\n {4}cdi-hook cdi rewrite /g)).toHaveLength(2);
  expect(text).toMatch(/\n2 errors, 0 warnings\n$/);
  expect(text).not.toContain("\x1b");
});

test("at a terminal there are colours, and the table fits", (context) => {
  if (program("script") === undefined) context.skip("needs script");
  const node = healthyNode();
  putSpec(node, "etc/cdi/vendor.json", [hook("/usr/bin/gone")], {}, "other");
  const shown = (environment: Record<string, string>): string =>
    spawnSync("script", ["-qec", `${executablePath} doctor --root ${node}`, "/dev/null"], {
      encoding: "utf8",
      env: { PATH: "/usr/bin:/bin", TERM: "xterm", COLUMNS: "70", ...environment },
    }).stdout;
  const text = shown({});
  expect(text).toContain("\x1b[31merror\x1b[0m");
  // oxlint-disable-next-line no-control-regex -- colours take no room
  const plain = text.replace(/\x1b\[\d+m|\r/g, "").split("\n");
  const rows = plain.slice(0, plain.indexOf("What to do:"));
  expect(rows.length).toBeGreaterThan(10);
  expect(rows.filter((line) => [...line].length > 70)).toEqual([]);
  expect(shown({ NO_COLOR: "1" })).not.toContain("\x1b");
});

test("this machine can be looked at", () => {
  const run = runHook(["doctor", "--json"]);
  expect(run.stderr).toBe("");
  expect([0, 1]).toContain(run.status);
});

test("a root that is not there, or may not be entered, is one line", () => {
  const run = runHook(["doctor", "--root", "/no/such/node"]);
  expect([run.status, run.stdout.length]).toEqual([1, 0]);
  expect(run.stderr).toMatch(/^cdi-hook: error: doctor: enter \/no\/such\/node: [^\n]*ENOENT[^\n]*\n$/);
});

test("each finding that the source can make has been made above, and docs/install.md has it", () => {
  const sources = join(import.meta.dirname, "../../src/install");
  const manual = readFileSync(join(import.meta.dirname, "../../docs/install.md"), "utf8");
  const possible = readdirSync(sources)
    .filter((name) => name.startsWith("examine-") && !name.endsWith(".test.ts"))
    .flatMap((name) => {
      const text = readFileSync(join(sources, name), "utf8");
      const told = [...text.matchAll(/findings\.(ok|info|warning|error)\(\s*"([a-z-]+)"/g)].map(
        ([, severity = "", check = ""]) => `${severity} ${check}`,
      );
      return [
        ...told,
        ...[...text.matchAll(/fault\("([a-z-]+)"|\["([a-z-]+)", "does/g)].map(
          (found) => `error ${found[1] ?? found[2]}`,
        ),
      ];
    });
  expect(possible.length).toBeGreaterThan(40);
  expect([...new Set(possible)].filter((each) => !seen.has(each))).toEqual([]);
  expect(possible.filter((each) => !manual.includes(`\`${each.split(" ")[1]}\``))).toEqual([]);
});
