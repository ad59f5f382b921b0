/**
 * System calls that fail, and kills between them: whatever happens, every file and link of the root is the old one or the
 * new one, whole, nothing else is left, and the exit status and one line say what went wrong.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runHook, stateFor } from "../support/executable.ts";
import {
  cachePath,
  calls,
  createSymlinks,
  differences,
  factsOf,
  makeSmallRoot,
  neitherOldNorNew,
  temporariesIn,
  type Call,
  type Facts,
} from "./small-root.ts";
import { runInjected, systemCalls, whyNoStrace, type Traced, type TracedResult } from "./traced.ts";

const errors = ["ENOSPC", "EROFS", "EACCES", "EIO", "EINTR"] as const;
const unavailable = whyNoStrace();
/** A line of a failure that was foreseen: program, what was done, and why not. */
const clearLine = /^cdi-hook: (?:(?:warning|error): )?[^\n]{5,300}$/;

let directory = "";
let root = "";

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "cdi-hook-faults-"));
  root = join(directory, "root");
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Plan {
  readonly before: Facts;
  readonly after: Facts;
  readonly list: readonly Traced[];
}

/** What a call does to the root when nothing is in its way. */
function planOf(call: Call, configured = false): Plan {
  makeSmallRoot(root, configured);
  const before = factsOf(root);
  const list = systemCalls(call, root);
  return { before, after: factsOf(root), list };
}

