/** `chain`: the tree that it leaves is that of the single hooks, and what else is said of it in docs/hooks.md. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test, type TestContext } from "vitest";
import { copyOfDebianRoot, debianRoot, program, whyNoDebianRoot } from "../support/debian-root.ts";
import { driverEdits } from "../support/cdi-spec.ts";
import { executablePath, runHook, type RunResult, stateFor } from "../support/executable.ts";
import { driverFolder, HostileRoot } from "../support/hostile-root.ts";
import { scratchDirectory } from "../support/scratch.ts";
import { sharedDriver } from "../support/stage.ts";
import { traceHook } from "../support/strace.ts";
import { compareListings, listTree } from "../support/tree-listing.ts";

type Hook = readonly string[];

const matching = (pattern: RegExp): unknown => expect.stringMatching(pattern);

const chainOf = (hooks: readonly Hook[]): string[] => ["chain", ...hooks.flatMap((words) => ["--", ...words]).slice(1)];

let root: HostileRoot;
beforeEach(() => {
  root = new HostileRoot();
});

/** Runs hooks on a root, one process each; expects each to succeed. */
function runSingly(path: string, hooks: readonly Hook[]): void {
  for (const words of hooks) {
    const { status, stderr } = runHook(words, { stdin: stateFor(path) });
    expect({ words, status, stderr }).toEqual({ words, status: 0, stderr: "" });
  }
}

function runChain(path: string, hooks: readonly Hook[]): void {
  const { status, stderr } = runHook(chainOf(hooks), { stdin: stateFor(path) });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
}

/** Expects a chain, and a second one, to leave what the single hooks leave; the chain is given in another order. */
function expectSame(path: string, hooks: readonly Hook[], given: readonly Hook[]): void {
  const other = join(scratchDirectory(), "root");
  expect(spawnSync("cp", ["-a", path, other]).status).toBe(0);
  const untouched = listTree(path);
  runSingly(path, hooks);
  expect(compareListings(untouched, listTree(path)).length, "the hooks do something").toBeGreaterThan(5);
  runChain(other, given);
  expect(compareListings(listTree(path), listTree(other))).toEqual([]);
  const first = listTree(other, { identity: true });
  runChain(other, given);
  expect(compareListings(first, listTree(other, { identity: true }))).toEqual([]);
}

const five: readonly Hook[] = [
  ["create-symlinks", "--link", `libcuda.so.1::${driverFolder}/libcuda.so`],
  ["create-symlinks", "--link", "../x::/opt/a/y", "--link", "z::/opt/a/z"],
  ["enable-cuda-compat", "--host-driver-version", "580.1"],
  ["update-ldcache", "--folder", "/opt/one"],
  ["update-ldcache", "--folder", driverFolder, "--folder", "/opt/two,/opt/three"],
  ["disable-device-node-modification"],
  ["update-application-profile"],
  ["chmod", "--mode", "0711", "--path", "/opt/one"],
];

/** Folders with libraries, a compat folder and a GPU. */
function furnish(): void {
  for (const folder of ["one", "two", "three"]) {
    root.folder(`opt/${folder}`).library(`opt/${folder}/lib${folder}.so.1.2`, `lib${folder}.so.1`);
  }
  root.folder("usr/local/cuda/compat").library("usr/local/cuda/compat/libcuda.so.600.1", "libcuda.so.1");
  root.special("dev/nvidia0", "character", [195, 0]).special("dev/nvidia3", "character", [195, 3]);
}

