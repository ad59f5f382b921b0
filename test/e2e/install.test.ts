/** `install` and `uninstall` of the built executable, on directories and made-up nodes. */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test, type TestContext } from "vitest";
import { fgetxattr, fsetxattr } from "../../src/kernel/extended-attributes.ts";
import { program } from "../support/debian-root.ts";
import { executablePath, runHook, stateFor, type RunResult } from "../support/executable.ts";
import { madeUpNode } from "../support/made-up-node.ts";
import { scratchDirectory } from "../support/scratch.ts";
import { compareListings, listTree } from "../support/tree-listing.ts";

const names = ["cdi-hook", "nvidia-cdi-hook", "nvidia-ctk"];

function needsRoot(context: TestContext): void {
  if (process.getuid?.() !== 0) context.skip("needs root");
}

const output = ({ stdout }: RunResult): string => stdout.toString("latin1");

function succeeding(args: readonly string[], options: Parameters<typeof runHook>[1] = {}): string {
  const result = runHook(args, options);
  expect([result.status, result.stderr], args.join(" ")).toEqual([0, ""]);
  return output(result);
}

/** One line on stderr, status 1, nothing on stdout. */
function failing(args: readonly string[], options: Parameters<typeof runHook>[1] = {}): string {
  const result = runHook(args, options);
  expect([result.status, output(result)], result.stderr).toEqual([1, ""]);
  expect(result.stderr).toMatch(/^cdi-hook: error: [^\n]+\n$/);
  return result.stderr;
}

const digest = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");

/** Another executable that does the same, as one of another version would. */
function otherVersion(): string {
  const path = join(scratchDirectory(), "other");
  copyFileSync(executablePath, path);
  appendFileSync(path, "another version");
  return path;
}

test("installs itself under three names, read-only and root's, and a second time changes nothing", (context) => {
  needsRoot(context);
  const prefix = join(scratchDirectory(), "cdi-hook");
  const told = succeeding(["install", "--prefix", `${prefix}//`]);
  expect(told.match(/: made$/gm)).toHaveLength(3);
  expect(told).toContain(`installed in ${prefix};`);
  const bin = join(prefix, "bin");
  expect(readdirSync(prefix)).toEqual(["bin"]);
  expect(readdirSync(bin)).toEqual(names);
  expect(digest(join(bin, "cdi-hook"))).toBe(digest(executablePath));
  const { mode, uid, gid } = statSync(join(bin, "cdi-hook"));
  expect({ mode: mode & 0o7777, uid, gid }).toEqual({ mode: 0o555, uid: 0, gid: 0 });
  expect(names.slice(1).map((name) => readlinkSync(join(bin, name)))).toEqual(["cdi-hook", "cdi-hook"]);
  for (const name of names) {
    const words = name === "nvidia-ctk" ? ["hook", "noop"] : ["noop"];
    succeeding(words, { executable: join(bin, name), stdin: stateFor("/nowhere") });
  }
  const before = listTree(prefix, { identity: true });
  const again: unknown = JSON.parse(succeeding(["install", "--prefix", prefix, "--json"]));
  expect(again).toEqual({
    version: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
    dryRun: false,
    prefix,
    files: names.map((name) => ({ path: join(bin, name), change: "unchanged" })),
    tried: [],
  });
  expect(compareListings(before, listTree(prefix, { identity: true }))).toEqual([]);
});

test("what was changed is repaired: other bytes, mode, owner, a link to elsewhere, a copy in place of a link", (context) => {
  needsRoot(context);
  const prefix = join(scratchDirectory(), "cdi-hook");
  const bin = join(prefix, "bin");
  const install = ["install", "--prefix", prefix];
  const executable = join(bin, "cdi-hook");
  succeeding(install, { executable: otherVersion() });
  expect(succeeding(install)).toContain("cdi-hook: replaced");
  expect(digest(executable)).toBe(digest(executablePath));
  chmodSync(executable, 0o755);
  expect(succeeding(install)).toContain("cdi-hook: replaced");
  chownSync(executable, 99, 0);
  expect(succeeding(install)).toContain("cdi-hook: replaced");
  spawnSync("cp", ["--remove-destination", executable, join(bin, "nvidia-ctk")]);
  expect(succeeding(install)).toContain("nvidia-ctk: replaced");
  expect(readlinkSync(join(bin, "nvidia-ctk"))).toBe("cdi-hook");
  expect(succeeding(install).match(/: unchanged$/gm)).toHaveLength(3);
});

