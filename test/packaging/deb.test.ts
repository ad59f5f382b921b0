import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, afterAll, expect, test } from "vitest";
import { DebianMachine, writtenSpec } from "../support/debian-machine.ts";
import { whyNoDebianRoot } from "../support/debian-root.ts";
import { stateFor } from "../support/executable.ts";
import { MACHINES, machineOf, output, packed, packedAt, whyNoPackages } from "../support/packages.ts";
import { scratchDirectory } from "../support/scratch.ts";
import { type Listing, compareListings, listTree } from "../support/tree-listing.ts";

const home = "/opt/cdi-hook/bin";
const unit = "cdi-hook-watch.service";
const wanted = `etc/systemd/system/multi-user.target.wants/${unit}`;

let shared: { readonly machine: DebianMachine; readonly before: Listing } | undefined;

afterAll(() => {
  if (shared !== undefined) rmSync(dirname(shared.machine.path), { recursive: true, force: true });
});

/** The package of a revision. */
const packageOf = (revision: string): string =>
  join(packed(["deb"], ["--revision", revision, "--arch", "x86_64"]), `cdi-hook_0.1.0-${revision}_amd64.deb`);

/** A Debian machine with a spec, and what is there; the next test gets it as this one leaves it: without the package. */
function stage(context: TestContext): { machine: DebianMachine; first: string; second: string; before: Listing } {
  const missing = whyNoDebianRoot() ?? whyNoPackages("dpkg-deb");
  if (missing !== undefined) context.skip(missing);
  if (shared === undefined) {
    const machine = new DebianMachine(join(mkdtempSync(join(tmpdir(), "cdi-hook-deb-")), "root"));
    machine.write("etc/cdi/nvidia.yaml", writtenSpec);
    shared = { machine, before: list(machine) };
  }
  expect(compareListings(shared.before, list(shared.machine))).toEqual([]);
  return { ...shared, first: packageOf("1"), second: packageOf("2") };
}

/** All files but what dpkg and the helpers of its scripts keep for themselves, and what the test puts there. */
function list(machine: DebianMachine): Listing {
  return listTree(machine.path, {
    without: ["/var/lib/dpkg", "/var/log", "/var/lib/systemd", "/packages", "/container"],
    contentBelow: ["/etc", "/opt"],
  });
}

test("a Debian package for each architecture, of root's files, with a checksum of each", (context) => {
  const missing = whyNoPackages("dpkg-deb");
  if (missing !== undefined) context.skip(missing);
  const base = packed(["deb"]);
  const files = readdirSync(base).sort();
  expect(files).toEqual(["cdi-hook_0.1.0-1_amd64.deb", "cdi-hook_0.1.0-1_arm64.deb"]);
  for (const [index, architecture] of (["amd64", "arm64"] as const).entries()) {
    const file = join(base, files[index] ?? "");
    const tree = join(scratchDirectory(), architecture);
    output("dpkg-deb", ["--raw-extract", file, tree]);
    const executable = readFileSync(join(tree, home, "cdi-hook"));
    expect(machineOf(executable)).toBe(MACHINES[architecture]);
    expect(output("dpkg-deb", ["--field", file, "Architecture"]).trim()).toBe(architecture);
    expect(Number(output("dpkg-deb", ["--field", file, "Installed-Size"]))).toBeGreaterThan(executable.length / 1024);
    expect(output("dpkg-deb", ["--field", file, "Depends"]).trim()).toBe("");
    expect(readlinkSync(join(tree, "usr/bin/cdi-hook"))).toBe(`${home}/cdi-hook`);
    // Never the name that the toolkit's own program has.
    expect(existsSync(join(tree, "usr/bin/nvidia-ctk"))).toBe(false);
    output("md5sum", ["--check", "--strict", "DEBIAN/md5sums"], { cwd: tree });
    const lines = output("dpkg-deb", ["--contents", file]).trim().split("\n");
    const day = new Date(packedAt * 1000).toISOString().slice(0, 10);
    expect(lines.filter((line) => !line.includes(" root/root ") || !line.includes(` ${day} `))).toEqual([]);
    expect(lines.filter((line) => /^.{5}w|^.{8}w/.test(line) && !line.startsWith("l"))).toEqual([]);
  }
});

