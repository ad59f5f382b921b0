/** Many hooks at once on one root: each ends well, and what is left is what one of them would have left alone. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, openSync, closeSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { program } from "../support/debian-root.ts";
import { executablePath, runHook, stateFor } from "../support/executable.ts";
import {
  createSymlinks,
  differences,
  factsOf,
  makeSmallRoot,
  temporariesIn,
  updateLdcache,
  type Call,
  type Facts,
} from "./small-root.ts";

const atOnce = 100;
const libraries = "/usr/lib/x86_64-linux-gnu";

let directory = "";
let root = "";
let statePath = "";

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "cdi-hook-faults-"));
  root = join(directory, "root");
  statePath = join(directory, "state.json");
  writeFileSync(statePath, stateFor(root));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

const otherLinks: Call = {
  name: "create-symlinks, others",
  argumentsFor: () => [
    "create-symlinks",
    `--link=libcuda.so.2::${libraries}/libcuda.so`,
    `--link=libnvidia-ml.so.9::${libraries}/libnvidia-ml.so`,
    `--link=../libother.so.1::${libraries}/gbm/deep/nvidia-drm_gbm.so`,
  ],
};
const otherFolders: Call = {
  name: "update-ldcache, others",
  argumentsFor: () => ["update-ldcache", "--folder=/opt/image/lib", "--folder=/opt/earlier/lib"],
};

interface Ended {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stderr: string;
}

function start(call: Call, enter: readonly string[]): Promise<Ended> {
  const [file = "", ...args] = [...enter, executablePath, ...call.argumentsFor(root)];
  const stdin = openSync(statePath, "r");
  const child = spawn(file, args, { env: { PATH: process.env["PATH"] ?? "" }, stdio: [stdin, "ignore", "pipe"] });
  closeSync(stdin);
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, signal) => resolve({ status, signal, stderr }));
  });
}

/** The tree that the calls leave when they run one after the other. */
function left(...order: readonly Call[]): Facts {
  makeSmallRoot(root, true);
  for (const call of order) expect(runHook(call.argumentsFor(root), { stdin: stateFor(root) }).status).toBe(0);
  return factsOf(root);
}

/** Runs the calls, in turn until there are a hundred, at once; answers with what did not end well. */
async function together(calls: readonly Call[], enter: readonly string[] = []): Promise<string[]> {
  makeSmallRoot(root, true);
  const started = Array.from({ length: atOnce }, (_, index) => start(calls[index % calls.length] as Call, enter));
  const ended = await Promise.all(started);
  const failed = ended.filter(({ status, stderr }) => status !== 0 || stderr !== "");
  return [
    ...failed.map(({ status, signal, stderr }) => `${signal ?? status}: ${stderr}`),
    ...temporariesIn(factsOf(root)).map((path) => `left behind: ${path}`),
  ];
}

const inOwnPids = ["unshare", "--pid", "--fork", "--kill-child"];
const hasPids =
  process.getuid?.() === 0 &&
  program("unshare") !== undefined &&
  spawnSync("unshare", ["--pid", "--fork", "true"]).status === 0;
const modes: readonly (readonly [string, readonly string[], string | undefined])[] = [
  ["in one pid namespace", [], undefined],
  ["each in a pid namespace of its own", inOwnPids, hasPids ? undefined : "needs root and unshare"],
];

describe.for(modes)("a hundred hooks at once, %s", ([, enter, unavailable]) => {
  test.for([createSymlinks, updateLdcache])("$name", async (call, ctx) => {
    if (unavailable !== undefined) return ctx.skip(unavailable);
    const wanted = left(call);
    expect(await together([call], enter)).toEqual([]);
    expect(factsOf(root)).toEqual(wanted);
  });

  test("create-symlinks, of two kinds: each link is one of the two", async (ctx) => {
    if (unavailable !== undefined) return ctx.skip(unavailable);
    const valid = [left(createSymlinks, otherLinks), left(otherLinks, createSymlinks)];
    expect(await together([createSymlinks, otherLinks], enter)).toEqual([]);
    for (const [path, line] of factsOf(root))
      expect(
        valid.map((facts) => facts.get(path)),
        path,
      ).toContain(line);
  });

  test("update-ldcache, of two kinds: the cache is that of one, or of both", async (ctx) => {
    if (unavailable !== undefined) return ctx.skip(unavailable);
    const orders = [[updateLdcache], [otherFolders], [updateLdcache, otherFolders], [otherFolders, updateLdcache]];
    const valid = orders.map((order) => left(...order));
    expect(await together([updateLdcache, otherFolders], enter)).toEqual([]);
    for (const [path, line] of factsOf(root))
      expect(
        valid.map((facts) => facts.get(path)),
        path,
      ).toContain(line);
    // Whoever comes last brings everything in line.
    expect(runHook(updateLdcache.argumentsFor(root), { stdin: stateFor(root) }).status).toBe(0);
    const found = factsOf(root);
    expect(valid.some((facts) => differences(found, facts).length === 0)).toBe(true);
  });

  test("create-symlinks and update-ldcache", async (ctx) => {
    if (unavailable !== undefined) return ctx.skip(unavailable);
    // As with ldconfig, a link for compilers has its entry when the link that it leads to was there before the scan.
    const settled = [createSymlinks, updateLdcache, updateLdcache];
    expect(await together([createSymlinks, updateLdcache], enter)).toEqual([]);
    for (const call of settled) expect(runHook(call.argumentsFor(root), { stdin: stateFor(root) }).status).toBe(0);
    const found = factsOf(root);
    expect(found).toEqual(left(...settled));
  });
});