test("argv[0] and the name of the file say nothing: what is copied is what runs", (context) => {
  needsRoot(context);
  const folder = scratchDirectory();
  const moved = join(folder, "moved");
  const script = `cp "$1" "$2" && exec 9<"$2" && rm "$2" && cp /bin/true "$2" && exec -a /bin/true /proc/self/fd/9 install --prefix "$3"`;
  const { status, stderr } = spawnSync("bash", ["-c", script, "bash", executablePath, moved, join(folder, "prefix")], {
    encoding: "utf8",
  });
  expect([status, stderr]).toEqual([0, ""]);
  expect(digest(join(folder, "prefix/bin/cdi-hook"))).toBe(digest(executablePath));
});

test("--dry-run changes nothing and tells", (context) => {
  needsRoot(context);
  const folder = scratchDirectory();
  const prefix = join(folder, "cdi-hook");
  expect(succeeding(["install", "--prefix", prefix, "--dry-run"]).match(/: would be made$/gm)).toHaveLength(3);
  expect(readdirSync(folder)).toEqual([]);
  succeeding(["install", "--prefix", prefix]);
  const before = listTree(folder, { identity: true });
  expect(succeeding(["uninstall", "--prefix", prefix, "--dry-run"]).match(/: would be removed$/gm)).toHaveLength(3);
  expect(compareListings(before, listTree(folder, { identity: true }))).toEqual([]);
});

test("--destdir makes a package's tree, as anybody", (context) => {
  const folder = scratchDirectory();
  const executable = join(folder, "cdi-hook");
  copyFileSync(executablePath, executable);
  chmodSync(folder, 0o777);
  const as = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  const run = (...args: string[]): ReturnType<typeof spawnSync> => spawnSync(executable, args, { ...as, env: {} });
  expect(run("install", "--destdir", join(folder, "tree/")).status).toBe(0);
  expect(readdirSync(join(folder, "tree/opt/cdi-hook/bin"))).toEqual(names);
  expect(statSync(join(folder, "tree/opt/cdi-hook/bin/cdi-hook")).mode & 0o7777).toBe(0o555);
  for (const relative of ["./tree2", "tree3/a//b"]) {
    const { status, stdout } = spawnSync(executable, ["install", "--destdir", relative], {
      ...as,
      env: {},
      cwd: folder,
      encoding: "utf8",
      timeout: 10_000,
    });
    expect([status, stdout]).toEqual([0, expect.stringContaining(`${relative}/opt/cdi-hook/bin/nvidia-ctk: made\n`)]);
    expect(readdirSync(join(folder, relative, "opt/cdi-hook/bin"))).toEqual(names);
  }
  if (process.getuid?.() !== 0) return context.skip("needs root to be nobody");
  const refused = run("install", "--prefix", join(folder, "prefix"));
  expect(String(refused.stderr)).toMatch(/^cdi-hook: error: install: install: only root can: [^\n]+\n$/);
  expect([refused.status, readdirSync(folder).sort()]).toEqual([1, ["cdi-hook", "tree", "tree2", "tree3"]]);
});