test("it installs in a fresh Debian, a hook runs, it upgrades, and it purges without a trace", (context) => {
  const { machine, first, second, before } = stage(context);
  machine.dpkg("--install", first);
  expect(machine.run(["cdi-hook", "--version"]).stdout).toContain("0.1.0");
  expect(machine.link(wanted)).toBe(`/lib/systemd/system/${unit}`);
  expect(machine.dpkg("--verify", "cdi-hook")).toBe("");

  mkdirSync(machine.at("container/lib"), { recursive: true });
  const hook = (path: string, ...words: string[]): void => {
    expect(machine.run([path, ...words], stateFor("/container"))).toMatchObject({ status: 0, stderr: "" });
  };
  hook(`${home}/nvidia-cdi-hook`, "create-symlinks", "--link", "libcuda.so.1::/lib/libcuda.so");
  hook(`${home}/nvidia-ctk`, "hook", "create-symlinks", "--link", "libcuda.so.1::/lib/libcuda2.so");
  expect(machine.link("container/lib/libcuda.so")).toBe("libcuda.so.1");
  expect(machine.link("container/lib/libcuda2.so")).toBe("libcuda.so.1");

  machine.run(["cdi-hook", "cdi", "rewrite"]);
  expect(machine.read("etc/cdi/nvidia.yaml")).toContain(`path: ${home}/nvidia-cdi-hook\n`);

  // What the administrator has decided lasts.
  machine.run(["rm", `/${wanted}`]);
  machine.dpkg("--install", second);
  expect(machine.run(["dpkg-query", "-W", "-f", "${Status} ${Version}", "cdi-hook"]).stdout).toBe(
    "install ok installed 0.1.0-2",
  );
  expect(machine.link(wanted)).toBeUndefined();
  hook(`${home}/nvidia-cdi-hook`, "create-symlinks", "--link", "libcuda.so.1::/lib/libcuda3.so");
  expect(machine.link("container/lib/libcuda3.so")).toBe("libcuda.so.1");

  machine.dpkg("--remove", "cdi-hook");
  expect(existsSync(machine.at(home))).toBe(false);
  expect(machine.read("etc/cdi/nvidia.yaml")).toBe(writtenSpec);
  machine.dpkg("--purge", "cdi-hook");
  expect(compareListings(before, list(machine))).toEqual([]);
});

test("what is left to restore outlives its removal, and not its purge", (context) => {
  const { machine, first } = stage(context);
  machine.dpkg("--install", first);
  machine.run(["cdi-hook", "cdi", "rewrite"]);
  const changed = `${machine.read("etc/cdi/nvidia.yaml")}# changed since\n`;
  machine.write("etc/cdi/nvidia.yaml", changed);
  expect(machine.dpkg("--remove", "cdi-hook")).toContain("not every CDI spec could be restored");
  expect(machine.read("etc/cdi/nvidia.yaml")).toBe(changed);
  expect(readdirSync(machine.at("var/lib/cdi-hook/originals"))).toHaveLength(1);
  machine.dpkg("--install", first);
  expect(machine.run(["cdi-hook", "cdi", "restore", "--force"])).toMatchObject({ status: 0 });
  expect(machine.read("etc/cdi/nvidia.yaml")).toBe(writtenSpec);
  machine.run(["cdi-hook", "cdi", "rewrite"]);
  machine.write("etc/cdi/nvidia.yaml", changed);
  machine.dpkg("--purge", "cdi-hook");
  expect(existsSync(machine.at("var/lib/cdi-hook"))).toBe(false);
  machine.write("etc/cdi/nvidia.yaml", writtenSpec);
});

test("its scripts start, restart and stop the service, where systemd runs", (context) => {
  const { machine, first, second, before } = stage(context);
  const told = machine.pretendSystemd();
  const steps = (): readonly string[] =>
    told()
      .map((line) => line.replace(/^(?:--\S+ )*/, ""))
      .filter(
        (line, index, lines) => /^(?:start|stop|restart|daemon-reload)\b/.test(line) && line !== lines[index - 1],
      );
  machine.dpkg("--install", first);
  expect(steps()).toEqual(["daemon-reload", `start ${unit}`]);
  machine.dpkg("--install", second);
  expect(steps()).toEqual(["daemon-reload", `restart ${unit}`]);
  machine.dpkg("--remove", "cdi-hook");
  expect(steps()).toEqual([`stop ${unit}`, "daemon-reload"]);
  machine.dpkg("--install", first);
  expect(steps()).toEqual(["daemon-reload", `restart ${unit}`]);
  machine.dpkg("--purge", "cdi-hook");
  expect(steps()).toEqual([`stop ${unit}`, "daemon-reload"]);
  machine.run(["rm", "-r", "/usr/bin/systemctl", "/run/systemd"]);
  expect(compareListings(before, list(machine))).toEqual([]);
});
