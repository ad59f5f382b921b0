import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { copyOfDebianRoot, program } from "./debian-root.ts";

/** A CDI spec as people have it. */
export const writtenSpec = `# by hand
cdiVersion: "0.5.0"
kind: nvidia.com/gpu
devices: [{name: all, containerEdits: {deviceNodes: [{path: /dev/null}]}}]
containerEdits:
  hooks:
    - hookName: createContainer   # links
      path: /usr/bin/nvidia-cdi-hook
      args: [nvidia-cdi-hook, create-symlinks, --link, "libcuda.so.1::/lib/libcuda.so"]
`;

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A Debian root filesystem in which programs are started, at a path that must not exist yet. */
export class DebianMachine {
  readonly path: string;

  /** @param packages that it has beside the least */
  constructor(path: string, packages: readonly string[] = []) {
    this.path = path;
    copyOfDebianRoot({ suite: "bookworm", packages }, path);
    mkdirSync(this.at("packages"));
    // Documentation is left out of the roots, and not of packages that are installed there.
    rmSync(this.at("etc/dpkg/dpkg.cfg.d/99mmdebstrap"), { force: true });
  }

  at(path: string): string {
    return join(this.path, path);
  }

  read(path: string): string {
    return readFileSync(this.at(path), "utf8");
  }

  write(path: string, content: string): void {
    mkdirSync(join(this.at(path), ".."), { recursive: true });
    writeFileSync(this.at(path), content);
  }

  /** The text of a link, or undefined where there is none. */
  link(path: string): string | undefined {
    try {
      return readlinkSync(this.at(path));
    } catch {
      return undefined;
    }
  }

  /** Starts a program of the machine. */
  run(words: readonly string[], input?: string): Ended {
    return spawnSync(program("chroot") ?? "chroot", [this.path, ...words], {
      encoding: "utf8",
      env: {
        PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        LC_ALL: "C",
        DEBIAN_FRONTEND: "noninteractive",
      },
      ...(input === undefined ? {} : { input }),
    });
  }

  /** Starts dpkg; the package of a file of this machine is made available to it. Gives all that was printed. */
  dpkg(action: "--install" | "--remove" | "--purge" | "--verify", what: string): string {
    const inside = join("/packages", basename(what));
    if (action === "--install") copyFileSync(what, this.at(inside));
    const { status, stdout, stderr } = this.run(["dpkg", action, action === "--install" ? inside : what]);
    if (status !== 0) throw new Error(`dpkg ${action} ${what}: ${stdout}${stderr}`);
    return `${stdout}${stderr}`;
  }

  /** From now on systemd is running as far as a package's scripts ask; gives and forgets what it was told to do. */
  pretendSystemd(): () => readonly string[] {
    this.write("run/systemd/system/.keep", "");
    const script =
      '#!/bin/sh\necho "$*" >>/packages/systemctl\ncase "$*" in *quiet*) ;; *is-enabled*) echo enabled ;; esac\n';
    this.write("usr/bin/systemctl", script);
    spawnSync("chmod", ["755", this.at("usr/bin/systemctl")]);
    const log = this.at("packages/systemctl");
    return () => {
      const lines = existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [];
      writeFileSync(log, "");
      return lines;
    };
  }
}
