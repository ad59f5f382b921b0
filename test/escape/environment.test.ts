/**
 * CVE-2025-23266 ("NVIDIAScape"): a hook whose spec entry has no `env` gets the environment of the container's image, with
 * the root filesystem as its working directory. What turns a dynamic program into the attacker's must not touch ours; a
 * dynamic program in the same place shows that it would.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, type TestContext, test } from "vitest";
import { driverFolder, HostileRoot } from "../support/hostile-root.ts";
import { traceHook } from "../support/strace.ts";

/** Leaves its mark as soon as it is loaded, by whatever asks for it. */
const evil = `
#include <fcntl.h>
#include <unistd.h>
#include <stdlib.h>
__attribute__((constructor)) static void mark(void) {
  const char *path = getenv("MARK");
  if (path) close(open(path, O_CREAT | O_WRONLY, 0644));
}
unsigned la_version(unsigned version) { return version; }
int harmless(void) { return 0; }
int gconv_init(void *step) { (void)step; return 0; }
int gconv(void) { return 0; }
`;
/** Needs a library of its own, and converts text, as an honest dynamic program may. */
const victim = `
#include <iconv.h>
int harmless(void);
int main(void) { iconv_open("EVIL", "UTF-8"); return harmless(); }
`;

let root: HostileRoot;
let mark: string;

