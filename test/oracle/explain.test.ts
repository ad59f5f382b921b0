/** `ldcache explain` against the dynamic linkers of three Debian releases: what they try for each name, and what they load. */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { debianRoot, program, whyNoDebianRoot } from "../support/debian-root.ts";
import { runHook } from "../support/executable.ts";
import { starterIn, type Environment, type Starter } from "./start-in-root.ts";
import { copyLinker, makeLoaderTree, makeStale, muslLinker, StubLinker, type Description } from "./loader-tree.ts";

const seeds = (process.env["CDI_HOOK_LOADER_SEEDS"] ?? "1").split(",").map(Number);
const missing =
  whyNoDebianRoot() ??
  (process.arch === "x64" ? undefined : "needs an x86-64 machine") ??
  ["gcc", "ld"].filter((name) => program(name) === undefined).map((name) => `needs ${name}`)[0];

let work = "";
let start: Starter;

beforeAll(() => {
  if (missing !== undefined) return;
  work = mkdtempSync(join(tmpdir(), "cdi-hook-loader-"));
  start = starterIn(work);
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

/** By the dynamic linker itself, which tells what it does and runs nothing. */
function observed(root: string, path: string, environment: Environment): Loading {
  const told = start.run(root, path, { ...environment, LD_DEBUG: "libs", LD_TRACE_LOADED_OBJECTS: "1" });
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
      readonly reason: string | null;
      readonly attempts: readonly Attempt[];
    }[];
  }[];
}

interface Explained extends Loading {
  readonly succeeds: boolean;
  /** All paths, in order. */
  readonly tried: readonly string[];
}

function explained(root: string, path: string, environment: Environment): Explained {
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
    tried: needs.flatMap(({ attempts }) => attempts.filter(({ tried }) => tried).map((attempt) => attempt.path)),
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
    const compare = (chosen: readonly Environment[]): void => {
      for (const path of programs) {
        for (const environment of chosen) {
          const told = observed(root, path, environment);
          const { succeeds, tried: _, ...ours } = explained(root, path, environment);
          expect(ours, `${path} ${JSON.stringify(environment)}`).toEqual(told);
          expect(start.run(root, path, environment).status, path).toBe(succeeds ? 0 : 127);
          lookups += told.lookups.length;
        }
      }
    };
    compare(environments);
    makeStale(root, seed);
    compare(environments.slice(1, 3));
    expect(lookups).toBeGreaterThan(200);
  });
});

/** Files of preloaded libraries whose comments the dynamic linkers do not all find. */
const preloadFiles = [
  "# a long first comment that is here\n# another one\n# /d/liba.so\n/d/libb.so\n",
  "# a long first comment that is here\n#/d/libb.so\n# x /d/liba.so y",
  "/d/libb.so\0none /d/liba.so",
  "/d/libb.so /d/liba.so #x",
];

describe.each(["bullseye", "bookworm", "trixie"] as const)("more of the dynamic linker of %s", (suite) => {
  test("what stands for a library by DT_FILTER, and what is preloaded", (ctx) => {
    if (missing !== undefined) return ctx.skip(missing);
    const root = join(work, `more-${suite}`);
    copyLinker(debianRoot({ suite }), root);
    const stubs = new StubLinker(`${root}-work`);
    const plain = { soname: undefined, needed: [], path: undefined, noDefaults: false };
    const place = (path: string, more: Partial<Description>): void => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      copyFileSync(stubs.library(basename(path), { ...plain, soname: basename(path), ...more }), join(root, path));
    };
    const of = (kind: "rpath" | "runpath", value: string) => ({ kind, value });
    place("/d/liba.so", { filter: "libf.so", auxiliary: "libg.so", path: of("runpath", "/d") });
    place("/d/libb.so", { needed: ["libx.so", "liby.so"], path: of("runpath", "/of-b") });
    place("/d/libf.so", { needed: ["libx.so"], path: of("runpath", "/of-f") });
    place("/d/libg.so", { needed: ["liby.so"], path: of("runpath", "/of-g") });
    for (const path of ["/of-b/libx.so", "/of-f/libx.so", "/of-b/liby.so", "/of-g/liby.so"]) place(path, {});
    const needed = { ...plain, needed: ["liba.so", "libb.so"], path: of("rpath", "/d") };
    copyFileSync(stubs.program("program", needed, false), join(root, "usr/bin/program"));
    const compare = (environment: Environment): void => {
      const told = observed(root, "/usr/bin/program", environment);
      const ours = explained(root, "/usr/bin/program", environment);
      expect(ours.lookups, JSON.stringify(environment)).toEqual(told.lookups);
      // The real one lists what stands for a library before it.
      expect([...ours.loaded].sort(), JSON.stringify(environment)).toEqual([...told.loaded].sort());
    };
    for (const preload of [
      "",
      "/d/libg.so\n/d/libf.so",
      "/d/libg.so\t/d/libf.so",
      "$ORIGIN/../../d/libg.so",
      "$PLATFORM",
    ])
      compare(preload === "" ? {} : { LD_PRELOAD: preload });
    for (const content of preloadFiles) {
      writeFileSync(join(root, "etc/ld.so.preload"), content);
      compare({});
    }
  });
});

