/** `cdi rewrite` and `cdi restore` of a spec that another process writes at the same time. */
import { spawn } from "node:child_process";
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, expect, test } from "vitest";
import { program } from "../support/debian-root.ts";
import { executablePath, runHook } from "../support/executable.ts";
import { scratchDirectory } from "../support/scratch.ts";

const strace = program("strace");

let specs: string;
let path: string;
let state: readonly string[];
beforeEach(() => {
  const top = scratchDirectory();
  specs = join(top, "cdi");
  path = join(specs, "a.json");
  state = ["--state", join(top, "state")];
  mkdirSync(specs);
  writeFileSync(path, spec("one"));
});

function spec(device: string): string {
  const hooks = [{ hookName: "createContainer", path: "/usr/bin/nvidia-cdi-hook", args: ["nvidia-cdi-hook", "noop"] }];
  const devices = [{ name: device, containerEdits: { hooks } }];
  return JSON.stringify({ cdiVersion: "0.5.0", kind: "vendor.com/gpu", devices });
}

const read = (): string => readFileSync(path, "utf8");

/** Starts a command whose bytes take long to reach the disk, and renames a new spec into its way while they do. */
async function disturbed(...words: readonly string[]): Promise<number | null> {
  const slow = ["-o", "/dev/null", "-e", "trace=fsync", "-e", "inject=fsync:delay_enter=300000"];
  const child = spawn(strace ?? "", [...slow, executablePath, "cdi", ...words, ...state, path], { stdio: "ignore" });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  while (!readdirSync(specs).some((name) => name.startsWith(".cdi-hook-")) && child.exitCode === null) await sleep(5);
  writeFileSync(join(specs, "new"), spec("two"));
  renameSync(join(specs, "new"), path);
  return ended;
}

test("a spec that is renamed into the way of rewrite is not lost, and is rewritten", async (context) => {
  if (strace === undefined) context.skip("needs strace");
  expect(await disturbed("rewrite")).toBe(0);
  expect(read()).toContain('"two"');
  expect(read()).toContain("/opt/cdi-hook/bin/");
  expect(readdirSync(specs)).toEqual(["a.json"]);
});

test("a spec that is renamed into the way of restore is not lost", async (context) => {
  if (strace === undefined) context.skip("needs strace");
  runHook(["cdi", "rewrite", ...state, path]);
  expect(await disturbed("restore")).toBe(0);
  expect(read()).toBe(spec("two"));
  expect(readdirSync(specs)).toEqual(["a.json"]);
});

test("a spec that somebody has open for writing is left to him, and told", () => {
  const original = read();
  const writer = openSync(path, "a");
  const refused = runHook(["cdi", "rewrite", ...state, path]);
  expect([refused.status, refused.stderr]).toEqual([1, `cdi-hook: error: ${path}: somebody else is writing it\n`]);
  expect(read()).toBe(original);
  appendFileSync(writer, "\n");
  closeSync(writer);
  expect(runHook(["cdi", "rewrite", ...state, path]).status).toBe(0);
  const reopened = openSync(path, "a");
  expect(runHook(["cdi", "restore", ...state, path]).status).toBe(1);
  closeSync(reopened);
  expect(runHook(["cdi", "restore", ...state, path]).status).toBe(0);
  expect(read()).toBe(`${original}\n`);
});