beforeEach((context: TestContext) => {
  if (spawnSync("gcc", ["--version"]).status !== 0) context.skip("needs gcc");
  root = new HostileRoot();
  mark = join(root.outside, "mark");
  const [source, main, honest] = ["evil.c", "victim.c", "honest.c"].map((name) => join(root.top, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(honest, "int harmless(void) { return 0; }");
  writeFileSync(source, evil);
  writeFileSync(main, victim);
  root.folder("evil").folder("honest");
  const gcc = (...args: string[]): unknown => execFileSync("gcc", ["-w", ...args]);
  gcc("-shared", "-fPIC", "-o", root.at("evil/libharmless.so"), source);
  gcc("-shared", "-fPIC", "-o", root.at("honest/libharmless.so"), honest);
  gcc("-o", join(root.top, "victim"), main, `-L${root.at("evil")}`, "-lharmless", `-Wl,-rpath,${root.at("honest")}`);
  execFileSync("cp", [root.at("evil/libharmless.so"), root.at("evil.so")]);
  execFileSync("cp", [root.at("evil/libharmless.so"), root.at("evil/EVIL.so")]);
  root.file("evil/gconv-modules", "module EVIL// INTERNAL EVIL 1\nmodule INTERNAL EVIL// EVIL 1\n");
});

const variables: readonly [string, string][] = [
  ["LD_PRELOAD", "/proc/self/cwd/evil.so"],
  ["LD_PRELOAD", "./evil.so"],
  ["LD_AUDIT", "/proc/self/cwd/evil.so"],
  ["LD_LIBRARY_PATH", "/proc/self/cwd/evil"],
  ["LD_LIBRARY_PATH", "evil"],
  ["GCONV_PATH", "/proc/self/cwd/evil"],
];

const hooks: readonly (readonly string[])[] = [
  ["create-symlinks", "--link", `libcuda.so.1::${driverFolder}/libcuda.so`],
  ["update-ldcache", "--folder", driverFolder],
  ["noop"],
  ["--version"],
  ["--help"],
];

describe.each(variables)("CVE-2025-23266: %s=%s, in the root, without an environment of its own", (name, value) => {
  test("control: a dynamic program is the attacker's", () => {
    spawnSync(join(root.top, "victim"), { cwd: root.path, env: { [name]: value, MARK: mark } });
    expect(existsSync(mark)).toBe(true);
    rmSync(mark);
  });

  test("the hooks are not", () => {
    const env = { [name]: value, MARK: mark };
    for (const args of hooks) {
      const result = root.attack(args, { env, cwd: root.path });
      expect([result.status, existsSync(mark)], args.join(" ")).toEqual([0, false]);
    }
    root.expectCache();
  });
});

describe("CVE-2025-23266", () => {
  const everything: Readonly<Record<string, string>> = {
    LD_PRELOAD: "/proc/self/cwd/evil.so",
    LD_AUDIT: "/proc/self/cwd/evil.so",
    LD_LIBRARY_PATH: "/proc/self/cwd/evil",
    LD_DEBUG: "all",
    LD_DEBUG_OUTPUT: "/proc/self/cwd/evil/debug",
    LD_PROFILE: "libharmless.so",
    LD_ORIGIN_PATH: "/proc/self/cwd/evil",
    GCONV_PATH: "/proc/self/cwd/evil",
    LOCPATH: "/proc/self/cwd/evil",
    NLSPATH: "/proc/self/cwd/evil/%N",
    RESOLV_HOST_CONF: "/etc/shadow",
    HOSTALIASES: "/etc/shadow",
    TZDIR: "/proc/self/cwd/evil",
    TZ: ":/proc/self/cwd/evil/gconv-modules",
    MALLOC_TRACE: "/proc/self/cwd/evil/trace",
    MALLOC_CHECK_: "3",
    MALLOC_PERTURB_: "165",
    GLIBC_TUNABLES: "glibc.malloc.check=3:glibc.malloc.mxfast=glibc.malloc.mxfast=A",
    TMPDIR: "/proc/self/cwd/evil",
    HOME: "/proc/self/cwd/evil",
    PATH: "/proc/self/cwd/evil",
    IFS: "/",
    ENV: "/proc/self/cwd/evil/gconv-modules",
    BASH_ENV: "/proc/self/cwd/evil/gconv-modules",
    NODE_OPTIONS: "--require=/proc/self/cwd/evil.so",
    BUN_OPTIONS: "--preload=/proc/self/cwd/evil.so",
    GOTRACEBACK: "crash",
    GODEBUG: "execerrdot=0",
    QJS_LIB_DIR: "/proc/self/cwd/evil",
    PYTHONPATH: "/proc/self/cwd/evil",
    OPENSSL_CONF: "/proc/self/cwd/evil/gconv-modules",
    DEBUG: "*",
    FORCE_COLOR: "1",
    COLUMNS: "9999999",
  };

  test("with an environment full of tricks, the system calls are the same as with none", (context) => {
    if (!existsSync("/usr/bin/strace")) context.skip("needs strace");
    for (const args of hooks.slice(0, 3)) {
      // Before, so that both find the same; a link to a link that the first run makes is in the cache of the second.
      root.attack(args);
      root.attack(args);
      const options = { trace: "all", cwd: root.path };
      const plain = traceHook(root.path, args, options).map(anonymous);
      const tricked = traceHook(root.path, args, { ...options, env: everything }).map(anonymous);
      expect(tricked, args.join(" ")).toEqual(plain);
    }
  });

  test("and so is what is printed", () => {
    for (const args of [...hooks, ["unknown-hook"], ["create-symlinks", "--link", "malformed"]]) {
      const plain = root.attack(args, { cwd: root.path });
      const tricked = root.attack(args, { cwd: root.path, env: everything });
      expect([tricked.status, tricked.stderr, String(tricked.stdout)]).toEqual([
        plain.status,
        plain.stderr,
        String(plain.stdout),
      ]);
    }
  });

  test("our own variables, with values that are none, change nothing but what is logged", () => {
    const values = ["true", "yes", "", "../../etc/shadow", "\u001b[31m", "%n%n", "x".repeat(100_000)];
    for (const value of values) {
      const env = {
        NVIDIA_CTK_DEBUG: value,
        NVIDIA_CDI_DEBUG: value,
        NVIDIA_CTK_QUIET: value,
        CDI_HOOK_LOG_FORMAT: value,
        CDI_HOOK_LOG: value,
        CDI_HOOK_VIEW: value,
        CDI_HOOK_ON_READ_ONLY: value,
      };
      const result = root.attack(["update-ldcache", "--folder", driverFolder], { env, cwd: root.path });
      expect(result.status, result.stderr).toBe(0);
    }
    root.expectCache();
  });

  test("an environment of a megabyte", () => {
    const env = Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`LD_PRELOAD${at}`, "x".repeat(100_000)]));
    const result = root.attack(["update-ldcache", "--folder", driverFolder], { env, addressSpace: 64 << 20 });
    expect(result.status, result.stderr).toBe(0);
  });
});

/** A traced call without what differs from run to run. */
function anonymous(call: string): string {
  return call
    .replace(/\.cdi-hook-\d+-[0-9a-f]{16}/g, "TEMPORARY")
    .replace(/\b0x[0-9a-f]+\b/g, "ADDRESS")
    .replace(/^execve\(.*/, "execve")
    .replace(/^(getpid|kill|getrandom|set_tid_address|fstatfs)\(.*/, "$1")
    .replace(/stx_atime=\{[^}]*\}/g, "")
    .replace(/, left \{[^}]*\}/, "");
}