/** Files in the place of a library, by what is wrong with them. */
function brokenFiles(stubs: StubLinker, folder: string): Readonly<Record<string, Uint8Array | undefined>> {
  const nothing = { soname: undefined, needed: ["libc.so.6"], path: undefined, noDefaults: false };
  const library = readFileSync(stubs.library("whole", { ...nothing, needed: [] }));
  const changed = (at: number, value: number): Uint8Array => {
    const bytes = Uint8Array.from(library);
    bytes[at] = value;
    return bytes;
  };
  return {
    empty: new Uint8Array(0),
    short: library.subarray(0, 40),
    text: Buffer.from("/* GNU ld script */ INPUT(-lx)".padEnd(100)),
    object: readFileSync(join(folder, "empty.o")),
    program: readFileSync(stubs.program("exec", nothing, false)),
    pie: readFileSync(stubs.program("pie", nothing, true)),
    "byte order": changed(5, 2),
    "version of e_ident": changed(6, 2),
    "OS ABI": changed(7, 9),
    "ABI version": changed(8, 1),
    padding: changed(12, 1),
    version: changed(20, 2),
    phentsize: changed(54, 55),
    "headers behind the end": changed(34, 0x7f),
    folder: undefined,
  };
}

describe.each(["bullseye", "bookworm", "trixie"] as const)("broken libraries and the dynamic linker of %s", (suite) => {
  test("both say the same of them", (ctx) => {
    if (missing !== undefined) return ctx.skip(missing);
    const root = join(work, `broken-${suite}`);
    copyLinker(debianRoot({ suite }), root);
    const stubs = new StubLinker(`${root}-work`);
    const needed = { soname: undefined, needed: ["libbroken.so"], path: undefined, noDefaults: false };
    copyFileSync(stubs.program("program", needed, false), join(root, "usr/bin/program"));
    const path = join(root, "usr/lib/libbroken.so");
    for (const [kind, bytes] of Object.entries(brokenFiles(stubs, `${root}-work`))) {
      rmSync(path, { recursive: true, force: true });
      if (bytes === undefined) mkdirSync(path);
      else writeFileSync(path, bytes);
      const told = start.run(root, "/usr/bin/program", {});
      const run = runHook(["ldcache", "explain", "--needed", "/usr/bin/program", "--root", root, "--json"]);
      const { objects } = JSON.parse(run.stdout.toString("latin1")) as Document;
      const { outcome, reason } = objects[0]?.needs[0] ?? {};
      expect([outcome, told.status, run.status], `${kind}: ${told.stderr}`).toEqual(["refused", 127, 1]);
      expect(told.stderr, kind).toContain(`libbroken.so: ${/^[^:]*/.exec(reason ?? "")?.[0]}`);
    }
  });
});

/** The paths that a program's dynamic linker opens, by strace. */
function opened(root: string, path: string, environment: Environment): { status: number | null; paths: string[] } {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const log = join(work, "strace");
  const traced = spawnSync("strace", ["-o", log, "-e", "trace=execve,open", start.launcher, root, path, ...variables], {
    env: {},
  });
  const lines = readFileSync(log, "latin1").split("\n");
  const own = lines.slice(lines.findLastIndex((line) => line.startsWith("execve(")) + 1);
  const paths = own.flatMap((line) => /^open\("([^"]*)", O_RDONLY/.exec(line)?.[1] ?? []);
  return { status: traced.status, paths: paths.filter((each) => !each.endsWith(".path")) };
}

describe("musl's dynamic linker", () => {
  const absent =
    missing ??
    (muslLinker === undefined ? "needs musl-tools" : undefined) ??
    (program("strace") === undefined ? "needs strace" : undefined);

  test.for(seeds)("opens the same files: seed %i", (seed, ctx) => {
    if (absent !== undefined || muslLinker === undefined) return ctx.skip(absent ?? "");
    const root = join(work, `musl-${seed}`);
    mkdirSync(join(root, "lib"), { recursive: true });
    mkdirSync(join(root, "etc"));
    copyFileSync(muslLinker, join(root, muslLinker));
    const { programs, environments } = makeLoaderTree(root, `${root}-work`, seed, muslLinker);
    let files = 0;
    for (const folders of [undefined, "/opt/c:/opt/none\n\n/opt/d/\n"]) {
      if (folders !== undefined) writeFileSync(join(root, "etc/ld-musl-x86_64.path"), folders);
      for (const path of programs) {
        for (const environment of environments) {
          const { status, paths } = opened(root, path, environment);
          const ours = explained(root, path, environment);
          expect(ours.tried, `${path} ${JSON.stringify(environment)}`).toEqual(paths);
          expect(status).toBe(ours.succeeds ? 0 : 127);
          files += paths.length;
        }
      }
    }
    expect(files).toBeGreaterThan(200);
  });
});
