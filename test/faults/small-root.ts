import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { forgeElf } from "../support/elf-forge.ts";
import { listTree } from "../support/tree-listing.ts";

const libraries = "/usr/lib/x86_64-linux-gnu";
const driver = "/opt/driver/lib";
const version = "580.126.20";

/** By this a root's glibc is known. */
const banner = "GNU C Library (Debian GLIBC 2.36-9+deb12u8) stable release version 2.36.\n";

export const cachePath = "/etc/ld.so.cache";

const files: readonly (readonly [path: string, bytes: string | Uint8Array])[] = [
  ["/etc/debian_version", "12.7\n"],
  ["/etc/os-release", 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n'],
  ["/etc/ld.so.conf.d/libc.conf", "# libc default configuration\n/usr/local/lib\n"],
  [
    "/etc/ld.so.conf.d/x86_64-linux-gnu.conf",
    `/usr/local${libraries.slice(4)}\n/lib${libraries.slice(8)}\n${libraries}\n`,
  ],
  [`${libraries}/libc.so.6`, forgeElf({ sonames: ["libc.so.6"], needed: [banner] })],
  [`${libraries}/libz.so.1.2.13`, forgeElf({ sonames: ["libz.so.1"] })],
  [`${libraries}/libnvidia-ml.so.550.1`, forgeElf({ sonames: ["libnvidia-ml.so.1"] })],
  [`${libraries}/libnvidia-ml.so.${version}`, forgeElf({ sonames: ["libnvidia-ml.so.1"] })],
  [`${libraries}/libcuda.so.${version}`, forgeElf({ sonames: ["libcuda.so.1"] })],
  [`${libraries}/libplain.so`, "an image's own file\n"],
  [`${driver}/libnvoptix.so.${version}`, forgeElf({ sonames: ["libnvoptix.so.1"] })],
  [cachePath, "the cache of the image, old\n"],
];

/** What a root has beside these when a hook has run on it before, and its image brought a configuration of its own. */
const furtherFiles: typeof files = [
  ["/etc/ld.so.conf", "include /etc/ld.so.conf.d/*.conf\n/opt/image/lib\n"],
  ["/etc/ld.so.conf.d/00-nvcr-cdi-hook.conf", "/opt/earlier/lib\n"],
  ["/opt/image/lib/libimage.so.3", forgeElf({ sonames: ["libimage.so.3"] })],
  ["/opt/earlier/lib/libearlier.so.4.1", forgeElf({ sonames: ["libearlier.so.4"] })],
];

const links: readonly (readonly [path: string, target: string])[] = [
  ["/lib", "usr/lib"],
  [`${libraries}/libz.so.1`, "libz.so.1.2.13"],
  [`${libraries}/libz.so`, "libz.so.1"],
  [`${libraries}/libnvidia-ml.so.1`, "libnvidia-ml.so.550.1"],
  [`${libraries}/libnvidia-ml.so`, "libnvidia-ml.so.550.1"],
  [`${libraries}/libgone.so.2`, "libgone.so.2.5"],
];

/**
 * Makes, or makes again, a small root filesystem like Debian 12's, with links that a hook has to make, to replace, to
 * remove and to leave alone, and a cache to replace. `/etc/ld.so.conf` is missing unless it is to be `configured`.
 */
export function makeSmallRoot(root: string, configured = false): void {
  rmSync(root, { recursive: true, force: true });
  for (const [path, bytes] of [...files, ...(configured ? furtherFiles : [])]) {
    mkdirSync(dirname(root + path), { recursive: true });
    writeFileSync(root + path, bytes);
  }
  for (const [path, target] of links) symlinkSync(target, root + path);
  chmodSync(root + cachePath, 0o600);
}

/** What is run on a root: a hook as a CDI spec calls it, or the command for people. */
export interface Call {
  readonly name: string;
  argumentsFor(root: string): readonly string[];
}

const hook = (name: string, ...args: readonly string[]): Call => ({
  name,
  // What the injected EROFS and a read-only root lead to otherwise is in test/e2e/read-only.test.ts.
  argumentsFor: () => [name, ...args, "--on-read-only=fail"],
});

export const createSymlinks: Call = hook(
  "create-symlinks",
  `--link=libcuda.so.1::${libraries}/libcuda.so`,
  `--link=libnvidia-ml.so.1::${libraries}/libnvidia-ml.so`,
  `--link=libz.so.1::${libraries}/libz.so`,
  `--link=libnew.so.1::${libraries}/libplain.so`,
  `--link=../libnvidia-allocator.so.1::${libraries}/gbm/deep/nvidia-drm_gbm.so`,
);

export const updateLdcache: Call = hook("update-ldcache", `--folder=${libraries}`, `--folder=${driver}`);

export const rebuild: Call = {
  name: "ldcache rebuild",
  argumentsFor: (root) => ["ldcache", "rebuild", "--root", root],
};

export const calls: readonly Call[] = [createSymlinks, updateLdcache, rebuild];

/** What matters of a tree: path to a line that says what is there. Directories that only a hook makes may be empty. */
export type Facts = ReadonlyMap<string, string>;

export function factsOf(root: string): Facts {
  const facts = new Map<string, string>();
  for (const [path, file] of listTree(root)) {
    const mode = file.type === "link" ? "" : ` ${file.mode.toString(8)}`;
    facts.set(path, `${file.type}${mode} ${file.target ?? file.content ?? ""}`);
  }
  return facts;
}

/** The temporary files that a hook left in a tree. */
export function temporariesIn(facts: Facts): string[] {
  return [...facts.keys()].filter((path) => path.includes("/.cdi-hook-"));
}

/**
 * What is neither as before nor as after the hook's work, one line each; nothing when every file and link is the old one
 * or the new one.
 */
export function neitherOldNorNew(found: Facts, before: Facts, after: Facts): string[] {
  const paths = new Set([...found.keys(), ...before.keys(), ...after.keys()]);
  return [...paths]
    .filter((path) => !path.includes("/.cdi-hook-"))
    .filter((path) => found.get(path) !== before.get(path) && found.get(path) !== after.get(path))
    .map((path) => `${path}: ${found.get(path) ?? "gone"}`);
}

/** The paths in which a tree differs from another. */
export function differences(found: Facts, wanted: Facts): string[] {
  const paths = new Set([...found.keys(), ...wanted.keys()]);
  return [...paths]
    .filter((path) => found.get(path) !== wanted.get(path))
    .map((path) => `${path}: ${found.get(path) ?? "gone"}`);
}