describe("the tree is that of the single hooks, byte for byte", () => {
  beforeEach((context: TestContext) => {
    if (process.getuid?.() !== 0) context.skip("needs root");
  });

  test("on a root like Debian's, whatever the order in which they are given", () => {
    furnish();
    expectSame(root.path, five, [...five.slice(3), ...five.slice(0, 3)]);
    expect(root.linkAt("opt/a/y")).toBe("../x");
    expect(root.names("etc/ld.so.conf.d").filter((name) => name.startsWith("00-"))).toHaveLength(2);
  });

  test("on a root with musl", () => {
    furnish();
    root.remove("etc/debian_version").remove("etc/ld.so.conf").remove(`.${driverFolder}/libc.so.6`);
    root.file("etc/alpine-release", "3.22.0\n").file("etc/os-release", "ID=alpine\n");
    root.file("usr/lib/ld-musl-x86_64.so.1");
    expectSame(root.path, five, five);
    const lines = readFileSync(root.at("etc/ld-musl-x86_64.path"), "utf8").split("\n");
    expect(lines.slice(0, 4)).toEqual([driverFolder, "/opt/two", "/opt/three", "/opt/one"]);
  });

  test("on a Debian root with the driver, the hooks of its spec", (context) => {
    const reason = whyNoDebianRoot();
    if (reason !== undefined) context.skip(reason);
    const path = join(scratchDirectory(), "root");
    debianRoot({ suite: "bookworm" });
    copyOfDebianRoot({ suite: "bookworm" }, path);
    const driver = sharedDriver(false);
    expect(spawnSync("cp", ["-a", `${driver.root}/.`, path]).status).toBe(0);
    const hooks = driverEdits(driver, executablePath).hooks.map(({ args }) => args.slice(1));
    expectSame(path, hooks, hooks.toReversed());
  });
});

test("the state is read once, and the folders are scanned once, whatever the number of hooks", (context) => {
  if (program("strace") === undefined) context.skip("needs strace");
  furnish();
  const single: Hook = ["update-ldcache", ...["one", "two", "three"].flatMap((name) => ["--folder", `/opt/${name}`])];
  const chain = chainOf([
    ["update-ldcache", "--folder", "/opt/one"],
    ["update-ldcache", "--folder=/opt/two,/opt/three"],
  ]);
  runSingly(root.path, [single]);
  const options = { trace: "getdents64,read,pread64" };
  const trace = (words: readonly string[]): string[] =>
    traceHook(root.path, words, options).map((line) => line.replace(/0x[0-9a-f]+/g, "ADDRESS"));
  const lines = trace(single);
  expect(lines.filter((line) => line.startsWith("getdents64")).length).toBeGreaterThan(5);
  expect(trace(chain)).toEqual(lines);
});

describe("names and flags", () => {
  const link: Hook = ["create-symlinks", "--link", "a::/l"];
  const others: readonly Hook[] = [["noop"], link];

  test.each([
    ["nvidia-cdi-hook", []],
    ["nvidia-ctk", ["hook"]],
    ["/opt/bin/nvidia-ctk", ["--debug=false", "hook"]],
    ["cdi-hook", ["hook"]],
  ] as const)("called as %s %j", (argv0, words) => {
    const { status, stderr } = runHook([...words, ...chainOf(others)], { argv0, stdin: stateFor(root.path) });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(root.linkAt("l")).toBe("a");
  });

  test("nvidia-ctk has no command chain", () => {
    const { status, stderr } = runHook(chainOf(others), { argv0: "nvidia-ctk", stdin: stateFor(root.path) });
    expect({ status, stderr }).toEqual({ status: 1, stderr: matching(/run the real nvidia-ctk/) });
    expect(root.linkAt("l")).toBe("(missing)");
  });

  test.each([
    [["--debug", ...chainOf(others)]],
    [["chain", "--debug", ...chainOf(others).slice(1)]],
    [["chain", "noop", "--", "create-symlinks", "--link", "a::/l", "--debug"]],
  ])("flags for all hooks: %j", (words) => {
    const { stderr } = runHook(words, { stdin: stateFor(root.path) });
    expect(stderr).toContain("cdi-hook: debug: link /l -> a: made\n");
    expect(runHook([...words, "--quiet"], { stdin: stateFor(root.path) }).stderr).toBe("");
  });

  test("the state is in the file that any of the hooks names", () => {
    const path = join(root.top, "state.json");
    writeFileSync(path, stateFor(root.path));
    const words = chainOf([
      link,
      ["update-ldcache", "--container-spec", "-"],
      ["chmod", "--mode=755", "--container-spec", path],
    ]);
    const { status, stderr } = runHook(words);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(root.linkAt("l")).toBe("a");
    root.expectCache();
  });

  test("two files: the first is taken, with a warning", () => {
    const path = join(root.top, "state.json");
    writeFileSync(path, stateFor(root.path));
    const spec = (file: string): string[] => ["--container-spec", file];
    const { status, stderr } = runHook(
      chainOf([
        [...link, ...spec(path)],
        ["update-ldcache", ...spec("/nowhere")],
      ]),
    );
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: matching(/^cdi-hook: warning: chain: [^\n]+\n$/),
    });
  });

  test("a word -- ends a hook's arguments, whatever stands before it; empty parts are skipped", () => {
    const words = ["chain", "--", "noop", "x", "--", "--", ...link, "--"];
    const { status, stderr } = runHook(words, { stdin: stateFor(root.path) });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(root.linkAt("l")).toBe("a");
  });

  test("help and version", () => {
    for (const words of [
      ["chain", "--help"],
      ["--help", "chain"],
      ["chain", "noop", "--", "-h"],
    ]) {
      expect(runHook(words).stdout.toString()).toContain("Usage: cdi-hook chain HOOK [flags] -- HOOK [flags] ...");
    }
    expect(runHook(["chain", "update-ldcache", "--help"]).stdout.toString()).toContain("--folder <DIR>");
    expect(runHook(["chain", "--version"]).stdout.toString()).toMatch(/^cdi-hook \d/);
  });
});

