/** The upper directory of `apply --upper`, against the one that Linux' overlayfs makes when the hooks work in the merged root. */
import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test, type TestContext } from "vitest";
import { program } from "../support/debian-root.ts";
import { runHook } from "../support/executable.ts";
import { driverFolder, HostileRoot } from "../support/hostile-root.ts";
import { compareListings, listTree } from "../support/tree-listing.ts";

/** What setfattr(1) takes; access lists as the kernel has them: version 2, then tag, rights and id of each entry. */
const acl = (...entries: readonly (readonly [tag: number, rights: number, id?: number])[]): string => {
  const bytes = Buffer.alloc(4 + entries.length * 8);
  bytes.writeUInt32LE(2);
  for (const [at, [tag, rights, id = 0xffffffff]] of entries.entries()) {
    bytes.writeUInt16LE(tag, 4 + at * 8);
    bytes.writeUInt16LE(rights, 6 + at * 8);
    bytes.writeUInt32LE(id, 8 + at * 8);
  }
  return `0x${bytes.toString("hex")}`;
};
const list = acl([1, 7], [2, 6, 12], [4, 5], [16, 7], [32, 5]);
const capability = "0x0100000200200000000000000000000000000000";

const attributes: readonly (readonly [path: string, name: string, value: string])[] = [
  ["", "trusted.top", "0x01"],
  ["etc", "user.of-etc", "0x00ff80"],
  ["etc", "trusted.of-etc", "0x02"],
  ["etc", "system.posix_acl_access", list],
  ["etc", "system.posix_acl_default", list],
  ["usr", "user.empty", '""'],
  ["usr/lib", "security.of-nobody", "0x03"],
  ["usr/ping", "security.capability", capability],
  ["usr/ping", "user.kept", "0x04"],
  ["etc/secret", "system.posix_acl_access", acl([1, 6], [2, 4, 34], [4, 4], [16, 4], [32, 0])],
  ["etc/secret", "user.of-secret", `0x${"ab".repeat(1000)}`],
];

interface Prepared {
  readonly root: HostileRoot;
  readonly merged: string;
  readonly kernels: string;
}

function prepare(context: TestContext): Prepared {
  if (process.getuid?.() !== 0) context.skip("needs root");
  for (const name of ["setfattr", "getfattr"]) if (program(name) === undefined) context.skip(`needs ${name}`);
  const root = new HostileRoot();
  root.file("etc/secret", "secret\n").file("usr/ping", "ping").file("etc/plain", "plain\n");
  execFileSync("chown", ["12:34", root.at("etc/secret"), root.at("usr/lib")]);
  execFileSync("chmod", ["4755", root.at("usr/ping")]);
  execFileSync("chmod", ["2775", root.at("usr/lib")]);
  for (const [path, name, value] of attributes) execFileSync("setfattr", ["-n", name, "-v", value, root.at(path)]);
  const [merged, kernels, work] = ["merged", "kernels", "workdir"].map((name) => join(root.top, name));
  for (const folder of [merged, kernels, work]) mkdirSync(folder ?? "");
  const layers = `lowerdir=${root.path},upperdir=${kernels},workdir=${work}`;
  execFileSync("mount", ["-t", "overlay", "-o", layers, "overlay", merged ?? ""]);
  onTestFinished(() => void execFileSync("umount", [merged ?? ""]));
  return { root, merged: merged ?? "", kernels: kernels ?? "" };
}

const hook = (...args: readonly string[]): unknown => ({
  path: "/x/nvidia-cdi-hook",
  args: ["nvidia-cdi-hook", ...args],
});

function bundle(folder: string, root: string): string {
  const createContainer = [
    hook("create-symlinks", `--link=libcuda.so.1::${driverFolder}/libcuda.so`),
    hook("update-ldcache", "--folder", driverFolder, "--folder", "/opt/driver"),
    hook("chmod", "--mode=604", "--path=/etc/secret", "--path=/usr/ping", "--path=/usr/local/deep"),
  ];
  mkdirSync(folder, { recursive: true });
  const config = { ociVersion: "1.0.2", root: { path: root }, hooks: { createContainer } };
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  return folder;
}

/** Lines of getfattr(1) without what overlayfs notes for itself. */
function attributesOf(upper: string): string {
  const words = ["-R", "-P", "-h", "-d", "-m", "-", "-e", "hex", "."];
  const lines = execFileSync("getfattr", words, { cwd: upper, encoding: "latin1" }).split("\n\n");
  return lines
    .map((file) =>
      file
        .split("\n")
        .filter((line) => !line.startsWith("trusted.overlay."))
        .join("\n"),
    )
    .filter((file) => file.includes("="))
    .sort()
    .join("\n");
}

test("folders on the way, files with another mode: owners, modes, bytes and extended attributes", (context) => {
  const { root, merged, kernels } = prepare(context);
  root.folder("opt/driver").folder("usr/local/deep").library("opt/driver/libfoo.so.3", "libfoo.so.3");
  const ours = join(root.top, "ours");
  const apply = (...words: readonly string[]): unknown => {
    const { status, stderr } = runHook(["apply", ...words], { argv0: "cdi-hook" });
    return { status, stderr };
  };
  const fine = { status: 0, stderr: "" };
  expect(apply("--bundle", bundle(join(root.top, "one"), root.path), "--upper", ours)).toEqual(fine);
  expect(apply("--bundle", bundle(join(root.top, "two"), merged), "--view=here")).toEqual(fine);
  const owners = (upper: string): readonly string[] =>
    [...listTree(upper).keys()].map((path) => {
      const { uid, gid, rdev } = lstatSync(join(upper, path));
      return `${path} ${uid}:${gid} ${rdev}`;
    });
  expect(compareListings(listTree(kernels), listTree(ours))).toEqual([]);
  expect(owners(ours)).toEqual(owners(kernels));
  // The kernel is given the top of its upper layer, and does not make it.
  expect(attributesOf(ours)).toBe(`# file: .\ntrusted.top=0x01\n${attributesOf(kernels)}`);
  for (const [path, name] of attributes) expect(attributesOf(ours), `${name} of ${path}`).toContain(name);
});

test("overlayfs' own attributes, which mean something else in an upper layer, are not copied", (context) => {
  const { root } = prepare(context);
  const [upper, etc] = [join(root.top, "ours"), root.at("etc")];
  for (const space of ["trusted", "user"])
    for (const [name, value] of [
      ["opaque", "y"],
      ["redirect", "/elsewhere"],
    ] as const)
      execFileSync("setfattr", ["-n", `${space}.overlay.${name}`, "-v", value, etc]);
  const words = ["apply", "--bundle", bundle(join(root.top, "one"), root.path), "--upper", upper];
  expect(runHook(words, { argv0: "cdi-hook" })).toMatchObject({ status: 0, stderr: "" });
  const found = execFileSync("getfattr", ["-d", "-m", "-", "etc"], { cwd: upper, encoding: "latin1" });
  expect(found).toContain("user.of-etc");
  expect(found).not.toContain(".overlay.");
});