test("refused: programs of others, folders where programs are looked for, and places that others may change", (context) => {
  needsRoot(context);
  const folder = scratchDirectory();
  const install = (prefix: string): string => failing(["install", "--prefix", prefix]);
  const foreign = join(folder, "foreign/bin");
  mkdirSync(foreign, { recursive: true });
  writeFileSync(join(foreign, "nvidia-ctk"), "#!/bin/sh\n", { mode: 0o755 });
  expect(install(join(folder, "foreign"))).toContain(`${foreign}/nvidia-ctk: it is not of cdi-hook`);
  mkdirSync(join(folder, "linked/bin"), { recursive: true });
  symlinkSync("/usr/bin/true", join(folder, "linked/bin/nvidia-cdi-hook"));
  expect(install(join(folder, "linked"))).toContain("it is not of cdi-hook");
  expect(install("/usr")).toContain("programs are looked for there");
  mkdirSync(join(folder, "alias"));
  symlinkSync("/usr/local/bin", join(folder, "alias/bin"));
  expect(install(join(folder, "alias"))).toContain("programs are looked for there");
  mkdirSync(join(folder, "open"));
  chmodSync(join(folder, "open"), 0o777);
  expect(install(join(folder, "open/cdi-hook"))).toContain(`others than root may change ${join(folder, "open")},`);
  mkdirSync(join(folder, "his"));
  chownSync(join(folder, "his"), 1000, 1000);
  expect(install(join(folder, "his"))).toContain("others than root may change");
  expect(install(join(folder, "no/where"))).toContain("is not there; make it first");
  for (const bad of ["", "relative", "/", "/a/../b"]) expect(install(bad)).toContain("parse --prefix");
  const left = spawnSync("find", [folder, "-mindepth", "1", "-printf", "%P\n"], { encoding: "utf8" });
  const files = ["alias", "alias/bin", "foreign", "foreign/bin", "foreign/bin/nvidia-ctk", "his", "linked"];
  expect(left.stdout.split("\n").slice(0, -1).sort()).toEqual(
    [...files, "linked/bin", "linked/bin/nvidia-cdi-hook", "open"].sort(),
  );
});

