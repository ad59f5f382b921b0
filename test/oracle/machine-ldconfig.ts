import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** This machine's own ldconfig, and how the product is told to do as it does. */
export interface MachineLdconfig {
  path: string;
  /** Flags of `cdi-hook ldcache rebuild`. */
  profile: readonly string[];
}

/** This machine's ldconfig, or the reason why it cannot serve as an oracle. */
export function machineLdconfig(): MachineLdconfig | string {
  if (process.getuid?.() !== 0) return "needs root (ldconfig -r calls chroot)";
  const path = ["/sbin/ldconfig.real", "/sbin/ldconfig"].find((candidate) => isElf(candidate));
  if (path === undefined) return "needs ldconfig";
  const banner = spawnSync(path, ["--version"], { encoding: "utf8" }).stdout.split("\n")[0] ?? "";
  const [, distribution, version] = /^ldconfig \((.*)\) ([0-9.]+)$/u.exec(banner) ?? [];
  if (distribution === undefined || version === undefined) return `needs glibc's ldconfig, this one says ${banner}`;
  const arch = { x64: "x86_64", arm64: "aarch64" }[process.arch as string];
  if (arch === undefined) return `needs x86-64 or arm64, not ${process.arch}`;
  const distro = /debian/iu.test(distribution) ? "debian" : /ubuntu/iu.test(distribution) ? "ubuntu" : "upstream";
  const generator = `ldconfig (${distribution}) stable release version ${version}`;
  return { path, profile: ["--glibc", version, "--distro", distro, "--arch", arch, "--generator", generator] };
}

function isElf(path: string): boolean {
  try {
    return readFileSync(path).subarray(1, 4).toString("latin1") === "ELF";
  } catch {
    return false;
  }
}
