/**
 * NVIDIAScape (CVE-2025-23266) as it happens: runc (up to 1.2) gives a createContainer hook whose entry has no `env` the
 * environment of the image, with the image's root as working directory. Every image here holds what leaves a mark on the
 * host when it is loaded or run. A dynamic program as hook leaves it, with `env` in its entry it does not; the executable
 * leaves none either way.
 */
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { basename, join } from "node:path";
import fsExtra from "fs-extra";
import { beforeEach, describe, expect, type TestContext, test } from "vitest";
import { writeBundle } from "../support/bundle.ts";
import { program } from "../support/debian-root.ts";
import { executablePath } from "../support/executable.ts";
import { crun, runc, type Runtime } from "../support/runtimes.ts";
import { scratchDirectory } from "../support/scratch.ts";
import { absentPeer } from "../support/tally.ts";

interface Hook {
  readonly path: string;
  readonly args: readonly string[];
  readonly env?: readonly string[];
}

/** Loaded by whatever way, it leaves its mark. */
const evilLibrary = `
#include <fcntl.h>
#include <unistd.h>
__attribute__((constructor)) static void mark(void) { close(open(MARK, O_CREAT | O_WRONLY, 0644)); }
unsigned la_version(unsigned version) { return version; }
int harmless(void) { return 0; }
int gconv_init(void *step) { (void)step; return 0; }
int gconv(void) { return 0; }
`;
/** As honest as a dynamic program can be: it has a library of its own, converts text, and can trace its memory. */
const honestProgram = `
#include <iconv.h>
#include <mcheck.h>
#include <stdlib.h>
int harmless(void);
int main(void) { mtrace(); free(malloc(1)); iconv_open("EVIL", "UTF-8"); return harmless(); }
`;

let top: string;
let root: string;
let mark: string;
/** The honest dynamic program. */
let honest: string;
/** The executable under its name in specs. */
let hookPath: string;

const put = (path: string, text: string, mode = 0o644): void => {
  fsExtra.outputFileSync(path, text);
  chmodSync(path, mode);
};

beforeEach((context: TestContext) => {
  for (const runtime of [runc, crun]) {
    const reason = runtime.missing();
    if (reason !== undefined) context.skip(reason);
  }
  const busybox = program("busybox");
  if (busybox === undefined) context.skip("needs busybox");
  if (program("gcc") === undefined) context.skip("needs gcc");
  top = scratchDirectory();
  root = join(top, "root");
  mark = join(top, "mark");
  honest = join(top, "honest");
  hookPath = join(top, "nvidia-cdi-hook");
  symlinkSync(executablePath, hookPath);
  for (const folder of ["bin", "proc", "dev", "evil", "etc", "usr/lib/driver"]) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  copyFileSync(busybox ?? "", join(root, "bin/busybox"));

  const gcc = (...args: string[]): unknown => execFileSync("gcc", ["-w", ...args]);
  put(join(top, "evil.c"), evilLibrary);
  put(join(top, "honest.c"), honestProgram);
  put(join(top, "harmless.c"), "int harmless(void) { return 0; }");
  mkdirSync(join(top, "lib"));
  gcc("-shared", "-fPIC", "-o", join(top, "lib/libharmless.so"), join(top, "harmless.c"));
  gcc("-o", honest, join(top, "honest.c"), `-L${top}/lib`, "-lharmless", `-Wl,-rpath,${top}/lib`);
  gcc("-shared", "-fPIC", `-DMARK="${mark}"`, "-o", join(root, "evil/libharmless.so"), join(top, "evil.c"));
  copyFileSync(join(root, "evil/libharmless.so"), join(root, "evil.so"));
  copyFileSync(join(root, "evil/libharmless.so"), join(root, "evil/EVIL.so"));
  put(join(root, "evil/gconv-modules"), "module EVIL// INTERNAL EVIL 1\nmodule INTERNAL EVIL// EVIL 1\n");
  put(join(root, "evil.sh"), `echo > ${mark}\n`);
  put(join(root, "evil.cjs"), `require("fs").writeFileSync(${JSON.stringify(mark)}, "");\n`);
  for (const name of ["ldconfig", "ldconfig.real", "nvidia-ctk", "nvidia-cdi-hook"]) {
    put(join(root, "evil", name), `#!/bin/sh\necho > ${mark}\n`, 0o755);
  }
});

/** Starts a container of an image with these variables and these createContainer hooks, and expects that it runs. */
function start(runtime: Runtime, image: readonly string[], hooks: readonly Hook[]): void {
  const bundle = join(top, "bundle");
  writeBundle(bundle, { root, readonly: false, args: ["/bin/busybox", "true"] });
  const path = join(bundle, "config.json");
  const config = JSON.parse(readFileSync(path, "utf8")) as { process: { env: readonly string[] }; hooks?: unknown };
  config.process.env = image;
  config.hooks = { createContainer: hooks };
  put(path, JSON.stringify(config));
  const { status, stderr } = runtime.run(bundle);
  expect({ status, stderr }).toMatchObject({ status: 0 });
}

