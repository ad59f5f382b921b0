import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

/** A Debian root filesystem as mmdebstrap makes it. */
export interface DebianRoot {
  suite: "bullseye" | "bookworm" | "trixie" | "stable" | "forky";
  /** mmdebstrap's variant; `minbase` unless given (`essential` has no apt, `extract` runs no maintainer script). */
  variant?: "minbase" | "essential" | "extract";
  /** Further packages, `name` or `name:i386`. */
  packages?: readonly string[];
  /** Debian's name of another architecture than amd64; only with the variant `extract`, which runs none of its programs. */
  architecture?: string;
  /** Foreign architectures whose packages may be named in `packages`. */
  foreign?: readonly string[];
}

/** Documentation is left out: it is half of the files and none of them is a library. */
const unpackedWithout = ["/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/info/*"];

const cacheDirectory = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "cdi-hook");

/** Where things that are costly to make are kept between runs; outside of the repository. */
export function cached(name: string): string {
  mkdirSync(cacheDirectory, { recursive: true });
  return join(cacheDirectory, name);
}

/** The path of a program of this machine, or undefined. */
export function program(name: string): string | undefined {
  const directories = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return directories
    .map((directory) => join(directory, name))
    .find((path) => {
      try {
        accessSync(path, 1);
        return true;
      } catch {
        return false;
      }
    });
}

/** Why no Debian root can be made here, or undefined when it can. */
export function whyNoDebianRoot(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root (mmdebstrap)";
  for (const name of ["mmdebstrap", "apt-get", "flock"]) if (program(name) === undefined) return `needs ${name}`;
  return undefined;
}

/**
 * The archive of Debian's own suites that this machine's apt is configured with, or undefined when apt has none
 * (another distribution): mmdebstrap then chooses its own.
 */
function debianArchive(): string | undefined {
  const { stdout } = spawnSync("apt-get", ["update", "--print-uris"], { encoding: "utf8" });
  return /^'([^']*)\/dists\/(?:bullseye|bookworm|trixie|forky|sid|(?:old)*stable|testing|unstable)\/InRelease'/m.exec(
    stdout,
  )?.[1];
}

function mmdebstrapArguments(wanted: DebianRoot, directory: string): string[] {
  const archive = debianArchive();
  const foreign = wanted.foreign ?? [];
  const architectures =
    wanted.architecture === undefined && foreign.length === 0 ? [] : [wanted.architecture ?? "amd64", ...foreign];
  return [
    `--variant=${wanted.variant ?? "minbase"}`,
    "--mode=root",
    "--quiet",
    ...(wanted.packages?.length ? [`--include=${wanted.packages.join(",")}`] : []),
    ...(architectures.length > 0 ? [`--architectures=${architectures.join(",")}`] : []),
    // A mirror that is a snapshot hands out a list that was to be renewed within days; its signature is checked all the same.
    ...(wanted.suite === "forky" ? ['--aptopt=Acquire::Check-Valid-Until "false"'] : []),
    ...unpackedWithout.map((pattern) => `--dpkgopt=path-exclude=${pattern}`),
    wanted.suite,
    directory,
    ...(archive === undefined ? [] : [`deb ${archive} ${wanted.suite} main`]),
  ];
}

/**
 * Makes the root filesystem in `directory`, which must not exist yet; 10 to 60 seconds.
 *
 * @throws Error with mmdebstrap's own words
 */
export function makeDebianRoot(wanted: DebianRoot, directory: string): void {
  const made = spawnSync("mmdebstrap", mmdebstrapArguments(wanted, directory), { encoding: "utf8" });
  if (made.status !== 0) throw new Error(`mmdebstrap ${wanted.suite}: ${made.stderr.trim().slice(-2000)}`);
}

function cachePath(wanted: DebianRoot): string {
  const rest = JSON.stringify([[...(wanted.packages ?? [])].sort(), wanted.foreign ?? [], unpackedWithout]);
  const digest = createHash("sha256").update(rest).digest("hex").slice(0, 12);
  const roots = cached("roots");
  mkdirSync(roots, { recursive: true });
  const kind = [wanted.suite, wanted.variant ?? "minbase", ...(wanted.architecture ? [wanted.architecture] : [])];
  return join(roots, [...kind, digest].join("-"));
}

/** The kept root filesystem when an earlier run has made it. Never write to it. */
export function keptDebianRoot(wanted: DebianRoot): string | undefined {
  const path = cachePath(wanted);
  return existsSync(path) ? path : undefined;
}

/**
 * A root filesystem to read from and copy, made at the first call and kept between runs. Never write to it.
 *
 * @throws Error with mmdebstrap's own words
 */
export function debianRoot(wanted: DebianRoot): string {
  const path = cachePath(wanted);
  if (existsSync(path)) return path;
  const partial = `${path}.partial`;
  const script = 'test -d "$1" || { rm -rf "$2" && "${@:3}" && mv "$2" "$1"; }';
  const command = ["mmdebstrap", ...mmdebstrapArguments(wanted, partial)];
  const made = spawnSync("flock", [`${path}.lock`, "bash", "-c", script, "bash", path, partial, ...command], {
    encoding: "utf8",
  });
  if (made.status !== 0) throw new Error(`mmdebstrap ${wanted.suite}: ${made.stderr.trim().slice(-2000)}`);
  return path;
}

/** Copies a tree as it is (owners, modes, times, hard links, devices), to a path that must not exist yet. */
export function copyTree(from: string, to: string): void {
  execFileSync("cp", ["-a", "--reflink=auto", "--", from, to]);
}

/** A writable copy of {@link debianRoot} at `to`, which must not exist yet. */
export function copyOfDebianRoot(wanted: DebianRoot, to: string): void {
  copyTree(debianRoot(wanted), to);
}