describe("what is unknown or fails", () => {
  const link: Hook = ["create-symlinks", "--link", "a::/l"];
  const run = (hooks: readonly Hook[], stdin = stateFor(root.path)): RunResult => runHook(chainOf(hooks), { stdin });
  const lines = ({ stderr }: RunResult): string[] => stderr.split("\n").slice(0, -1);

  test("nothing at all, and hooks of the future: a warning, and the others are run", () => {
    for (const words of [["chain"], ["chain", "--"], ["chain", "--quiet=false"]]) {
      const { status, stderr } = runHook(words);
      expect({ status, stderr }).toEqual({
        status: 0,
        stderr: "cdi-hook: warning: chain: no hook given, nothing is done\n",
      });
    }
    const result = run([["future", "--x", "y"], link, ["chain", "noop"]]);
    expect(result.status).toBe(0);
    expect(lines(result)).toEqual([
      "cdi-hook: warning: chain: future is not a hook that is known here",
      "cdi-hook: warning: chain: chain is not a hook that is known here",
    ]);
    expect(root.linkAt("l")).toBe("a");
  });

  test.each([[["--version", "580.1"]], [["-v"]], [["--help"]], [["-h"]], [["--view=side"]], [["--on-read-only"]]])(
    "a hook of the future with %j, whatever that means to it: the others are run",
    (flags) => {
      const result = run([link, ["future", ...flags]]);
      expect({ ...result, stdout: String(result.stdout) }).toMatchObject({ status: 0, stdout: "" });
      expect(lines(result)).toEqual(["cdi-hook: warning: chain: future is not a hook that is known here"]);
      expect(root.linkAt("l")).toBe("a");
    },
  );

  test("every failure is told, and the other hooks are run", () => {
    root.folder("d").remove("etc").file("etc");
    const result = run([
      ["update-ldcache", "--folder"],
      ["create-symlinks", "--link", "malformed"],
      ["create-symlinks", "--link", "a::/d", "--link", "a::/l"],
      ["update-ldcache", "--folder", driverFolder],
    ]);
    expect(result.status).toBe(1);
    expect(lines(result)).toEqual([
      "cdi-hook: error: chain: parse arguments update-ldcache: --folder needs a value",
      "cdi-hook: error: create-symlinks: parse --link malformed: not of the form TARGET::LINK",
      "cdi-hook: error: create-symlinks: create link /d: is a directory (EISDIR)",
      matching(/^cdi-hook: error: update-ldcache: /),
    ]);
    expect(root.linkAt("l")).toBe("a");
  });

  test("a failure that stops no container alone stops none in a chain", () => {
    root.file("d");
    const result = run([["chmod", "--mode", "700", "--path", "/d/x"], link]);
    expect(result.status).toBe(0);
    expect(root.linkAt("l")).toBe("a");
  });

  test("a state that cannot be read is told once", () => {
    const result = run([link, ["update-ldcache"], ["update-application-profile"], ["noop"]], "{");
    expect(result.status).toBe(1);
    expect(lines(result)).toEqual([matching(/^cdi-hook: error: create-symlinks: read stdin: /)]);
  });

  test("hooks that have nothing to do do not mind what the state is", () => {
    const { status, stderr } = run([["create-symlinks"], ["noop"], ["enable-cuda-compat"]], "no state");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });
});