function isMarked(): boolean {
  const marked = existsSync(mark);
  rmSync(mark, { force: true });
  return marked;
}

const env = ["NVIDIA_CTK_DEBUG=false"];

/** What a spec calls, and what a mistaken one may. */
function ourHooks(): readonly Hook[] {
  const hook = (...args: string[]): Hook => ({ path: hookPath, args: ["nvidia-cdi-hook", ...args] });
  const links = ["create-symlinks", "--link", "libcuda.so.1::/usr/lib/driver/libcuda.so"];
  const cache = ["update-ldcache", "--folder", "/usr/lib/driver", "--ldconfig-path", "/proc/self/cwd/evil/ldconfig"];
  return [
    hook(...links),
    hook(...cache),
    hook("enable-cuda-compat", "--host-driver-version", "999.1"),
    hook("chmod", "--mode", "755", "--path", "/usr/lib/driver"),
    hook("disable-device-node-modification"),
    hook("chain", ...links, "--", ...cache),
    hook("unknown-hook"),
    { path: hookPath, args: ["nvidia-ctk", "hook", ...cache] },
    { path: hookPath, args: [] },
  ];
}

interface Trick {
  readonly variables: readonly string[];
  /** The dynamic program that falls for it. */
  readonly victim: () => Hook;
}

const host =
  (path: string, ...args: string[]) =>
  (): Hook => ({ path, args: [basename(path), ...args] });
const honestHook = (): Hook => ({ path: honest, args: ["honest"] });

const tricks: readonly Trick[] = [
  { variables: ["LD_PRELOAD=/proc/self/cwd/evil.so"], victim: host("/bin/true") },
  { variables: ["LD_PRELOAD=./evil.so"], victim: host("/bin/bash", "-c", ":") },
  { variables: ["LD_AUDIT=/proc/self/cwd/evil.so"], victim: host("/bin/true") },
  { variables: ["LD_LIBRARY_PATH=/proc/self/cwd/evil"], victim: honestHook },
  { variables: ["LD_LIBRARY_PATH=evil"], victim: honestHook },
  { variables: ["GCONV_PATH=/proc/self/cwd/evil"], victim: honestHook },
  { variables: ["LD_PRELOAD=libc_malloc_debug.so.0", "MALLOC_TRACE=MARK"], victim: honestHook },
  { variables: ["NODE_OPTIONS=--require=/proc/self/cwd/evil.cjs"], victim: host(process.execPath, "-e", "") },
  { variables: ["BASH_ENV=/proc/self/cwd/evil.sh"], victim: host("/bin/bash", "-c", ":") },
  { variables: ["PATH=/proc/self/cwd/evil"], victim: host("/bin/sh", "-c", "ldconfig") },
];

/** runc since 1.3 gives hooks no environment but their own. */
function skipUnlessLeaking(context: TestContext): void {
  const version = /^runc version (\d+)\.(\d+)/.exec(spawnSync("runc", ["--version"], { encoding: "utf8" }).stdout);
  if (version !== null && Number(version[1]) === 1 && Number(version[2]) <= 2) return;
  context.skip(`${absentPeer}a runc that gives hooks the image's environment`);
}

const withMark = (variables: readonly string[]): readonly string[] =>
  variables.map((variable) => variable.replace("MARK", mark));

describe.each(tricks)("CVE-2025-23266: $variables", ({ variables, victim }) => {
  test("control: a dynamic program as hook runs what is the image's, unless its entry has `env`", (context) => {
    skipUnlessLeaking(context);
    const image = withMark(variables);
    start(runc, image, [victim()]);
    expect(isMarked()).toBe(true);
    start(runc, image, [{ ...victim(), env }]);
    expect(isMarked()).toBe(false);
  });

  test("the executable as hook does not, without `env` and with it", () => {
    const image = withMark(variables);
    start(runc, image, ourHooks());
    expect(isMarked()).toBe(false);
    expect(readlinkSync(join(root, "usr/lib/driver/libcuda.so"))).toBe("libcuda.so.1");
    expect(existsSync(join(root, "etc/ld.so.cache"))).toBe(true);
    start(
      runc,
      image,
      ourHooks().map((hook) => ({ ...hook, env })),
    );
    expect(isMarked()).toBe(false);
  });
});

test.each([runc, crun])("CVE-2025-23266: everything at once, on $name", (runtime) => {
  const image = withMark([
    ...new Set(tricks.flatMap(({ variables }) => variables)),
    "LD_DEBUG=all",
    "LD_DEBUG_OUTPUT=MARK",
    "LD_PROFILE=libharmless.so",
    "MALLOC_CHECK_=3",
    "MALLOC_PERTURB_=165",
    "GLIBC_TUNABLES=glibc.malloc.check=3",
    "LOCPATH=/proc/self/cwd/evil",
    "ENV=/proc/self/cwd/evil.sh",
  ]);
  for (const hooks of [ourHooks(), ourHooks().map((hook) => ({ ...hook, env }))]) {
    start(runtime, image, hooks);
    expect(isMarked()).toBe(false);
  }
});