/** What is wrong with the outcome of a call in which something failed; one line each. */
function faultsOf(call: Call, plan: Plan, result: TracedResult, isMute: boolean): string[] {
  const found = factsOf(root);
  const faults = neitherOldNorNew(found, plan.before, plan.after);
  faults.push(...temporariesIn(found).map((path) => `left behind: ${path}`));
  if (result.signal !== null || (result.status !== 0 && result.status !== 1)) {
    faults.push(`ended by ${result.signal ?? `status ${result.status}`}`);
  }
  if (/internal error|undefined|\[object/.test(result.stderr)) faults.push(`a defect is shown: ${result.stderr}`);
  const unclear = result.lines.filter((line) => !clearLine.test(line));
  if (unclear.length > 0) faults.push(`unclear: ${unclear.join(" / ")}`);
  const missing = differences(found, plan.after).filter((line) => !line.includes("/.cdi-hook-"));
  // What makes every write fail makes that of the line fail, too.
  if (result.status === 1 && result.lines.length === 0 && !isMute) faults.push("failed without a line");
  if (result.status === 0 && missing.length > 0) {
    const required = missing.filter((line) => call === createSymlinks || line.startsWith("/etc/"));
    if (required.length > 0) faults.push(`exit 0, but: ${required.join(", ")}`);
    else if (result.lines.length === 0 && !missing.every(isHarmless)) faults.push(`not told: ${missing.join(", ")}`);
  }
  return faults;
}

/** A link to nothing that could not be removed. */
const isHarmless = (line: string): boolean => line.includes("/libgone.so.2:");

/** Runs a call once per injection, each time on the untouched root; answers with what went wrong. */
function faultsOfAll(call: Call, plan: Plan, injections: readonly string[], isMild: boolean): string[] {
  const faults: string[] = [];
  for (const injection of injections) {
    makeSmallRoot(root);
    const result = runInjected(call, root, injection);
    const found = faultsOf(call, plan, result, /^write:.*\+$/.test(injection));
    if (isMild && (result.status !== 0 || differences(factsOf(root), plan.after).length > 0)) {
      found.push(`an interrupted call made it fail: ${result.stderr}`);
    }
    faults.push(...found.map((fault) => `${injection}: ${fault}`));
  }
  return faults;
}

describe.each(calls.map((call) => [call.name, call] as const))("%s", (_, call) => {
  let plan: Plan = { before: new Map(), after: new Map(), list: [] };
  beforeAll(() => {
    if (unavailable === undefined) plan = planOf(call);
  });

  const writes = (): Traced[] => plan.list.filter((each) => each.writes);

  test("does something in every respect", (ctx) => {
    if (unavailable !== undefined) return ctx.skip(unavailable);
    expect(differences(plan.after, plan.before).length).toBeGreaterThan(3);
    expect(new Set(writes().map(({ name }) => name)).size).toBeGreaterThan(4);
  });

  test.for(errors)("each write in turn fails: %s", (error, ctx): void => {
    if (unavailable !== undefined) return ctx.skip(unavailable);
    const injections = writes().map(({ name, occurrence }) => `${name}:error=${error}:when=${occurrence}`);
    expect(faultsOfAll(call, plan, injections, error === "EINTR")).toEqual([]);
  });

  test.for(errors)("all writes of a kind fail, from each on: %s", (error, ctx): void => {
    if (unavailable !== undefined) return ctx.skip(unavailable);
    const kinds = writes().filter(({ name }) => name !== "openat" && name !== "close");
    const injections = kinds.map(({ name, occurrence }) => `${name}:error=${error}:when=${occurrence}+`);
    expect(faultsOfAll(call, plan, injections, false)).toEqual([]);
  });

  test("any system call is interrupted once", (ctx) => {
    if (unavailable !== undefined) return ctx.skip(unavailable);
    const files = plan.list.filter(({ name, writes: changes }) => changes || readCalls.has(name));
    const injections = sample(files).map(({ name, occurrence }) => `${name}:error=EINTR:when=${occurrence}`);
    expect(faultsOfAll(call, plan, injections, true)).toEqual([]);
  });

  test("a write that never gets further ends", (ctx) => {
    if (unavailable !== undefined) return ctx.skip(unavailable);
    const injections = writes()
      .filter(({ name }) => name === "write")
      .map(({ name, occurrence }) => `${name}:retval=0:when=${occurrence}+`);
    expect(faultsOfAll(call, plan, injections, false)).toEqual([]);
  });

  test("killed at each write: old or new, at most one temporary file, and the next run mends it all", (ctx) => {
    if (unavailable !== undefined) return ctx.skip(unavailable);
    const faults: string[] = [];
    for (const { name, occurrence } of [...writes(), { name: "exit_group", occurrence: 1 }]) {
      makeSmallRoot(root);
      const result = runInjected(call, root, `${name}:signal=KILL:when=${occurrence}`);
      const found = factsOf(root);
      const here = neitherOldNorNew(found, plan.before, plan.after);
      if (result.signal !== "SIGKILL") here.push(`was not killed: ${result.signal ?? result.status}`);
      if (temporariesIn(found).length > 1) here.push(`left behind: ${temporariesIn(found).join(", ")}`);
      const next = runHook(call.argumentsFor(root), { stdin: stateFor(root) });
      if (next.status !== 0 || next.stderr !== "") here.push(`the next run: ${next.status} ${next.stderr}`);
      here.push(...differences(factsOf(root), plan.after).map((line) => `after the next run: ${line}`));
      faults.push(...here.map((fault) => `killed at ${name} ${occurrence}: ${fault}`));
    }
    expect(faults).toEqual([]);
  });

  test.for(["EIO", "EACCES", "EMFILE"])(
    "each read in turn fails: no link or file of the image is lost: %s",
    (error, ctx): void => {
      if (unavailable !== undefined) return ctx.skip(unavailable);
      const configured = planOf(call, true);
      const reads = configured.list.filter(({ writes: changes, name }) => !changes && readCalls.has(name));
      const faults: string[] = [];
      for (const { name, occurrence } of sample(reads)) {
        makeSmallRoot(root, true);
        const result = runInjected(call, root, `${name}:error=${error}:when=${occurrence}`);
        const found = factsOf(root);
        // What cannot be read is missing in the cache, as with ldconfig; nothing else may come of it.
        const here = neitherOldNorNew(found, configured.before, configured.after).filter(
          (line) => !line.startsWith(cachePath),
        );
        here.push(...temporariesIn(found).map((path) => `left behind: ${path}`));
        if (result.status !== 0 && result.status !== 1) here.push(`ended by ${result.signal ?? result.status}`);
        if (result.status === 1 && result.lines.length === 0) here.push("failed without a line");
        // Nobody can tell a file that may not be read from one that the image made unreadable.
        const missing = error === "EACCES" ? [] : differences(found, configured.after);
        if (result.lines.length === 0 && !missing.every(isHarmless)) here.push(`not told: ${missing.join(", ")}`);
        if (/internal error|undefined|\[object/.test(result.stderr)) here.push(`a defect is shown: ${result.stderr}`);
        faults.push(...here.map((fault) => `${name} ${occurrence}: ${fault}`));
      }
      expect(faults).toEqual([]);
    },
  );
});

const readCalls = new Set(["openat", "statx", "read", "pread64", "getdents64", "readlinkat", "close"]);

/** One of four, unless all are asked for: CDI_HOOK_FAULTS=all. */
function sample(list: readonly Traced[]): Traced[] {
  return process.env["CDI_HOOK_FAULTS"] === "all" ? [...list] : list.filter((_, index) => index % 4 === 0);
}
