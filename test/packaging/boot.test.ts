/** The Debian package on a machine that boots with a real systemd. */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { BootedMachine } from "../support/booted-machine.ts";
import { DebianMachine, writtenSpec } from "../support/debian-machine.ts";
import { packed, whyNoPackages } from "../support/packages.ts";
import { scratchDirectory } from "../support/scratch.ts";

const unit = "cdi-hook-watch.service";
const hookPath = "path: /opt/cdi-hook/bin/nvidia-cdi-hook\n";

const service = (order: string, command: string): string =>
  `[Unit]\n${order}\n[Service]\nType=oneshot\nExecStart=${command}\n[Install]\nWantedBy=multi-user.target\n`;

/** A spec of another kind, as no two files of a directory may define the same. */
const specOf = (name: string): string => writtenSpec.replace("nvidia.com/gpu", `nvidia.com/${name}`);

test("at boot, while specs are written, over an upgrade, and when it goes", async (context) => {
  const missing = BootedMachine.missing() ?? whyNoPackages("dpkg-deb");
  if (missing !== undefined) context.skip(missing);
  const machine = new DebianMachine(join(scratchDirectory(), "root"), ["systemd", "systemd-sysv"]);
  for (const revision of ["1", "2"]) {
    const folder = packed(["deb"], ["--revision", revision, "--arch", "x86_64"]);
    const name = `cdi-hook_0.1.0-${revision}_amd64.deb`;
    copyFileSync(join(folder, name), machine.at(`packages/${name}`));
  }
  machine.write("etc/cdi/nvidia.yaml", writtenSpec);
  // What a container engine finds when it starts, and a refresh as NVIDIA's unit runs it: at the very end.
  machine.write("etc/systemd/system/docker.service", service("", "/bin/cp /etc/cdi/nvidia.yaml /seen-by-engine"));
  machine.write("etc/refreshed.yaml", specOf("refreshed"));
  const refresh = service("After=multi-user.target", "/bin/cp /etc/refreshed.yaml /run/cdi/refreshed.yaml");
  machine.write(
    "etc/systemd/system/nvidia-cdi-refresh.service",
    refresh.replace("oneshot\n", "oneshot\nCapabilityBoundingSet=CAP_SYS_MODULE CAP_SYS_ADMIN CAP_MKNOD\n"),
  );
  machine.run(["systemctl", "enable", "docker.service", "nvidia-cdi-refresh.service"]);
  expect(machine.run(["dpkg", "--install", "/packages/cdi-hook_0.1.0-1_amd64.deb"])).toMatchObject({ status: 0 });

  const booted = new BootedMachine(machine);
  try {
    const properties = (): Readonly<Record<string, string>> => {
      const words = ["ActiveState", "MainPID", "NRestarts", "Result"].map((name) => `--property=${name}`);
      const lines = booted
        .run("systemctl", "show", ...words, unit)
        .stdout.trim()
        .split("\n");
      return Object.fromEntries(lines.map((line) => line.split("=") as [string, string]));
    };
    const text = (path: string): string => booted.run("cat", path).stdout;
    const until = async (what: string, isSo: () => boolean): Promise<void> => {
      for (let turn = 0; turn < 200 && !isSo(); turn++) await delay(200);
      const journal = (): string => booted.run("journalctl", "--no-pager", "-n", "60").stdout;
      expect(isSo() ? "" : `${what}: ${booted.console}\n${journal()}`).toBe("");
    };
    await until("the boot ends", () => booted.run("systemctl", "is-active", "multi-user.target").status === 0);
    await until("the refresh ends", () => booted.run("test", "-e", "/run/cdi/refreshed.yaml").status === 0);

    expect(properties()).toMatchObject({ ActiveState: "active", NRestarts: "0" });
    expect(text("/seen-by-engine")).toContain(hookPath);
    await until("the refreshed spec is rewritten", () => text("/run/cdi/refreshed.yaml").includes(hookPath));
    // Whoever waits for the refresh finds it rewritten, whatever the service does.
    booted.run("systemctl", "stop", unit);
    booted.run("systemctl", "restart", "nvidia-cdi-refresh.service");
    expect(text("/run/cdi/refreshed.yaml")).toContain(hookPath);
    booted.run("systemctl", "start", unit);

    const writes = async (path: string): Promise<void> => {
      booted.run("sh", "-c", 'sed "s/refreshed/$2/" /etc/refreshed.yaml >"$1"', "sh", path, path.replaceAll("/", ""));
      await until(`${path} is rewritten`, () => text(path).includes(hookPath));
    };
    await writes("/etc/cdi/new.yaml");
    await writes("/run/cdi/new.yaml");
    booted.run("rm", "-r", "/run/cdi");
    booted.run("mkdir", "/run/cdi");
    await writes("/run/cdi/again.yaml");

    const before = properties()["MainPID"];
    expect(booted.run("dpkg", "--install", "/packages/cdi-hook_0.1.0-2_amd64.deb")).toMatchObject({ status: 0 });
    expect(properties()).toMatchObject({ ActiveState: "active", NRestarts: "0" });
    expect(properties()["MainPID"]).not.toBe(before);
    await writes("/etc/cdi/newer.yaml");

    expect(booted.run("dpkg", "--purge", "cdi-hook")).toMatchObject({ status: 0 });
    expect(text("/etc/cdi/nvidia.yaml")).toBe(writtenSpec);
    for (const path of ["/etc/cdi/new.yaml", "/etc/cdi/newer.yaml", "/run/cdi/again.yaml"]) {
      expect(text(path)).toContain("path: /usr/bin/nvidia-cdi-hook\n");
    }
    expect(booted.run("systemctl", "is-active", unit).stdout.trim()).toBe("inactive");
    expect(booted.run("systemctl", "cat", unit).status).not.toBe(0);
    expect(booted.run("test", "-e", "/var/lib/cdi-hook").status).not.toBe(0);
  } finally {
    await booted.powerOff();
  }
});
