/** Root filesystems that the hooks of a spec are run on: an image, and in it what the spec's engine would mount. */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { compatLibrary, noteFor } from "./compat-library.ts";
import { debianRoot } from "./debian-root.ts";
import { forgeElf, MACHINE } from "./elf-forge.ts";
import { type ReplayedContainer, replayedWords } from "./replay-spec.ts";

/** What an image's dynamic linker and ldconfig take for granted. */
export interface ImageKind {
  readonly name: string;
  readonly machine: number;
  /** Flags of a library in the cache: FLAG_ELF_LIBC6 and the architecture's. */
  readonly flags: number;
  /** Folders that are searched without being named, in their order. */
  readonly systemFolders: readonly string[];
}

function debian(machine: number, flags: number, triplet: string): ImageKind {
  const systemFolders = [`/lib/${triplet}`, `/usr/lib/${triplet}`, "/lib", "/usr/lib"];
  return { name: `Debian 12, ${triplet}`, machine, flags, systemFolders };
}

export const debianAmd64: ImageKind = debian(MACHINE.EM_X86_64, 0x303, "x86_64-linux-gnu");
const debianArm64: ImageKind = debian(MACHINE.EM_AARCH64, 0xa03, "aarch64-linux-gnu");
const fedora: ImageKind = {
  ...debianAmd64,
  name: "Fedora-like, x86-64",
  systemFolders: ["/lib64", "/usr/lib64", "/lib", "/usr/lib"],
};

/** The kind of image that a spec was written for, by the folders that it names. */
export function imageKindOf(container: ReplayedContainer): ImageKind {
  const text = JSON.stringify([container.hooks, container.mounts]);
  if (text.includes("/aarch64-linux-gnu")) return debianArm64;
  return text.includes("/usr/lib64/") ? fedora : debianAmd64;
}

/** A small image without programs, made by hand at `root`, which must not exist yet. */
export function makeImage(kind: ImageKind, root: string): void {
  const folder = (path: string): void => void mkdirSync(join(root, path), { recursive: true });
  const file = (path: string, content: string | Uint8Array): void => writeFileSync(join(root, path), content);
  for (const path of [
    "dev",
    "etc/ld.so.conf.d",
    "proc",
    "sys",
    "tmp",
    "usr/lib",
    "usr/lib64",
    "usr/bin",
    "usr/local/lib",
  ]) {
    folder(path);
  }
  for (const name of ["lib", "lib64", "bin"]) symlinkSync(`usr/${name}`, join(root, name));
  for (const path of kind.systemFolders) folder(path);
  const isDebian = kind !== fedora;
  if (isDebian) file("etc/debian_version", "12.11\n");
  file("etc/os-release", isDebian ? 'ID=debian\nVERSION_ID="12"\n' : "ID=fedora\nVERSION_ID=36\n");
  file("etc/ld.so.conf", "include ld.so.conf.d/*.conf\n");
  file("etc/ld.so.conf.d/libc.conf", "/usr/local/lib\n");
  const packageVersion = isDebian ? "Debian GLIBC 2.36-9+deb12u10" : "GNU libc";
  const banner = `GNU C Library (${packageVersion}) stable release version ${isDebian ? "2.36" : "2.35"}.\n`;
  const libc = forgeElf({ machine: kind.machine, sonames: ["libc.so.6"], needed: [banner] });
  file(`.${kind.systemFolders[isDebian ? 1 : 0]}/libc.so.6`, libc);
}

/**
 * Debian 12's own files that have to do with libraries: those, ldconfig, and its configuration; at `root`, which must not
 * exist yet. `cp -al` of it is a fresh root; what the hooks write is renamed into place.
 */
