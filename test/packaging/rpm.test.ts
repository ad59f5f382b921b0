import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, expect, test } from "vitest";
import { DebianMachine, writtenSpec } from "../support/debian-machine.ts";
import { whyNoDebianRoot } from "../support/debian-root.ts";
import { stateFor } from "../support/executable.ts";
import { MACHINES, machineOf, output, packed, packedAt, whyNoPackages } from "../support/packages.ts";
import { scratchDirectory } from "../support/scratch.ts";
import { compareListings, listTree } from "../support/tree-listing.ts";

const home = "/opt/cdi-hook/bin";
const unit = "cdi-hook-watch.service";

/** A folder with the packages of a revision. */
function packagesOf(context: TestContext, revision: string, words: readonly string[] = []): string {
  const missing = process.getuid?.() === 0 ? whyNoPackages("rpm", "rpmbuild") : "needs root";
  if (missing !== undefined) context.skip(missing);
  return packed(["rpm"], ["--revision", revision, ...words]);
}

/** What rpm says of a package file. */
const query = (file: string, ...words: string[]): string => output("rpm", ["-qp", ...words, file]);

test("an RPM package for each architecture, as rpm's own tools see them", (context) => {
  const folder = packagesOf(context, "1");
  for (const [architecture, machine] of [
    ["x86_64", MACHINES.amd64],
    ["aarch64", MACHINES.arm64],
  ] as const) {
    const file = join(folder, `cdi-hook-0.1.0-1.${architecture}.rpm`);
    expect(output("rpm", ["--checksig", file])).toMatch(/: digests OK\n$/);
    const header = "%{NAME} %{VERSION} %{RELEASE} %{ARCH} %{OS} %{LICENSE} %{BUILDHOST} %{BUILDTIME}";
    expect(query(file, "--queryformat", header)).toBe(
      `cdi-hook 0.1.0 1 ${architecture} linux Apache-2.0 localhost ${packedAt}`,
    );
    // Nothing of the system is needed but a shell for the scriptlets; the rest is rpm's own features.
    const needs = query(file, "--requires").trim().split("\n");
    expect(needs.filter((need) => !need.startsWith("rpmlib(") && need !== "/bin/sh")).toEqual([]);
    // Path, size, time, digest, mode, owner, group, whether it is configuration and documentation, device, target.
    const files = query(file, "--dump").trim().split("\n");
    const fields = files.map((line) => line.split(" "));
    expect(fields.filter((line) => line[2] !== String(packedAt) || line[5] !== "root" || line[6] !== "root")).toEqual(
      [],
    );
    expect(Object.fromEntries(fields.map((line) => [line[0], line[10] === "X" ? line[4] : line[10]]))).toEqual({
      "/opt/cdi-hook": "040755",
      [home]: "040755",
      [`${home}/cdi-hook`]: "0100755",
      [`${home}/nvidia-cdi-hook`]: "cdi-hook",
      [`${home}/nvidia-ctk`]: "cdi-hook",
      "/usr/bin/cdi-hook": `${home}/cdi-hook`,
      "/usr/lib/systemd/system/nvidia-cdi-refresh.service.d": "040755",
      "/usr/share/licenses/cdi-hook": "040755",
      "/usr/lib/systemd/system-preset/80-cdi-hook.preset": "0100644",
      [`/usr/lib/systemd/system/${unit}`]: "0100644",
      "/usr/lib/systemd/system/nvidia-cdi-refresh.service.d/50-cdi-hook.conf": "0100644",
      "/usr/share/bash-completion/completions/cdi-hook": "0100644",
      "/usr/share/fish/vendor_completions.d/cdi-hook.fish": "0100644",
      "/usr/share/licenses/cdi-hook/LICENSE": "0100644",
      "/usr/share/licenses/cdi-hook/NOTICE": "0100644",
      "/usr/share/man/man8/cdi-hook.8.gz": "0100644",
      "/usr/share/zsh/site-functions/_cdi-hook": "0100644",
    });
    const tree = join(scratchDirectory(), architecture);
    mkdirSync(tree);
    output("rpm", ["--root", tree, "--dbpath", "/rpm", "--nodeps", "--noscripts", "--ignorearch", "-i", file]);
    expect(machineOf(readFileSync(join(tree, home, "cdi-hook")))).toBe(machine);
    const scripts = query(file, "--scripts");
    expect(scripts.match(/^\w+ scriptlet \(using \/bin\/sh\):$/gm)).toEqual([
      "postinstall scriptlet (using /bin/sh):",
      "preuninstall scriptlet (using /bin/sh):",
      "postuninstall scriptlet (using /bin/sh):",
    ]);
  }
});

test("rpm installs it, a hook runs, it upgrades, and it is erased without a trace", (context) => {
  const missing = whyNoDebianRoot();
  if (missing !== undefined) context.skip(missing);
  const [first, second] = [packagesOf(context, "1"), packagesOf(context, "2", ["--arch", "x86_64"])];
  const machine = new DebianMachine(join(scratchDirectory(), "root"));
  machine.write("etc/cdi/nvidia.yaml", writtenSpec);
  const told = machine.pretendSystemd();
  const steps = (): readonly string[] => told().map((line) => line.replaceAll(/--\S+ ?/g, "").trim());
  const rpm = (...words: string[]): string =>
    output("rpm", ["--root", machine.path, "--dbpath", "/var/lib/rpm", ...words]);
  const list = (): ReturnType<typeof listTree> =>
    listTree(machine.path, { without: ["/var/lib/rpm", "/packages", "/container"], contentBelow: ["/etc", "/opt"] });
  // What the distributions' own packages bring.
  const share = ["fish/vendor_completions.d", "licenses", "man/man8", "zsh/site-functions"].map(
    (path) => `share/${path}`,
  );
  for (const path of ["lib/systemd/system-preset", ...share]) mkdirSync(machine.at(`usr/${path}`), { recursive: true });
  rpm("-qa");
  const before = list();

  expect(rpm("-i", "--nodeps", join(first, "cdi-hook-0.1.0-1.x86_64.rpm"))).toBe("");
  expect(steps()).toEqual([`preset ${unit}`, "daemon-reload", `is-enabled ${unit}`, `start ${unit}`]);
  expect(rpm("-V", "--nodeps", "cdi-hook")).toBe("");
  mkdirSync(machine.at("container"));
  const hook = [`${home}/nvidia-cdi-hook`, "create-symlinks", "--link", "libcuda.so.1::/libcuda.so"];
  expect(machine.run(hook, stateFor("/container"))).toMatchObject({ status: 0, stderr: "" });
  expect(machine.link("container/libcuda.so")).toBe("libcuda.so.1");

  machine.run(["cdi-hook", "cdi", "rewrite"]);
  expect(machine.read("etc/cdi/nvidia.yaml")).toContain(`path: ${home}/nvidia-cdi-hook\n`);

  expect(rpm("-U", "--nodeps", join(second, "cdi-hook-0.1.0-2.x86_64.rpm"))).toBe("");
  expect(steps()).toEqual(["daemon-reload", `try-restart ${unit}`, "daemon-reload"]);
  expect(rpm("-q", "cdi-hook").trim()).toBe("cdi-hook-0.1.0-2.x86_64");

  expect(rpm("-e", "--nodeps", "cdi-hook")).toBe("/etc/cdi/nvidia.yaml: restored\n");
  expect(steps()).toEqual([`disable ${unit}`, "daemon-reload"]);
  expect(existsSync(machine.at("opt/cdi-hook"))).toBe(false);
  expect(compareListings(before, list())).toEqual([]);
});
