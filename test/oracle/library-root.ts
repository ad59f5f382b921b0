import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cached, copyTree, type DebianRoot, debianRoot } from "../support/debian-root.ts";
import { forgeElf, MACHINE } from "../support/elf-forge.ts";

export type LibrarySuite = Exclude<DebianRoot["suite"], "stable" | "forky">;

/** Packages whose dependencies are several hundred libraries, and libraries of a second architecture beside them. */
const libraries: Record<LibrarySuite, { packages: string[]; foreign: string[] }> = {
  bullseye: {
    packages: ["libgtk-3-0", "libavfilter7", "libqt5widgets5"],
    foreign: ["libc6", "libstdc++6", "zlib1g", "libx11-6", "libcurl4", "libglib2.0-0"],
  },
  bookworm: {
    packages: ["libgtk-3-0", "libavfilter8", "libqt5widgets5"],
    foreign: ["libc6", "libstdc++6", "zlib1g", "libx11-6", "libcurl4", "libglib2.0-0"],
  },
  trixie: {
    packages: ["libgtk-3-0t64", "libavfilter10", "libqt6widgets6"],
    foreign: ["libc6", "libstdc++6", "zlib1g", "libx11-6", "libcurl4t64", "libglib2.0-0t64"],
  },
};
const base = ["base-files", "libc-bin"];
const foreignDirectories = ["lib/i386-linux-gnu", "usr/lib/i386-linux-gnu", "etc/ld.so.conf.d/i386-linux-gnu.conf"];

/** A root filesystem to copy from. */
export interface LibraryRoot {
  path: string;
  /** Where 32-bit libraries come from, when not from `path` itself. */
  foreign?: string;
}

/**
 * Debian with several hundred libraries, 32-bit ones beside; made once and kept. When the mirror does not hand out a
 * suite's i386 packages, bookworm's take their place.
 *
 * @throws Error with mmdebstrap's own words
 */
export function libraryRoot(suite: LibrarySuite): LibraryRoot {
  const { packages, foreign } = libraries[suite];
  const native = { suite, variant: "extract", packages: [...base, ...packages] } as const;
  const both = {
    ...native,
    packages: [...native.packages, ...foreign.map((name) => `${name}:i386`)],
    foreign: ["i386"],
  } as const;
  if (suite === "bookworm") return { path: debianRoot(both) };
  try {
    return { path: debianRoot(both) };
  } catch {
    return { path: debianRoot(native), foreign: libraryRoot("bookworm").path };
  }
}

/** arm64 Debian 12 with libraries, unpacked only. @throws Error with mmdebstrap's own words */
export function arm64Root(): string {
  const path = join(dirname(cached("roots/x")), "bookworm-extract-arm64");
  if (existsSync(path)) return path;
  mkdirSync(dirname(path), { recursive: true });
  const partial = `${path}.partial`;
  rmSync(partial, { recursive: true, force: true });
  const packages = [...base, "libcurl4", "libglib2.0-0", "libx11-6", "libavutil57"].join(",");
  const flags = ["--variant=extract", "--architectures=arm64", "--mode=root", "--quiet", `--include=${packages}`];
  const made = spawnSync("mmdebstrap", [...flags, "bookworm", partial], { encoding: "utf8" });
  if (made.status !== 0) throw new Error(`mmdebstrap arm64: ${made.stderr.trim().slice(-2000)}`);
  execFileSync("mv", [partial, path]);
  return path;
}

/** A directory for copies on the file system that the kept roots are on. */
export function workDirectory(): string {
  mkdirSync(cached("roots"), { recursive: true });
  return mkdtempSync(cached("oracle-"));
}

/**
 * A copy whose libraries are hard links to the original's (nothing that runs here writes into a library) and whose /etc
 * and /var are its own.
 */
export function linkedCopy(root: LibraryRoot, to: string): void {
  rmSync(to, { recursive: true, force: true });
  execFileSync("cp", ["-al", "--", root.path, to]);
  for (const own of ["etc", "var"]) {
    rmSync(join(to, own), { recursive: true, force: true });
    copyTree(join(root.path, own), join(to, own));
  }
  for (const directory of root.foreign === undefined ? [] : foreignDirectories) {
    const from = join(root.foreign ?? "", directory);
    if (existsSync(from)) cpSync(from, join(to, directory), { recursive: true, verbatimSymlinks: true });
  }
}

/** The architecture that a root filesystem and the driver put into it are of. */
export interface Platform {
  machine: number;
  triplet: string;
}
export const amd64: Platform = { machine: MACHINE.EM_X86_64, triplet: "x86_64-linux-gnu" };
export const arm64: Platform = { machine: MACHINE.EM_AARCH64, triplet: "aarch64-linux-gnu" };

/**
 * A driver's libraries as a CDI spec mounts them: real names, no soname links; the link that create-symlinks makes before
 * there is a libcuda.so.1; and a folder that no configuration names.
 */
export function addDriver(root: string, { machine, triplet }: Platform): void {
  const version = "580.126.20";
  const add = (directory: string, name: string, bits: 32 | 64, isa: number, soname = `${name}.so.1`): void => {
    mkdirSync(join(root, directory), { recursive: true });
    const bytes = forgeElf({ bits, machine: isa, sonames: [soname], needed: ["libc.so.6"] });
    writeFileSync(join(root, directory, `${name}.so.${version}`), bytes);
  };
  for (const name of ["libcuda", "libnvidia-ml", "libnvidia-ptxjitcompiler", "libcudadebugger", "libnvidia-opencl"])
    add(`usr/lib/${triplet}`, name, 64, machine);
  add(`usr/lib/${triplet}`, "libnvidia-glcore", 64, machine, `libnvidia-glcore.so.${version}`);
  symlinkSync("libcuda.so.1", join(root, `usr/lib/${triplet}/libcuda.so`));
  add("usr/local/nvidia/lib64", "libnvidia-extra", 64, machine);
  if (machine === MACHINE.EM_X86_64)
    for (const name of ["libcuda", "libnvidia-ml"]) add("usr/lib/i386-linux-gnu", name, 32, MACHINE.EM_386);
}
