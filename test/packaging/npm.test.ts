import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type TestContext, expect, test } from "vitest";
import { stateFor } from "../support/executable.ts";
import { MACHINES, machineOf, output, packed, whyNoPackages } from "../support/packages.ts";
import { scratchDirectory } from "../support/scratch.ts";

const names = ["cdi-hook-0.1.0.tgz", "cdi-hook-linux-arm64-0.1.0.tgz", "cdi-hook-linux-x64-0.1.0.tgz"];

/** An empty folder into which some of the tarballs were installed, without a network. */
function installed(context: TestContext, ...wanted: readonly string[]): string {
  const missing = whyNoPackages("npm") ?? (process.arch === "x64" ? undefined : "needs x86-64");
  if (missing !== undefined) context.skip(missing);
  const base = scratchDirectory();
  const files = packed(["npm"]);
  const folder = join(base, "folder");
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), "{}");
  const words = [
    "install",
    "--offline",
    "--no-audit",
    "--no-fund",
    `--cache=${base}/cache`,
    ...wanted.map((name) => join(files, name)),
  ];
  output("npm", words, { cwd: folder });
  return folder;
}

const command = (folder: string): string => join(folder, "node_modules/.bin/cdi-hook");

test("the packages carry their machine's executable, and no script that npm would run", (context) => {
  const missing = whyNoPackages("tar");
  if (missing !== undefined) context.skip(missing);
  const base = scratchDirectory();
  const files = packed(["npm"]);
  expect(readdirSync(files).sort()).toEqual(names);
  const unpack = (name: string): { tree: string; manifest: Readonly<Record<string, unknown>> } => {
    const tree = join(base, name.replace(".tgz", ""));
    mkdirSync(tree);
    output("tar", ["-xf", join(files, name), "-C", tree, "--strip-components=1"]);
    return { tree, manifest: JSON.parse(readFileSync(join(tree, "package.json"), "utf8")) as Record<string, unknown> };
  };
  const { manifest: main } = unpack("cdi-hook-0.1.0.tgz");
  const parts = { "@cdi-hook/linux-arm64": "0.1.0", "@cdi-hook/linux-x64": "0.1.0" };
  expect(main).toMatchObject({ name: "cdi-hook", version: "0.1.0", optionalDependencies: parts });
  expect(main["scripts"]).toBeUndefined();
  for (const [cpu, machine] of [
    ["arm64", MACHINES.arm64],
    ["x64", MACHINES.amd64],
  ] as const) {
    const { tree, manifest } = unpack(`cdi-hook-linux-${cpu}-0.1.0.tgz`);
    expect(manifest).toMatchObject({ name: `@cdi-hook/linux-${cpu}`, version: "0.1.0", os: ["linux"], cpu: [cpu] });
    expect(manifest["scripts"]).toBeUndefined();
    expect(machineOf(readFileSync(join(tree, "cdi-hook")))).toBe(machine);
  }
});

test("installed into an empty folder, the command does the work, with its exit status, input and output", (context) => {
  const folder = installed(context, "cdi-hook-0.1.0.tgz", "cdi-hook-linux-x64-0.1.0.tgz");
  expect(existsSync(join(folder, "node_modules/@cdi-hook/linux-arm64"))).toBe(false);
  expect(output(command(folder), ["--version"])).toContain("0.1.0");
  expect(output("npx", ["cdi-hook", "--version"], { cwd: folder })).toContain("0.1.0");

  const root = join(folder, "container/rootfs");
  mkdirSync(root, { recursive: true });
  const link = ["create-symlinks", "--link", "libcuda.so.1::/libcuda.so"];
  expect(output(command(folder), link, { input: stateFor(root) })).toBe("");
  expect(readlinkSync(join(root, "libcuda.so"))).toBe("libcuda.so.1");
  const wrong = spawnSync(command(folder), ["create-symlinks", "--link", "x"], { input: "", encoding: "utf8" });
  expect(wrong.stderr).toContain("parse --link x");
  expect(wrong.status).toBe(1);
});

test("a signal reaches the executable, and is what the command ends by", async (context) => {
  const folder = installed(context, "cdi-hook-0.1.0.tgz", "cdi-hook-linux-x64-0.1.0.tgz");
  // It waits for its state, which does not come.
  const child = spawn(command(folder), ["create-symlinks", "--link", "a::/b"], {
    stdio: ["pipe", "ignore", "inherit"],
  });
  const pid = child.pid ?? 0;
  const executables = (): string[] => processesOf(pid).filter((path) => path.endsWith("/linux-x64/cdi-hook"));
  for (let turn = 0; turn < 200 && executables().length === 0; turn++) await delay(50);
  expect(executables()).toHaveLength(1);
  const ended = endOf(child);
  process.kill(pid, "SIGTERM");
  expect(await ended).toEqual([null, "SIGTERM"]);
  expect(executables()).toEqual([]);
});

test("without the package of this machine, one line says which", (context) => {
  const folder = installed(context, "cdi-hook-0.1.0.tgz");
  const { status, stdout, stderr } = spawnSync(command(folder), ["--version"], { encoding: "utf8" });
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toMatch(/^cdi-hook: the package @cdi-hook\/linux-x64 is not installed; [^\n]*\n$/);
});

const endOf = async (child: ChildProcess): Promise<unknown[]> => (await once(child, "exit")) as unknown[];

/** The programs that a process and its children run. */
function processesOf(pid: number): string[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    return [
      readlinkSync(`/proc/${pid}/exe`),
      ...children.split(" ").map((child) => readlinkSync(`/proc/${child}/exe`)),
    ];
  } catch {
    return [];
  }
}