export function makeDebianImage(root: string): void {
  const from = debianRoot({ suite: "bookworm" });
  for (const path of ["dev", "etc", "proc", "run", "sys", "tmp", "usr/bin", "usr/sbin", "usr/lib64", "usr/local/lib"]) {
    mkdirSync(join(root, path), { recursive: true });
  }
  for (const name of ["lib", "lib64", "bin", "sbin"]) symlinkSync(`usr/${name}`, join(root, name));
  const folder = "usr/lib/x86_64-linux-gnu";
  const libraries = readdirSync(join(from, folder)).filter((name) => name.includes(".so"));
  for (const path of [
    ...libraries.map((name) => `${folder}/${name}`),
    ...readdirSync(join(from, "usr/lib64")).map((name) => `usr/lib64/${name}`),
    "usr/sbin/ldconfig",
    "etc/debian_version",
    "usr/lib/os-release",
    "etc/ld.so.conf",
    "etc/ld.so.conf.d",
    "etc/ld.so.cache",
    "var/cache/ldconfig",
  ]) {
    cpSync(join(from, path), join(root, path), { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  }
}

/** A fresh root with the files of another; nothing of it is to be written in place. */
export function linkedRoot(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  execFileSync("cp", ["-al", "--", from, to]);
}

export const compatFolder = "/usr/local/cuda/compat";
/** Majors of the drivers that the compat folder's libcuda is for. */
export const compatMajors: readonly number[] = [580, 999];

/** Sonames that do not end in 1, and libraries whose soname is their whole name. */
const numbers = new Map([
  ["libGLX_nvidia", "0"],
  ["libEGL_nvidia", "0"],
  ["libGLESv2_nvidia", "2"],
  ["libnvidia-nvvm", "4"],
]);
const wholeNames = /^libnvidia-(?:eglcore|glcore|glsi|tls|rtcore|gpucomp)\.so/u;

/** The soname that NVIDIA's library of that name has, or one like it. */
export function sonameOf(name: string): string {
  const [, stem = "", version] = /^(.+)\.so(?:\.(.+))?$/u.exec(name) ?? [];
  if (version === undefined || wholeNames.test(name)) return name;
  return `${stem}.so.${numbers.get(stem) ?? (/^\d\d/u.test(version) ? "1" : version.split(".")[0])}`;
}

/**
 * Puts into a root what an engine would mount for the container: a file for every mount, a library where it is named like
 * one; devices; and for enable-cuda-compat a compat folder, whose libcuda is newer than every driver. Devices are made
 * by root only.
 */
export function furnish(root: string, container: ReplayedContainer, machine: number): void {
  const put = (path: string, content: string | Uint8Array): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    rmSync(join(root, path), { force: true });
    writeFileSync(join(root, path), content);
  };
  // In these images, /lib is a link to /usr/lib.
  const mounts = container.mounts.map((path) => path.replace(/^\/lib\//u, "/usr/lib/"));
  for (const path of mounts) {
    const name = basename(path);
    if (mounts.some((other) => other.startsWith(`${path}/`))) mkdirSync(join(root, path), { recursive: true });
    else if (/\.so(?:[.\d]*)$/u.test(name)) put(path, forgeElf({ machine, sonames: [sonameOf(name)] }));
    else put(path, `${path}\n`);
  }
  for (const path of container.devices) makeDevice(root, path);
  for (const words of container.hooks.map(replayedWords)) {
    const folders = words.hook === "chmod" ? words.all("path").filter((path) => path.startsWith("/dev/")) : [];
    for (const path of folders) mkdirSync(join(root, path), { recursive: true });
    if (words.hook === "enable-cuda-compat" && !existsSync(join(root, compatFolder))) {
      put(`${compatFolder}/libcuda.so.1000.11.22`, compatLibrary(noteFor(compatMajors), { machine }));
      symlinkSync("libcuda.so.1000.11.22", join(root, compatFolder, "libcuda.so.1"));
      symlinkSync("libcuda.so.1", join(root, compatFolder, "libcuda.so"));
    }
  }
}

const mknodat = process.arch === "x64" ? 259 : 33;
const S_IFCHR = 0o020000;
const nvidiaMajor = 195;

function makeDevice(root: string, path: string): void {
  if (process.getuid?.() !== 0) return;
  mkdirSync(dirname(join(root, path)), { recursive: true });
  const number = /^\/dev\/nvidia(\d+)$/u.exec(path)?.[1];
  const [major, minor] = number === undefined ? [1, 3] : [nvidiaMajor, Number(number)];
  const result = syscall(mknodat, -100, join(root, path), S_IFCHR | 0o666, minor | (major << 8));
  if (result !== 0) throw new Error(`mknodat ${path}: ${result}`);
}
