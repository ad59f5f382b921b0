import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, renameSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { cached, copyTree, makeDebianRoot } from "../../test/support/debian-root.ts";
import { makeDriver } from "../../test/support/driver.ts";

/** A root filesystem to start a container from. */
export interface BenchRoot {
  name: "small" | "large";
  /** Runs to take. */
  runs: number;
  path: string;
  /** Entries of its cache, once the driver is in. */
  entries: number;
  /** Files that those entries lead to. */
  inodes: number;
  /** What it is made of, for people. */
  contents: string;
}

const packages = {
  small: "curl git gnupg libegl1 libgbm1 libgl1 libglx-mesa0 libx11-6 libxext6 openssh-client procps python3",
  large:
    "libabsl-dev libavfilter8 libboost-all-dev libgdal32 libgrpc++-dev libgtk-3-0 libgtk-4-1 libinsighttoolkit5-dev " +
    "libkf5kio-dev libkf5plasma5 libmpv2 libopencv-dev libpcl-dev libqt5widgets5 libvlc5 libwireshark16 qt6-3d-dev " +
    "qt6-base-dev qt6-declarative-dev qt6-multimedia-dev qtdeclarative5-dev samba-libs",
} as const;
const nobodyLooksAt = ["usr/share", "usr/include", "usr/src", "usr/lib/python3", "usr/lib/git-core", "boot"];

/**
 * Debian 12 with the packages unpacked and a cache of its own ldconfig, and a stand-in driver put in afterwards, as mounts
 * would. Made once (the large one takes two minutes) and kept outside of the repository.
 *
 * @throws Error with mmdebstrap's own words
 */
export function benchRoot(name: BenchRoot["name"], runs: number): BenchRoot {
  const path = join(cached("bench"), name);
  if (!existsSync(path)) makeRoot(name, path);
  const { entries, inodes } = countLibraries(path);
  const contents = `Debian 12 packages, unpacked: ${packages[name].replaceAll(" ", ", ")}; a stand-in driver`;
  return { name, runs, path, entries, inodes, contents };
}

function makeRoot(name: BenchRoot["name"], path: string): void {
  console.error(`bench: making the ${name} root (once; mmdebstrap)`);
  const partial = `${path}.partial`;
  mkdirSync(cached("bench"), { recursive: true });
  rmSync(partial, { recursive: true, force: true });
  const wanted = ["base-files", "libc-bin", ...packages[name].split(" ")];
  makeDebianRoot({ suite: "bookworm", variant: "extract", packages: wanted }, partial);
  for (const directory of nobodyLooksAt) rmSync(join(partial, directory), { recursive: true, force: true });
  execFileSync("chroot", [partial, "/sbin/ldconfig", "-i"], { stdio: "ignore" });
  const driver = `${path}.driver`;
  makeDriver(driver);
  execFileSync("cp", ["-a", "--", join(driver, "usr"), partial]);
  rmSync(driver, { recursive: true });
  renameSync(partial, path);
}

function countLibraries(path: string): { entries: number; inodes: number } {
  const copy = `${path}.counted`;
  freshCopy(path, copy);
  execFileSync("chroot", [copy, "/sbin/ldconfig", "-i"], { stdio: "ignore" });
  const cache = readFileSync(join(copy, "etc/ld.so.cache"));
  const entries = cache.readUInt32LE(20);
  const values = Array.from({ length: entries }, (_, index) => {
    const at = cache.readUInt32LE(48 + 24 * index + 8);
    return cache.toString("latin1", at, cache.indexOf(0, at));
  });
  const inodes = new Set(values.map((value) => inodeBehind(copy, value))).size;
  rmSync(copy, { recursive: true });
  return { entries, inodes };
}

/** The inode number of the file that a path of the root leads to, absolute links within the root as well. */
function inodeBehind(root: string, path: string): number {
  for (let at = path; ; at = resolve(dirname(at), readlinkSync(join(root, at)))) {
    const stat = lstatSync(join(root, at));
    if (!stat.isSymbolicLink()) return stat.ino;
  }
}

/** A copy with its own /etc, /var and directories, and the original's files: none of the programs writes into a library. */
export function freshCopy(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  execFileSync("cp", ["-al", "--", from, to]);
  for (const own of ["etc", "var"]) {
    rmSync(join(to, own), { recursive: true, force: true });
    copyTree(join(from, own), join(to, own));
  }
}
