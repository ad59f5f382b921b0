/** `runtime`: what is done to the bundle, and that the real runtime then is as if it had been started itself. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { writeBundle } from "../support/bundle.ts";
import { program } from "../support/debian-root.ts";
import { executablePath, runHook } from "../support/executable.ts";
import { linkBefore, runtimesBehind } from "../support/runtime-links.ts";
import { loaded, notLoaded, probeCommand } from "../support/probe.ts";
import {
  crun,
  gvisor2022,
  gvisor2024,
  gvisor2026With,
  inNamespaces,
  runc,
  spawn,
  unlessItDies,
  withState,
} from "../support/runtimes.ts";
import { readOnlyStage, stageWithMountPoints } from "../support/read-only-root.ts";
import { scratchDirectory } from "../support/scratch.ts";
import { setStage } from "../support/stage.ts";
import { compareListings, listTree } from "../support/tree-listing.ts";

/** What runs a container whose root cannot be written. */
const readers = [
  runc,
  crun,
  gvisor2022("--overlay"),
  gvisor2024("--overlay2=root:memory"),
  gvisor2026With("--overlay2=root:memory"),
];

/** Tells what a runtime is started with: words, folder, descriptors, environment, signals. */
const fake = `#!/bin/sh
echo "name $0"
for word; do echo "word $word"; done
pwd; umask
cd /proc/$$
echo fd/*; readlink fd/*
tr '\\0' '\\n' <environ
while read line; do case $line in SigBlk*|SigIgn*|SigCgt*|NoNewPrivs*|Threads*|Cap*) echo "$line";; esac; done <status
echo to stderr >&2
exit 42
`;

interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Behind {
  readonly folder: string;
  readonly runtime: string;
  readonly before: string;
}

function fakeRuntime(): Behind {
  const folder = scratchDirectory();
  const script = join(folder, "script");
  writeFileSync(script, fake, { mode: 0o755 });
  return { folder, ...linkBefore(join(folder, "bin"), "fake-runtime", script) };
}

/** Starts a program from a shell, which can do to descriptors and signals what Node cannot; its output goes to files. */
function start(prepare: string, command: readonly string[], cwd: string): Result {
  const output = scratchDirectory();
  const [out, errors] = [join(output, "out"), join(output, "errors")];
  const { status } = spawnSync(
    "sh",
    ["-c", `exec </dev/null >${out} 2>${errors}; ${prepare}; exec "$@"`, "sh", ...command],
    {
      cwd,
      stdio: "ignore",
      env: {
        PATH: "/usr/bin:/bin",
        EMPTY: "",
        BYTES: "a=b\u00e9\n c",
        NVIDIA_CTK_DEBUG: "false",
        LD_PRELOAD: "/nowhere.so",
      },
    },
  );
  const read = (path: string): string => readFileSync(path, "latin1").replaceAll(output, "OUTPUT");
  return { status, stdout: read(out), stderr: read(errors) };
}

const links = (name: string): string => `nvidia-cdi-hook create-symlinks --link target::/usr/lib/${name}`;

function hook(line: string, more: Readonly<Record<string, unknown>> = {}): unknown {
  const args = line.split(" ");
  return { path: `/nowhere/${args[0] ?? ""}`, args, env: ["NVIDIA_CTK_DEBUG=false"], ...more };
}

function bundleWith(hooks: unknown, more: Readonly<Record<string, unknown>> = {}): string {
  const bundle = scratchDirectory();
  mkdirSync(join(bundle, "rootfs/usr/lib"), { recursive: true });
  const config = { ociVersion: "1.0.2", root: { path: "rootfs" }, process: { env: ["A=1"] }, hooks, ...more };
  writeFileSync(join(bundle, "config.json"), JSON.stringify(config));
  return bundle;
}

const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

const configOf = (bundle: string): string => readFileSync(join(bundle, "config.json"), "latin1");

function hooksIn(bundle: string): unknown {
  const config = JSON.parse(configOf(bundle)) as { hooks?: unknown };
  return config.hooks;
}

function runtime(args: readonly string[], options: Parameters<typeof runHook>[1] = {}): Result {
  const { status, stdout, stderr } = runHook(["runtime", ...args], { argv0: "cdi-hook", ...options });
  return { status, stdout: stdout.toString(), stderr };
}

