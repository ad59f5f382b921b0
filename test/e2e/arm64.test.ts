import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { expect, test } from "vitest";
import { program } from "../support/debian-root.ts";
import { MACHINE, forgeElf } from "../support/elf-forge.ts";
import { runHook, stateFor } from "../support/executable.ts";
import { scratchDirectory } from "../support/scratch.ts";

const top = resolve(import.meta.dirname, "../..");
const folder = "usr/lib/aarch64-linux-gnu";

/** A root with a driver of that machine, a link to be made, one to be replaced, and names that are not UTF-8. */
function makeRoot(path: string): void {
  const put = (name: string, content: Uint8Array | string): void => {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content);
  };
  put("etc/debian_version", "12.1\n");
  put("etc/os-release", 'ID=debian\nVERSION_ID="12"\n');
  put("etc/ld.so.conf", "/opt/caf\u00e9\n");
  for (const [name, soname] of [
    [`${folder}/libcuda.so.580.1`, "libcuda.so.1"],
    [`${folder}/libnvidia-ml.so.580.1`, "libnvidia-ml.so.1"],
    ["opt/caf\u00e9/libx.so.2", "libx.so.2"],
  ] as const) {
    put(name, forgeElf({ bits: 64, machine: MACHINE.EM_AARCH64, sonames: [soname] }));
  }
  symlinkSync("libgone.so.1", join(path, folder, "libnvidia-ml.so.1"));
}

test("the executable for arm64, under qemu, leaves what the native one leaves", { timeout: 300_000 }, (context) => {
  const qemu = program("qemu-aarch64-static") ?? context.skip("needs qemu-aarch64-static");
  if (program("aarch64-linux-gnu-gcc") === undefined) context.skip("needs aarch64-linux-gnu-gcc");
  execFileSync(process.execPath, [join(top, "scripts/build.mjs"), "--arch", "arm64"], { cwd: top, stdio: "ignore" });
  const executable = join(top, "dist/cdi-hook-arm64");
  const run = (words: string[], input: string): { status: number | null; stderr: string } =>
    spawnSync(qemu, [executable, ...words], { input, env: {}, encoding: "utf8" });
  const base = scratchDirectory();
  const [native, foreign] = [join(base, "native"), join(base, "foreign")];
  makeRoot(native);
  cpSync(native, foreign, { recursive: true, verbatimSymlinks: true });

  const rebuild = ["ldcache", "rebuild", "--glibc", "2.36", "--distro", "debian", "--arch", "aarch64", "--root"];
  for (const words of [
    ["create-symlinks", "--link", `libcuda.so.1::/${folder}/libcuda.so`, "--link", "../x::/new/folder/y"],
    ["noop"],
    ["update-ldcache", "--folder", `/${folder}`, "--folder", "/opt/none"],
    // The roots have no ldconfig that would tell their machine, so the hook takes them for its own machine's.
    rebuild,
    rebuild,
  ]) {
    const last = (root: string): string[] => (words.at(-1) === "--root" ? [...words, root] : words);
    expect(runHook(last(native), { stdin: stateFor(native) })).toMatchObject({ status: 0, stderr: "" });
    expect(run(last(foreign), stateFor(foreign))).toMatchObject({ status: 0, stderr: "" });
  }

  for (const file of ["etc/ld.so.cache", "etc/ld.so.conf"]) {
    expect(readFileSync(join(foreign, file), "latin1")).toBe(readFileSync(join(native, file), "latin1"));
  }
  expect(readFileSync(join(foreign, "etc/ld.so.cache"), "latin1")).toContain("libcuda.so.1");
  for (const [link, target] of [
    [`${folder}/libcuda.so`, "libcuda.so.1"],
    [`${folder}/libcuda.so.1`, "libcuda.so.580.1"],
    [`${folder}/libnvidia-ml.so.1`, "libnvidia-ml.so.580.1"],
    ["new/folder/y", "../x"],
  ] as const) {
    expect(readlinkSync(join(foreign, link))).toBe(target);
    expect(readlinkSync(join(native, link))).toBe(target);
  }
  const malformed = run(["create-symlinks", "--link", "x"], "");
  expect(malformed.stderr).toContain("parse --link x");
  expect(malformed.status).toBe(1);
});
