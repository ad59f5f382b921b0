import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { dirname, join } from "node:path";
import fsExtra from "fs-extra";
import {
  copyTree,
  type DebianRoot,
  keptDebianRoot,
  makeDebianRoot,
  whyNoDebianRoot,
} from "../test/support/debian-root.ts";
import { libraryDirectory } from "../test/support/driver.ts";
import { cudaLibraries, probeCommand } from "../test/support/probe.ts";

export interface DemonstrationRoot {
  /** Host path. */
  path: string;
  description: string;
  /** Container path of the directory that the driver's libraries are mounted in. */
  libraryDirectory: string;
  /** The container's program: loads the driver's libraries by name and calls a function of each. */
  command: string[];
  /** Why the program cannot be run, when it cannot. */
  withoutProgram?: string;
}

const bookworm: DebianRoot = { suite: "bookworm" };

/** The loader is asked as any program asks it: dlopen(3), dlsym(3). */
const probeSource = `
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
int main(int count, char **words) {
  int failed = 0;
  setvbuf(stdout, NULL, _IONBF, 0);
  for (int i = 1; i < count; i++) {
    char *library = words[i], *symbol = strchr(library, ':');
    if (symbol == NULL) return 100;
    *symbol++ = 0;
    void *handle = dlopen(library, RTLD_NOW);
    void *found = handle == NULL ? NULL : dlsym(handle, symbol);
    if (found == NULL) { printf("%s: not loaded\\n", library); failed++; continue; }
    int (*function)(void);
    memcpy(&function, &found, sizeof function);
    printf("%s: ", library);
    function();
  }
  return failed;
}
`;

function debianRoot(path: string, progress: (line: string) => void): DemonstrationRoot {
  const kept = keptDebianRoot(bookworm);
  const start = performance.now();
  if (kept === undefined) progress("mmdebstrap makes a Debian root, in 10 to 30 seconds");
  if (kept === undefined) makeDebianRoot(bookworm, path);
  else copyTree(kept, path);
  const how =
    kept === undefined ? `made by mmdebstrap in ${Math.round((performance.now() - start) / 1000)} s` : "a copy";
  const version = readFileSync(join(path, "etc/debian_version"), "utf8").trim();
  return { path, description: `Debian ${version}, minbase, ${how}`, libraryDirectory, command: probeCommand() };
}

/** The shared objects that a program of this machine is loaded with, its loader among them: paths as the loader names them. */
function loadedWith(executable: string): string[] {
  const { stdout } = spawnSync("ldd", [executable], { encoding: "utf8" });
  return [...stdout.matchAll(/(?:^\s*|=> )(\/\S+) \(0x/gm)].map(([, path = ""]) => path);
}

/** Copies a file of this machine to its own path below `root`; where that leads through a directory link, so it does there. */
function copyToOwnPath(root: string, path: string): void {
  const parts = path.split("/").slice(1, -1);
  for (const above of parts.map((_, index) => `/${parts.slice(0, index + 1).join("/")}`)) {
    const copy = join(root, above);
    mkdirSync(join(root, realpathSync(above)), { recursive: true });
    if (!existsSync(copy)) symlinkSync(readlinkSync(above), copy);
  }
  fsExtra.copySync(path, join(root, path), { dereference: true });
}

const usefulBesides = ["libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "libz.so.1"];

function ownRoot(path: string): DemonstrationRoot {
  const probe = join(path, "probe");
  fsExtra.outputFileSync(`${path}/probe.c`, probeSource);
  execFileSync("gcc", ["-O1", "-o", probe, `${path}/probe.c`, "-ldl"]);
  rmSync(`${path}/probe.c`);
  chmodSync(probe, 0o755);
  const objects = loadedWith(probe);
  const libc = objects.find((object) => object.endsWith("/libc.so.6"));
  const folder = libc === undefined ? libraryDirectory : dirname(realpathSync(libc));
  const besides = usefulBesides.map((name) => join(folder, name)).filter((file) => existsSync(file));
  for (const object of new Set([...objects, ...besides])) copyToOwnPath(path, object);
  for (const name of ["/etc/os-release", "/etc/debian_version"])
    if (existsSync(name)) fsExtra.copySync(name, join(path, name), { dereference: true });
  for (const name of ["proc", "dev", "etc"]) mkdirSync(join(path, name), { recursive: true });
  return {
    path,
    description: "a loader, a libc and a program, copied from this machine",
    libraryDirectory: folder,
    command: ["/probe", ...cudaLibraries.map(({ library, symbol }) => `${library}:${symbol}`)],
    ...(libc === undefined ? { withoutProgram: "this machine's libc is not glibc" } : {}),
  };
}

/** Makes a root filesystem at `path`: a real Debian where that can be, else one of this machine's own files. */
export function demonstrationRoot(path: string, progress: (line: string) => void): DemonstrationRoot {
  if (whyNoDebianRoot() !== undefined) return ownRoot(path);
  try {
    return debianRoot(path, progress);
  } catch (error) {
    progress(`not a Debian root: ${String(error).split("\n").at(-1)}`);
    rmSync(path, { recursive: true, force: true });
    return ownRoot(path);
  }
}
