/** `ldcache explain` against the dynamic linkers of three Debian releases: what they try for each name, and what they load. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { debianRoot, program, whyNoDebianRoot } from "../support/debian-root.ts";
import { runHook } from "../support/executable.ts";
import { copyLinker, makeLoaderTree, makeStale } from "./loader-tree.ts";

const seeds = (process.env["CDI_HOOK_LOADER_SEEDS"] ?? "1").split(",").map(Number);
const missing =
  whyNoDebianRoot() ??
  (process.arch === "x64" ? undefined : "needs an x86-64 machine") ??
  ["gcc", "ld"].filter((name) => program(name) === undefined).map((name) => `needs ${name}`)[0];

let work = "";
let launcher = "";

beforeAll(() => {
  if (missing !== undefined) return;
  work = mkdtempSync(join(tmpdir(), "cdi-hook-loader-"));
  launcher = join(work, "start-in-root");
  execFileSync("gcc", ["-O1", "-static", "-w", "-o", launcher, join(import.meta.dirname, "start-in-root.c")]);
});

afterAll(() => {
  if (work !== "") rmSync(work, { recursive: true, force: true });
});

/** What one lookup came to: the paths tried, in order. */
interface Tried {
  readonly name: string;
  readonly paths: readonly string[];
}

interface Loading {
  readonly lookups: readonly Tried[];
  /** Paths of the libraries that are loaded, in order, and the names that are not found. */
  readonly loaded: readonly string[];
  readonly missing: readonly string[];
}

type Environment = Readonly<Record<string, string>>;

function start(
  root: string,
  path: string,
  environment: Environment,
): { status: number | null; stdout: string; stderr: string } {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  return spawnSync(launcher, [root, path, ...variables], { encoding: "latin1", env: {} });
}

/** By the dynamic linker itself, which tells what it does and runs nothing. */
function observed(root: string, path: string, environment: Environment): Loading {
  const told = start(root, path, { ...environment, LD_DEBUG: "libs", LD_TRACE_LOADED_OBJECTS: "1" });
  expect(told.status, told.stderr).toBe(0);
  const lookups: { name: string; paths: string[] }[] = [];
  for (const line of told.stderr.split("\n")) {
    const name = /find library=(.*) \[\d+\]; searching$/.exec(line)?.[1];
    if (name !== undefined) lookups.push({ name, paths: [] });
    const tried = /trying file=(.*)$/.exec(line)?.[1];
    if (tried !== undefined) lookups.at(-1)?.paths.push(tried);
  }
  const lines = told.stdout.split("\n").map((line) => line.trim());
  const absent = lines.flatMap((line) => /^(\S+) => not found$/.exec(line)?.[1] ?? []);
  const loaded = lines.flatMap((line) => /^(?:\S+ => )?(\S+) \(0x[0-9a-f]+\)$/.exec(line)?.[1] ?? []);
  return { lookups, missing: absent, loaded: loaded.filter((each) => !/^linux-vdso|\/ld-linux-/.test(each)) };
}

interface Attempt {
  readonly path: string;
  readonly tried: boolean;
  readonly reason: string | null;
}

/** A dynamic linker tells that it tries an entry of the cache before it finds that the object excludes its folder. */
function isTold({ tried, reason }: Attempt): boolean {
  return tried || reason?.includes("DF_1_NODEFLIB") === true;
}

interface Document {
  readonly program: string;
  readonly succeeds: boolean;
  readonly objects: readonly {
    readonly path: string;
    readonly needs: readonly {
      readonly name: string;
      readonly kind: string;
      readonly outcome: string;
      readonly attempts: readonly Attempt[];
    }[];
  }[];
}

function explained(root: string, path: string, environment: Environment): Loading & { succeeds: boolean } {
  const flags = [
    ...(environment["LD_LIBRARY_PATH"] === undefined ? [] : ["--library-path", environment["LD_LIBRARY_PATH"]]),
    ...(environment["LD_PRELOAD"] === undefined ? [] : ["--preload", environment["LD_PRELOAD"]]),
  ];
  const run = runHook(["ldcache", "explain", "--needed", path, "--root", root, "--cpu", "host", "--json", ...flags]);
  expect(run.stderr).toBe("");
  const document = JSON.parse(run.stdout.toString("latin1")) as Document;
  expect(run.status).toBe(document.succeeds ? 0 : 1);
  const needs = document.objects.flatMap((object) => object.needs);
  const searched = needs.filter(
    ({ name, attempts, outcome }) => !name.includes("/") && (attempts.length > 0 || outcome === "missing"),
  );
  return {
    lookups: searched.map(({ name, attempts }) => ({
      name,
      paths: attempts.filter(isTold).map((attempt) => attempt.path),
    })),
    loaded: document.objects.slice(1).map((object) => object.path),
    missing: needs.filter(({ outcome, kind }) => outcome === "missing" && kind !== "preload").map(({ name }) => name),
    succeeds: document.succeeds,
  };
}

describe.each(["bullseye", "bookworm", "trixie"] as const)("the dynamic linker of %s", (suite) => {
  test.for(seeds)("tries the same files for 200 names, and loads the same libraries: seed %i", (seed, ctx) => {
    if (missing !== undefined) return ctx.skip(missing);
    const root = join(work, `${suite}-${seed}`);
    copyLinker(debianRoot({ suite }), root);
    const { programs, environments } = makeLoaderTree(root, `${root}-work`, seed);
    const rebuilt = runHook(["ldcache", "rebuild", "--root", root]);
    expect(rebuilt.status, rebuilt.stderr).toBe(0);
    let lookups = 0;
    const compare = (): void => {
      for (const path of programs) {
        for (const environment of environments) {
          const told = observed(root, path, environment);
          const { succeeds, ...ours } = explained(root, path, environment);
          expect(ours, `${path} ${JSON.stringify(environment)}`).toEqual(told);
          expect(start(root, path, environment).status, path).toBe(succeeds ? 0 : 127);
          lookups += told.lookups.length;
        }
      }
    };
    compare();
    makeStale(root, seed);
    compare();
    expect(lookups).toBeGreaterThan(200);
  });
});