/** Mounts on a made-up node, in a mount namespace of its own, then the executable with `--root` and the words. */
function onNode(
  node: string,
  mounts: readonly string[],
  words: readonly string[],
  after = "",
): RunResult & { after: string } {
  const script = `set -e; N=$1; E=$2; shift 2; ${mounts.map((mount) => `mount ${mount}`).join("; ")}
    set +e; "$E" "$@" --root "$N"; status=$?; ${after}
    exit $status`;
  const result = spawnSync(
    "unshare",
    ["--mount", "--propagation", "private", "sh", "-c", script, "sh", node, executablePath, ...words],
    { encoding: "latin1", timeout: 60_000, env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" } },
  );
  const [stdout = "", ...rest] = result.stdout.split("AFTER\n");
  return {
    status: result.status,
    signal: result.signal,
    stdout: Buffer.from(stdout, "latin1"),
    stderr: result.stderr,
    timedOut: false,
    ms: 0,
    after: rest.join(""),
  };
}

test.for([
  ["full: no room for the file", "-t tmpfs -o size=64k tmpfs $N/opt", /no space left on device \(ENOSPC\)/],
  ["full: no inode", "-t tmpfs -o nr_inodes=2 tmpfs $N/opt", /no space left on device \(ENOSPC\)/],
  ["noexec", "-t tmpfs -o noexec tmpfs $N/opt", /its file system is mounted noexec/],
  ["read-only", "-t tmpfs -o ro tmpfs $N/opt", /read-only file system \(EROFS\)/],
] as const)(
  "a file system that is %s: one line that names another prefix, and nothing is left",
  ([kind, mount, reason], context) => {
    needsRoot(context);
    const node = madeUpNode();
    const run = onNode(node, [mount], ["install"], "echo AFTER; find $N/opt -mindepth 1");
    expect(run.stderr).toMatch(reason);
    expect(run.stderr).toMatch(/^cdi-hook: error: install: [^\n]*; --prefix \/usr\/local\/cdi-hook may work\n$/);
    expect([run.status, output(run), run.after]).toEqual([1, "", ""]);
    const dry = onNode(node, [mount], ["install", "--dry-run"]);
    expect([dry.status, dry.stderr.split("\n").length], dry.stderr).toEqual(kind.startsWith("full") ? [0, 1] : [1, 2]);
  },
);

test("a running installation on a file system that is full by now stays as it is", (context) => {
  needsRoot(context);
  const node = madeUpNode();
  const run = onNode(
    node,
    ["-t tmpfs -o size=4m tmpfs $N/opt"],
    ["install"],
    `other=$N/other; cp $E $other; echo x >>$other
     head -c 4m /dev/zero >$N/opt/filler 2>/dev/null
     $other install --root $N && echo "no error"
     echo AFTER; ls $N/opt/cdi-hook/bin; cmp $E $N/opt/cdi-hook/bin/cdi-hook && echo same`,
  );
  expect(run.stderr).toMatch(/^cdi-hook: error: install: write beside [^\n]*ENOSPC[^\n]*\n$/);
  expect(run.after).toBe(`${names.join("\n")}\nsame\n`);
});

test("--prefix auto: the first place that works, and why the others do not; it stays there", (context) => {
  needsRoot(context);
  const node = madeUpNode();
  const mounts = ["-t tmpfs -o noexec tmpfs $N/opt", "-t tmpfs -o ro tmpfs $N/usr/local"];
  const run = onNode(node, mounts, ["install", "--prefix", "auto", "--json"]);
  expect([run.status, run.stderr]).toEqual([0, ""]);
  expect(JSON.parse(output(run))).toMatchObject({
    prefix: "/var/lib/cdi-hook",
    tried: [
      { prefix: "/opt/cdi-hook", reason: expect.stringContaining("noexec") as string },
      { prefix: "/usr/local/cdi-hook", reason: expect.stringContaining("EROFS") as string },
    ],
  });
  expect(readdirSync(join(node, "var/lib/cdi-hook/bin"))).toEqual(names);
  const again = JSON.parse(succeeding(["install", "--prefix", "auto", "--json", "--root", node])) as unknown;
  expect(again).toMatchObject({ prefix: "/var/lib/cdi-hook", tried: [] });
  succeeding(["uninstall", "--prefix", "auto", "--root", node]);
  expect(readdirSync(join(node, "var/lib"))).toEqual([]);
  const nowhere = ["opt", "usr/local", "var/lib", "run"].map((place) => `-t tmpfs -o ro tmpfs $N/${place}`);
  const failed = onNode(node, nowhere, ["install", "--prefix", "auto"]);
  expect(failed.status).toBe(1);
  expect(failed.stderr).toMatch(/^cdi-hook: error: install: install: no prefix works: [^\n]+\n$/);
});

test("where SELinux is, the file and its directories get the label that programs have", (context) => {
  needsRoot(context);
  const node = madeUpNode();
  const attribute = (path: string, value?: string): string | number => {
    const file = openSync(join(node, path), "r");
    try {
      if (value !== undefined) return fsetxattr(file, "security.selinux", Buffer.from(value));
      const found = fgetxattr(file, "security.selinux");
      return typeof found === "number" ? found : Buffer.from(found).toString();
    } finally {
      closeSync(file);
    }
  };
  const label = "system_u:object_r:bin_t:s0\0";
  if (attribute("usr/bin", label) !== 0) context.skip("needs a kernel that stores labels in /tmp");
  succeeding(["install", "--root", node]);
  expect(attribute("opt/cdi-hook/bin/cdi-hook")).toBe(-61);
  succeeding(["uninstall", "--root", node]);
  mkdirSync(join(node, "sys/fs/selinux"), { recursive: true });
  writeFileSync(join(node, "sys/fs/selinux/enforce"), "1");
  succeeding(["install", "--root", node]);
  for (const path of ["opt/cdi-hook", "opt/cdi-hook/bin", "opt/cdi-hook/bin/cdi-hook"]) {
    expect(attribute(path), path).toBe(label);
  }
});

test("power-loss order: bytes on the disk, then started, then renamed, then the directory on the disk", (context) => {
  needsRoot(context);
  if (program("strace") === undefined) context.skip("needs strace");
  const folder = scratchDirectory();
  const trace = join(folder, "trace");
  const run = spawnSync(
    "strace",
    [
      "-o",
      trace,
      "-f",
      "-qq",
      "-y",
      "-e",
      "trace=fsync,renameat2,execve,symlinkat,mkdirat,write",
      "-e",
      "signal=none",
    ].concat([executablePath, "install", "--prefix", join(folder, "p")]),
    { encoding: "utf8" },
  );
  expect([run.status, run.stderr]).toEqual([0, ""]);
  const steps = readFileSync(trace, "latin1")
    .replaceAll(folder, "")
    .replaceAll(/\.cdi-hook-\d+-[0-9a-f]{16}/g, "TEMPORARY")
    .split("\n")
    .flatMap((line) => {
      const [, call = "", first = "", second = ""] =
        /^\d+ +(\w+)\((?:\d+<|AT_FDCWD<[^>]*>, )?"?([^">,]*)[">]*(?:, "(TEMPORARY)")?/.exec(line) ?? [];
      const ours = /^\/p|^cdi-hook$|^$/.test(first) && call !== "exit_group";
      return call !== "" && ours ? [`${call} ${first} ${second}`.trim()] : [];
    });
  expect(steps.filter((step, at) => step !== steps[at - 1])).toEqual([
    "mkdirat /p",
    "fsync",
    "mkdirat /p/bin",
    "fsync /p",
    "write /p/bin/TEMPORARY",
    "fsync /p/bin/TEMPORARY",
    "execve /p/bin/TEMPORARY",
    "renameat2 /p/bin TEMPORARY",
    "fsync /p/bin",
    "symlinkat cdi-hook",
    "renameat2 /p/bin TEMPORARY",
    "fsync /p/bin",
    "symlinkat cdi-hook",
    "renameat2 /p/bin TEMPORARY",
    "fsync /p/bin",
  ]);
});

test("killed before the rename: the old one is whole, and the next installation clears up", (context) => {
  needsRoot(context);
  if (program("strace") === undefined) context.skip("needs strace");
  const prefix = join(scratchDirectory(), "p");
  const bin = join(prefix, "bin");
  succeeding(["install", "--prefix", prefix], { executable: otherVersion() });
  const before = digest(join(bin, "cdi-hook"));
  spawnSync("strace", [
    "-o/dev/null",
    "-qq",
    "-einject=renameat2:signal=KILL:when=1",
    executablePath,
    "install",
    `--prefix=${prefix}`,
  ]);
  expect(readdirSync(bin).filter((name) => /^\.cdi-hook-\d+-[0-9a-f]{16}$/.test(name))).toHaveLength(1);
  expect(digest(join(bin, "cdi-hook"))).toBe(before);
  succeeding(["install", "--prefix", prefix]);
  expect(readdirSync(bin)).toEqual(names);
  expect(digest(join(bin, "cdi-hook"))).toBe(digest(executablePath));
});

const pause = async (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const replacements = 50;
/** Hooks between two replacements, at least; 100 a second when a replacement takes its 50 ms. */
const hooksEach = 8;

test("hooks run all the time while the installation is replaced fifty times: none fails, nobody reads a partial file", async (context) => {
  needsRoot(context);
  const folder = scratchDirectory();
  const root = join(folder, "root");
  mkdirSync(join(root, "usr/lib"), { recursive: true });
  const prefix = join(folder, "p");
  const bin = join(prefix, "bin");
  const versions = [executablePath, otherVersion()];
  const whole = new Set(versions.map(digest));
  succeeding(["install", "--prefix", prefix]);
  const faults: string[] = [];
  const load = { hooks: 0, ended: false };
  const asHook = async (name: string, number: number): Promise<void> => {
    const words = name === "nvidia-ctk" ? ["hook"] : [];
    const args = [...words, "create-symlinks", "--link", `libcuda.so.1::/usr/lib/libcuda.so.${number % 10}`];
    const status = await new Promise((resolve) => {
      const child = spawn(join(bin, name), args, { env: {}, argv0: name, stdio: ["pipe", "ignore", "pipe"] });
      child.stderr.on("data", (text) => faults.push(String(text)));
      child.stdin.on("error", () => undefined);
      child.on("error", (error) => faults.push(error.message));
      child.on("close", resolve);
      child.stdin.end(stateFor(root));
    });
    load.hooks += 1;
    if (status !== 0) faults.push(`${name}: status ${String(status)}`);
    if (!whole.has(digest(join(bin, "cdi-hook")))) faults.push("a partial file");
  };
  const stream = async (first: number): Promise<void> => {
    for (let number = first; !load.ended; number += 2) await asHook(names[number % names.length] ?? "", number);
  };
  const streams = [stream(0), stream(1)];
  for (let round = 1; round <= replacements; round++) {
    const told = await new Promise<string>((resolve) => {
      const child = spawn(versions[round % 2] ?? "", ["install", "--prefix", prefix], { env: {} });
      let text = "";
      for (const pipe of [child.stdout, child.stderr]) pipe.on("data", (piece) => (text += String(piece)));
      child.on("close", () => resolve(text));
    });
    if (!told.includes("cdi-hook: replaced")) faults.push(told);
    while (load.hooks < round * hooksEach && faults.length === 0) await pause(5);
  }
  load.ended = true;
  await Promise.all(streams);
  expect(faults).toEqual([]);
  expect(load.hooks).toBeGreaterThanOrEqual(replacements * hooksEach);
  expect(readdirSync(bin)).toEqual(names);
});

test("installers in two pid namespaces, which take each other's temporary files for leftovers, both succeed", async (context) => {
  needsRoot(context);
  const prefix = join(scratchDirectory(), "p");
  const versions = [executablePath, otherVersion()];
  const rounds =
    'n=0; while [ $n -lt 15 ]; do "$1" install --prefix "$2" >/dev/null || exit 1; "$3" install --prefix "$2" >/dev/null || exit 1; n=$((n+1)); done';
  const installer = async (first: number): Promise<string> =>
    new Promise((resolve) => {
      const words = ["--pid", "--fork", "--mount-proc", "sh", "-c", rounds, "sh"];
      const child = spawn("unshare", [...words, versions[first] ?? "", prefix, versions[1 - first] ?? ""]);
      let text = "";
      child.stderr.on("data", (piece) => (text += String(piece)));
      child.on("close", (status) => resolve(`${text}${String(status)}`));
    });
  expect(await Promise.all([installer(0), installer(1)])).toEqual(["0", "0"]);
  expect(readdirSync(join(prefix, "bin"))).toEqual(names);
});

test("uninstall leaves no trace, and nothing to do is no failure", (context) => {
  needsRoot(context);
  const node = madeUpNode();
  const before = listTree(node);
  succeeding(["install", "--root", node]);
  writeFileSync(join(node, "opt/cdi-hook/bin/.cdi-hook-4194305-0123456789abcdef"), "left by a killed installation");
  mkdirSync(join(node, "var/lib/cdi-hook/originals"), { recursive: true });
  expect(succeeding(["uninstall", "--root", node]).match(/: removed$/gm)).toHaveLength(8);
  expect(compareListings(before, listTree(node))).toEqual([]);
  expect(succeeding(["uninstall", "--root", node])).toContain("nothing of cdi-hook is installed there");
});

test("uninstall that may not remove the executable removes nothing", (context) => {
  needsRoot(context);
  if (program("strace") === undefined) context.skip("needs strace");
  const folder = scratchDirectory();
  succeeding(["install", "--prefix", join(folder, "p")]);
  const before = listTree(folder, { identity: true });
  const injected = ["-o/dev/null", "-qq", "-einject=unlinkat:error=EPERM:when=1", executablePath, "uninstall"];
  const { status, stderr } = spawnSync("strace", [...injected, `--prefix=${join(folder, "p")}`], { encoding: "utf8" });
  expect([status, stderr]).toEqual([1, expect.stringMatching(/^cdi-hook: error: uninstall: remove .*EPERM\)\n$/)]);
  expect(compareListings(before, listTree(folder, { identity: true }))).toEqual([]);
});

test("uninstall keeps what is not ours and says so", (context) => {
  needsRoot(context);
  const node = madeUpNode();
  succeeding(["install", "--root", node]);
  const bin = join(node, "opt/cdi-hook/bin");
  spawnSync("rm", [join(bin, "nvidia-ctk")]);
  writeFileSync(join(bin, "nvidia-ctk"), "#!/bin/sh\n");
  const told = succeeding(["uninstall", "--root", node]);
  expect(told).toContain("/opt/cdi-hook/bin/nvidia-ctk: kept, not of cdi-hook");
  expect(told).toContain("/opt/cdi-hook/bin: kept, not empty");
  expect(readdirSync(bin)).toEqual(["nvidia-ctk"]);
});

test.for([
  ["a JSON spec", "etc/cdi/a.json", (path: string) => JSON.stringify(spec(path))],
  [
    "a spec whose slashes are escaped",
    "etc/cdi/a.json",
    (path: string) => JSON.stringify(spec(path)).replaceAll("/", "\\/"),
  ],
  ["a broken YAML spec below /var/run", "run/cdi/a.yaml", (path: string) => `hooks: [\n  path: ${path}\n`],
  ["NVIDIA's settings", "etc/nvidia-container-runtime/config.toml", (path: string) => `path = "${path}"\n`],
  ["a hook of podman's", "usr/share/containers/oci/hooks.d/a.json", (path: string) => `{"hook":{"path":"${path}"}}`],
] as const)("uninstall is refused while %s points there, and can be forced", ([, file, text], context) => {
  needsRoot(context);
  const node = madeUpNode();
  succeeding(["install", "--root", node]);
  mkdirSync(join(node, file, ".."), { recursive: true });
  writeFileSync(join(node, file), text("/opt/cdi-hook/bin/nvidia-cdi-hook"));
  const before = listTree(node, { identity: true });
  const refused = failing(["uninstall", "--root", node]);
  expect(refused).toMatch(/still in use by \/[^ ]*(?:a\.json|a\.yaml|config\.toml);/);
  expect(compareListings(before, listTree(node, { identity: true }))).toEqual([]);
  succeeding(["uninstall", "--root", node, "--force"]);
  expect(existsSync(join(node, "opt/cdi-hook"))).toBe(false);
});

test("uninstall is refused while a spec points there by another path", (context) => {
  needsRoot(context);
  const node = madeUpNode();
  succeeding(["install", "--root", node]);
  symlinkSync("/opt/cdi-hook/bin/cdi-hook", join(node, "usr/bin/nvidia-cdi-hook"));
  writeFileSync(join(node, "etc/cdi/a.json"), JSON.stringify(spec("/usr/bin/nvidia-cdi-hook")));
  expect(failing(["uninstall", "--root", node])).toContain("still in use by /etc/cdi/a.json;");
});

test("uninstall and --prefix auto go on where names lead nowhere or are too long, and --force where a spec cannot be read", (context) => {
  needsRoot(context);
  const node = madeUpNode();
  mkdirSync(join(node, "var/lib"), { recursive: true });
  symlinkSync("cdi-hook", join(node, "var/lib/cdi-hook"));
  succeeding(["install", "--root", node, "--prefix", "auto"]);
  symlinkSync("circle.yaml", join(node, "etc/cdi/circle.yaml"));
  const tooLong = `/usr/${"x".repeat(300)}/nvidia-cdi-hook`;
  writeFileSync(join(node, "etc/cdi/long.json"), JSON.stringify(spec(tooLong)));
  succeeding(["uninstall", "--root", node]);
  succeeding(["install", "--root", node]);
  truncateSync(put(join(node, "etc/cdi/large.yaml")), 17 << 20);
  expect(failing(["uninstall", "--root", node])).toContain("/etc/cdi/large.yaml: larger than");
  succeeding(["uninstall", "--root", node, "--force"]);
  expect(existsSync(join(node, "opt/cdi-hook"))).toBe(false);
});

function put(path: string): string {
  writeFileSync(path, "");
  return path;
}

function spec(path: string): unknown {
  const hooks = [{ hookName: "createContainer", path, args: ["nvidia-cdi-hook", "noop"], env: ["A=b"] }];
  return { cdiVersion: "0.5.0", kind: "nvidia.com/gpu", devices: [{ name: "all", containerEdits: { hooks } }] };
}