describe("the real runtime finds what it would find without", () => {
  test.each([
    ["everything ordinary", ":"],
    ["further descriptors", "exec 3</dev/null 8</etc/passwd 9>/dev/null"],
    ["standard input closed", "exec 0<&-"],
    ["all standard descriptors but one closed", "exec 0<&- 2>&-"],
    ["signals ignored", "trap '' PIPE XFSZ HUP USR1"],
    ["another umask", "umask 0137"],
  ])("%s", (_name, prepare) => {
    const { folder, runtime: real, before } = fakeRuntime();
    const bundle = bundleWith({ createRuntime: [hook(links("a"))] });
    const words = [
      "--log-format=json",
      "--root",
      "",
      "create",
      "--bundle",
      bundle,
      "--console-socket",
      "/x y",
      "\u00e9\n",
    ];
    const without = start(prepare, [real, ...words], folder);
    expect(without).toMatchObject({ status: 42 });
    expect(without.stdout).toContain("word create\n");
    expect(without.stdout).toContain("EMPTY=\n");
    expect(start(prepare, [before, ...words], folder)).toEqual(without);
    expect(hooksIn(bundle)).toEqual({ createRuntime: [] });
    const byFlag = [executablePath, "runtime", "--to", real, ...words];
    expect(start(prepare, byFlag, folder)).toEqual(without);
  });

  test.each([
    "exec -t create run",
    "state --bundle .",
    "start",
    "kill run 9",
    "delete",
    "features",
    "--version",
    "--help",
    "",
  ])("at once for: %s", (words) => {
    const { runtime: real, before } = fakeRuntime();
    const bundle = bundleWith({ createRuntime: [hook(links("a"))] });
    const config = configOf(bundle);
    const args = words === "" ? [] : words.split(" ");
    expect(start(":", [before, ...args], bundle)).toEqual(start(":", [real, ...args], bundle));
    expect(configOf(bundle)).toBe(config);
    expect(isThere(join(bundle, "rootfs/usr/lib/a"))).toBe(false);
  });
});

