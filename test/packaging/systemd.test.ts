import { spawnSync } from "node:child_process";
import { appendFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, describe, expect, test } from "vitest";
import { program } from "../support/debian-root.ts";
import { output, packed, whyNoPackages } from "../support/packages.ts";
import { scratchDirectory } from "../support/scratch.ts";

const units = "usr/lib/systemd/system";
const unit = "cdi-hook-watch.service";

/** NVIDIA's unit, in what matters to the order, as two of its releases have it, and an engine that waits for it. */
const refresh = {
  "after everything": "After=multi-user.target",
  "before the engines": "Before=docker.service containerd.service crio.service",
} as const;

/** A root with systemd's units, ours of the Debian package, NVIDIA's and an engine's, all of them enabled. */
function rootWith(context: TestContext, order: string): string {
  const missing = whyNoPackages("dpkg-deb", "systemd-analyze", "systemctl");
  if (missing !== undefined) context.skip(missing);
  const made = join(packed(["deb"], ["--arch", "x86_64"]), "cdi-hook_0.1.0-1_amd64.deb");
  const root = join(scratchDirectory(), "root");
  mkdirSync(join(root, units), { recursive: true });
  cpSync("/usr/lib/systemd/system", join(root, units), { recursive: true, verbatimSymlinks: true });
  output("dpkg-deb", ["--extract", made, root]);
  const other = (name: string, more: string): void => {
    const service = `[Service]\nType=oneshot\nExecStart=/opt/cdi-hook/bin/cdi-hook noop\n`;
    writeFileSync(join(root, units, name), `[Unit]\n${more}\n${service}[Install]\nWantedBy=multi-user.target\n`);
  };
  other("nvidia-cdi-refresh.service", order);
  other("docker.service", "");
  output("systemctl", [`--root=${root}`, "enable", unit, "nvidia-cdi-refresh.service", "docker.service"]);
  return root;
}

/** What systemd says of units of a root, and of the transaction that starts them. */
function verified(root: string, ...names: string[]): { status: number | null; said: string } {
  const path = program("systemd-analyze") ?? "systemd-analyze";
  const { status, stdout, stderr } = spawnSync(path, ["verify", `--root=${root}`, "--man=no", ...names], {
    encoding: "utf8",
  });
  return { status, said: `${stdout}${stderr}` };
}

describe.each(Object.entries(refresh))("where NVIDIA's refresh comes %s", (_, order) => {
  test("systemd has nothing against the units", (context) => {
    const root = rootWith(context, order);
    const all = ["multi-user.target", unit, "nvidia-cdi-refresh.service", "docker.service"];
    expect(verified(root, ...all)).toEqual({ status: 0, said: "" });
  });
});

test("the service comes before the engines and not after NVIDIA's, as systemd would leave it out", (context) => {
  const root = rootWith(context, refresh["after everything"]);
  expect(readFileSync(join(root, units, unit), "utf8")).toMatch(/^Before=docker\.service /m);
  appendFileSync(join(root, units, unit), "[Unit]\nAfter=nvidia-cdi-refresh.service\n");
  // Which of the circle's jobs systemd gives up differs from run to run; each is one that an administrator wants.
  expect(verified(root, "multi-user.target").said).toMatch(/\S+: Job \S+\/start deleted to break ordering cycle/);
});

test("a mistake in a unit or in the drop-in is noticed", (context) => {
  const root = rootWith(context, refresh["before the engines"]);
  appendFileSync(join(root, units, unit), "ProtectSystems=strict\n");
  appendFileSync(join(root, units, "nvidia-cdi-refresh.service.d/50-cdi-hook.conf"), "ExecStartPosts=x\n");
  const { said } = verified(root, unit, "nvidia-cdi-refresh.service");
  expect(said).toContain("ProtectSystems");
  expect(said).toContain("ExecStartPosts");
});

test("the service is confined, by systemd's own measure", (context) => {
  const root = rootWith(context, "");
  const words = ["security", "--offline=true", "--threshold=20", join(root, units, unit)];
  const { status, stdout, stderr } = spawnSync(program("systemd-analyze") ?? "", words, { encoding: "utf8" });
  expect(status, `${stdout}${stderr}`).toBe(0);
});