describe("the bundle", () => {
  test("has the work of our hooks in its root, and not the hooks; all else keeps its bytes", () => {
    const bundle = bundleWith(undefined);
    const [mine, other] = [JSON.stringify(hook(links("a"))), '{ "path": "/bin/other", "timeout": 9007199254740993 }'];
    const text = (ours: string): string =>
      `{"x":9223372036854775807, "root" : {"path":"rootfs"},\n "hooks":{"prestart":[${ours}${other}],` +
      `"createContainer":[${other}],"poststop":[${mine}]}, "caf\u00e9\xff":1e999}\n`;
    writeFileSync(join(bundle, "config.json"), text(`${mine},`), "latin1");
    chmodSync(join(bundle, "config.json"), 0o640);
    if (process.getuid?.() === 0) chownSync(join(bundle, "config.json"), 12, 34);
    const before = statSync(join(bundle, "config.json"));
    expect(runtime(["--to", "/bin/true", "run", "-b", bundle, "x"])).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(configOf(bundle)).toBe(text(""));
    expect(readlinkSync(join(bundle, "rootfs/usr/lib/a"))).toBe("target");
    const after = statSync(join(bundle, "config.json"));
    expect([after.mode, after.uid, after.gid]).toEqual([before.mode, before.uid, before.gid]);
    const listing = listTree(bundle, { identity: true });
    expect(runtime(["--to", "/bin/true", "run", "-b", bundle, "x"])).toMatchObject({ status: 0 });
    expect(compareListings(listing, listTree(bundle, { identity: true }))).toEqual([]);
  });

  test.each(["--bundle", "-bundle", "-b"])(
    "is found by %s, by a relative path, and in the working directory",
    (flag) => {
      const make = (): string => bundleWith({ createContainer: [hook(links("a"))] });
      for (const place of [
        (bundle: string): [string[], string] => [[flag, bundle], "/"],
        (bundle: string): [string[], string] => [[`${flag}=${bundle}`], "/"],
        (bundle: string): [string[], string] => [[flag, basename(bundle)], join(bundle, "..")],
        (bundle: string): [string[], string] => [[], bundle],
      ]) {
        const bundle = make();
        const [words, cwd] = place(bundle);
        expect(runtime(["--to", "/bin/true", "create", ...words, "x"], { cwd })).toMatchObject({ status: 0 });
        expect(hooksIn(bundle)).toEqual({ createContainer: [] });
        expect(isThere(join(bundle, "rootfs/usr/lib/a"))).toBe(true);
      }
    },
  );

  test("keeps the hooks that need what the runtime mounts, and those that nobody here knows", () => {
    const left = [
      hook("nvidia-cdi-hook create-symlinks --link ../card1::/dev/dri/by-path/pci"),
      hook("nvidia-cdi-hook chmod --mode 755 --path /dev/dri"),
      hook("nvidia-cdi-hook disable-device-node-modification"),
      hook("nvidia-ctk hook of-tomorrow"),
      hook("nvidia-ctk runtime configure"),
      hook(`nvidia-cdi-hook chain create-symlinks --link b::/usr/lib/in-chain -- chmod --mode 755 --path /dev/dri`),
    ];
    const bundle = bundleWith(
      { createContainer: [...left, hook(links("a"))] },
      { mounts: [{ destination: "/dev", type: "tmpfs", source: "tmpfs" }] },
    );
    expect(runtime(["--to", "/bin/true", "create", "-b", bundle, "x"])).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(hooksIn(bundle)).toEqual({ createContainer: left });
    expect(isThere(join(bundle, "rootfs/usr/lib/a"))).toBe(true);
    expect(isThere(join(bundle, "rootfs/usr/lib/in-chain"))).toBe(true);
    expect(isThere(join(bundle, "rootfs/dev"))).toBe(false);
  });

  test("a failure that keeps a container from starting: status 1, our line, and neither runtime nor config.json touched", () => {
    const { before, folder } = fakeRuntime();
    const bundle = bundleWith({ createRuntime: [hook("nvidia-cdi-hook create-symlinks --link a::/usr/lib/f/g")] });
    writeFileSync(join(bundle, "rootfs/usr/lib/f"), "a file in the way");
    const config = configOf(bundle);
    const log = join(folder, "log");
    const result = start(":", [before, "--log", log, "--log-format", "json", "create", "-b", bundle, "x"], folder);
    expect(result).toMatchObject({ status: 1, stdout: "" });
    expect(result.stderr).toMatch(
      /^cdi-hook: error: create-symlinks: [^\n]*\/usr\/lib\/f\/g: not a directory[^\n]*\n$/,
    );
    expect(configOf(bundle)).toBe(config);
    // What an engine shows of a runtime that failed is the last error there.
    const line = JSON.parse(readFileSync(log, "utf8")) as unknown;
    expect(line).toEqual({ level: "error", msg: expect.stringMatching(/^cdi-hook: create-symlinks: /) as unknown });
  });

  test("debug lines go to the runtime's log, and to standard error only where there is none", () => {
    const { folder } = fakeRuntime();
    const log = join(folder, "log");
    const run = (...words: readonly string[]): Result => {
      const bundle = bundleWith({ createRuntime: [hook(links("a"))] });
      const { status, stdout, stderr } = runHook(
        ["--debug", "runtime", "--to", "/bin/true", ...words, "create", "-b", bundle, "x"],
        { argv0: "cdi-hook" },
      );
      return { status, stdout: stdout.toString(), stderr };
    };
    expect(run("--log", log)).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(readFileSync(log, "utf8")).toContain('level=debug msg="cdi-hook: link /usr/lib/a -> target: made"\n');
    expect(run().stderr).toContain("link /usr/lib/a -> target: made");
  });
});

describe("a bundle that cannot be understood is left alone", () => {
  const whole = {
    ociVersion: "1.0.2",
    process: { user: { uid: 0, gid: 0 }, args: ["true"], cwd: "/" },
    root: { path: "rootfs" },
    hooks: { createRuntime: [hook(links("a"))] },
    linux: { namespaces: [{ type: "pid" }, { type: "mount" }] },
  };
  const cases: readonly (readonly [string, string | undefined])[] = [
    ["no config.json", undefined],
    ["an empty one", ""],
    ["no JSON", "{"],
    ["something behind the end", `${JSON.stringify(whole)}x`],
    ["a list", "[]"],
    ["hooks are no object", JSON.stringify({ ...whole, hooks: 5 })],
    ["a stage is no list", JSON.stringify({ ...whole, hooks: { createRuntime: {} } })],
    ["a hook is no object", JSON.stringify({ ...whole, hooks: { createRuntime: ["x"] } })],
    ["no root", JSON.stringify({ ...whole, root: undefined })],
    ["a root that is not there", JSON.stringify({ ...whole, root: { path: "nowhere" } })],
    ["a root that is a file", JSON.stringify({ ...whole, root: { path: "config.json" } })],
    ["the host's root", JSON.stringify({ ...whole, root: { path: "/" } })],
    [
      "gVisor's root from an image",
      JSON.stringify({ ...whole, annotations: { "dev.gvisor.spec.rootfs.source": "/x.erofs" } }),
    ],
    ["names twice", JSON.stringify(whole).replace('"hooks"', '"hooks":{},"hooks"')],
  ];

  test.each(cases)("%s", (_name, text) => {
    const { runtime: real, before } = fakeRuntime();
    const bundle = scratchDirectory();
    mkdirSync(join(bundle, "rootfs"));
    if (text !== undefined) writeFileSync(join(bundle, "config.json"), text);
    const listing = listTree(bundle, { identity: true, without: ["/rootfs"] });
    const words = ["create", "--bundle", bundle, "x"];
    expect(start(":", [before, ...words], "/")).toEqual(start(":", [real, ...words], "/"));
    expect(compareListings(listing, listTree(bundle, { identity: true, without: ["/rootfs"] }))).toEqual([]);
  });

  const realCases = cases.filter(([name]) => !/host's root|of a kind|names twice/.test(name));
  describe.each(runtimesBehind)("and $name says what it says without", ({ name, find, flags }) => {
    test("byte for byte", { timeout: 240_000 }, (context) => {
      const found = find();
      if (process.getuid?.() !== 0) return context.skip("needs root");
      if ("missing" in found) return context.skip(found.missing);
      const linked = linkBefore(join(scratchDirectory(), "bin"), name, found.path);
      for (const [what, text] of realCases) {
        const bundle = scratchDirectory();
        mkdirSync(join(bundle, "rootfs"));
        if (text !== undefined) writeFileSync(join(bundle, "config.json"), text);
        const run = (path: string): Result =>
          withState((state) => {
            const words = ["--root", join(state, "root"), ...flags.map((flag) => `--${flag}`)];
            const result = spawn(inNamespaces([path, ...words, "run", "--bundle", bundle, "cdi-hook-broken"]));
            const plain = (bytes: string): string =>
              bytes
                .replaceAll(state, "STATE")
                .replaceAll(/time="[^"]*"|"time":"[^"]*"|0x[0-9a-f]+/g, "TIME OR ADDRESS");
            return { status: result.status, stdout: plain(result.stdout), stderr: plain(result.stderr) };
          });
        const without = run(linked.runtime);
        expect(without.status, what).not.toBe(0);
        expect(run(linked.before), what).toEqual(without);
      }
    });
  });
});

describe("a CDI device", () => {
  const spec = {
    cdiVersion: "0.7.0",
    kind: "vendor.test/gpu",
    devices: [
      {
        name: "0",
        containerEdits: {
          deviceNodes: [
            { path: "/dev/gpu0", hostPath: "/dev/null" },
            { path: "/dev/zero", permissions: "r" },
          ],
        },
      },
      { name: "1", containerEdits: { deviceNodes: [{ path: "/dev/nowhere" }] } },
    ],
    containerEdits: {
      env: ["A=2", "B=3"],
      additionalGids: [0, 44],
      mounts: [{ hostPath: "/etc", containerPath: "/usr", options: ["ro", "rbind"] }],
      hooks: [
        { hookName: "createContainer", path: "/bin/other", args: ["other", "x"], timeout: 3 },
        { hookName: "createContainer", path: "/usr/bin/nvidia-cdi-hook", args: links("a").split(" ") },
      ],
    },
  };
  const device = { path: "/dev/zero", type: "c", major: 9, minor: 9 };
  const mount = { destination: "/usr/lib/x", type: "bind", source: "/x", options: ["bind"] };

  function bundleAndSpec(): { bundle: string; flags: string[] } {
    const bundle = bundleWith(undefined, {
      process: { env: ["A=1", "C=4"], user: { uid: 7, gid: 0 } },
      mounts: [{ destination: "/proc", type: "proc", source: "proc" }, mount],
      linux: { devices: [device], resources: { devices: [{ allow: false, access: "rwm" }] } },
    });
    const path = join(bundle, "spec.json");
    writeFileSync(path, JSON.stringify(spec));
    writeFileSync(join(bundle, "broken.json"), "{");
    return { bundle, flags: ["--to", "/bin/true", `--cdi-spec=${bundle}`] };
  }

  test("is put into config.json as an engine does, with the hooks that are not ours; twice is as once", () => {
    const { bundle, flags } = bundleAndSpec();
    // A config.json is no spec, and an engine passes over what it cannot read.
    const create = [...flags, "--device", "vendor.test/gpu=0", "create", "-b", bundle, "x"];
    expect(runtime(create)).toMatchObject({ status: 0, stdout: "", stderr: "" });
    const text = configOf(bundle);
    expect(JSON.parse(text)).toMatchObject({
      process: { env: ["A=2", "C=4", "B=3"], user: { uid: 7, gid: 0, additionalGids: [44] } },
      mounts: [
        { destination: "/proc" },
        { destination: "/usr", type: "bind", source: "/etc", options: ["ro", "rbind"] },
        mount,
      ],
      linux: {
        devices: [
          { path: "/dev/zero", type: "c", major: 1, minor: 5, uid: 7 },
          { path: "/dev/gpu0", type: "c", major: 1, minor: 3, uid: 7 },
        ],
        resources: {
          devices: [
            { allow: false, access: "rwm" },
            { allow: true, type: "c", major: 1, minor: 3, access: "rwm" },
            { allow: true, type: "c", major: 1, minor: 5, access: "r" },
          ],
        },
      },
      hooks: {
        createContainer: [
          { path: "/bin/other", args: ["other", "x"], timeout: 3 },
          { path: "/usr/bin/nvidia-cdi-hook", args: links("a").split(" ") },
        ],
      },
    });
    expect(runtime(create)).toMatchObject({ status: 0 });
    expect(configOf(bundle)).toBe(text);
  });

  test.each([
    ["vendor.test/gpu=9", /^cdi-hook: error: runtime: find device vendor\.test\/gpu=9: there are vendor\.test\/gpu=0/m],
    ["vendor.test/gpu=1", /^cdi-hook: error: runtime: look at device \/dev\/nowhere: no such file/m],
  ])("%s cannot be given: status 1, and the bundle stays", (wanted, reason) => {
    const { bundle, flags } = bundleAndSpec();
    const listing = listTree(bundle, { identity: true });
    const result = runtime([...flags, "--device", wanted, "create", "-b", bundle, "x"]);
    expect(result).toMatchObject({ status: 1, stdout: "" });
    expect(result.stderr).toMatch(reason);
    expect(compareListings(listing, listTree(bundle, { identity: true }))).toEqual([]);
  });

  describe.each([runc, crun])("on $name", (behind) => {
    test(
      "its program loads the driver and sees variable and device, from a bundle without any of it",
      { timeout: 120_000 },
      (context) => {
        const reason = behind.missing();
        if (reason !== undefined) return context.skip(reason);
        const { work, root, edits, driver } = setStage(context);
        const args = ["sh", "-c", 'echo "$CARD"; test -c /dev/card && echo device; exec "$@"', "sh", ...probeCommand()];
        writeBundle(work, { root, readonly: false, args });
        const path = join(work, "gpu.json");
        const withNode = { ...edits, env: ["CARD=it"], deviceNodes: [{ path: "/dev/card", hostPath: "/dev/null" }] };
        writeFileSync(
          path,
          JSON.stringify({
            cdiVersion: "0.6.0",
            kind: "v.test/g",
            devices: [{ name: "0", containerEdits: {} }],
            containerEdits: withNode,
          }),
        );
        expect(behind.run(work)).toMatchObject({ stdout: `\n${notLoaded()}`, status: 3 });
        const run = (): Result =>
          withState((state) => {
            const [to = "", ...flags] = behind.command(state);
            const ours = [executablePath, "runtime", "--to", to, "--cdi-spec", path, "--device", "v.test/g=0"];
            return spawn(inNamespaces([...ours, ...flags, "run", "--bundle", work, "cdi-hook-device"]));
          });
        for (const time of ["first", "second"]) {
          expect(run(), time).toMatchObject({ stdout: `it\ndevice\n${loaded(driver.version)}`, status: 0 });
        }
      },
    );
  });
});

describe.each(readers)("a read-only root on $name", (behind) => {
  test(
    "a program loads the driver by a cache in the bundle, mounted over the root's",
    { timeout: 240_000 },
    (context) => {
      const reason = behind.missing();
      if (reason !== undefined) return context.skip(reason);
      const { root, work, edits, driver } = readOnlyStage(stageWithMountPoints(context));
      const before = listTree(root, { identity: true });
      const run = (ours: boolean): Result =>
        unlessItDies(() =>
          withState((state) => {
            const [to = "", ...flags] = behind.command(state);
            const command = ours ? [executablePath, "runtime", "--to", to] : [to];
            return spawn(inNamespaces([...command, ...flags, "run", "--bundle", work, "cdi-hook-read-only"]));
          }),
        );
      const write = (hooks = edits.hooks): void =>
        writeBundle(work, { root, readonly: true, args: probeCommand(), edits: { ...edits, hooks } });
      write([]);
      expect(run(true)).toMatchObject({ status: 3, stdout: notLoaded() });
      write();
      for (const time of ["first", "second"]) {
        expect(run(true), time).toMatchObject({ status: 0, stdout: loaded(driver.version) });
      }
      expect(hooksIn(work)).toEqual({ createContainer: [] });
      expect(run(false), "what was prepared is enough").toMatchObject({ status: 0, stdout: loaded(driver.version) });
      expect(compareListings(before, listTree(root, { identity: true }))).toEqual([]);
    },
  );
});

test(
  "gVisor with an EROFS image for its root runs no hooks: a program loads the driver all the same",
  { timeout: 240_000 },
  (context) => {
    const behind = gvisor2026With();
    const reason = behind.missing() ?? (program("mkfs.erofs") === undefined ? "needs mkfs.erofs" : undefined);
    if (reason !== undefined) return context.skip(reason);
    const { root: from, work, edits, driver } = stageWithMountPoints(context);
    const [image, root] = [join(work, "../image.erofs"), join(work, "rootfs")];
    for (const folder of ["proc", "dev", "sys"]) mkdirSync(join(from, folder), { recursive: true });
    execFileSync(program("mkfs.erofs") ?? "", ["-E", "noinline_data", image, from], { stdio: "ignore" });
    mkdirSync(root, { recursive: true });
    writeBundle(work, { root, readonly: true, args: probeCommand(), edits });
    const annotations = { "dev.gvisor.spec.rootfs.source": image, "dev.gvisor.spec.rootfs.type": "erofs" };
    writeFileSync(
      join(work, "config.json"),
      JSON.stringify({ ...(JSON.parse(configOf(work)) as object), annotations }),
    );
    const listing = listTree(root, { identity: true });
    const [to = ""] = behind.command("");
    expect(behind.run(work)).toMatchObject({ status: 3, stdout: notLoaded() });
    const run = (): Result =>
      withState((state) => {
        const flags = behind.command(state).slice(1);
        const ours = [executablePath, "runtime", "--to", to];
        return spawn(inNamespaces([...ours, ...flags, "run", "--bundle", work, "cdi-hook-erofs"]));
      });
    expect(run()).toMatchObject({ status: 0, stdout: loaded(driver.version) });
    expect(hooksIn(work)).toEqual({ createContainer: [] });
    expect(compareListings(listing, listTree(root, { identity: true }))).toEqual([]);
  },
);

describe("the real runtime", () => {
  test.each([
    [["runtime", "create"], /--to is needed/],
    [["runtime", "--to", "no-such-runtime", "state", "x"], /find no-such-runtime: no such program/],
    [["runtime", "--to", "/no/such", "create", "x"], /start \/no\/such: no such file/],
    [["runtime", "--to", executablePath, "state", "x"], /it is cdi-hook itself/],
  ])("%j: status 1 and a line", (args, reason) => {
    const { status, stdout, stderr } = runHook(args, { argv0: "cdi-hook" });
    expect({ status, stdout: stdout.toString() }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(reason);
  });

  test("under a name of this kind a hook is still a hook, and nothing else is one", () => {
    const named = (args: readonly string[]): Result => {
      const { status, stdout, stderr } = runHook(args, { argv0: "/x/cdi-hook-runtime-of-tomorrow" });
      return { status, stdout: stdout.toString(), stderr };
    };
    expect(named(["noop"])).toEqual({ status: 0, stdout: "", stderr: "" });
    const { status, stderr } = named(["create", "x"]);
    expect({ status, stderr }).toMatchObject({ status: 1 });
    expect(stderr).toContain("find runtime-of-tomorrow: no such program");
  });

  test("--help without a runtime tells of the command, and with one is the runtime's", () => {
    expect(runtime(["--help"]).stdout).toContain("--to <RUNTIME>");
    expect(runtime(["--to", "/bin/echo", "--help"]).stdout).toContain("/bin/echo");
  });
});
