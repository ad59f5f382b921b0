/** Hostile bundles and states for the hooks that run before the container's mounts are there. */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test, type TestContext } from "vitest";
import { program } from "../support/debian-root.ts";
import { executablePath, runHook } from "../support/executable.ts";
import { scratchDirectory } from "../support/scratch.ts";
import { elf } from "../support/small-root.ts";
import { listTree } from "../support/tree-listing.ts";

interface Bundle {
  readonly top: string;
  readonly bundle: string;
  readonly root: string;
  /** A folder of the host that is none of the container's. */
  readonly outside: string;
  /** The driver's library on the host. */
  readonly driver: string;
}

const libraryPath = "/usr/lib/libcuda.so.580";

function makeBundle(): Bundle {
  const top = scratchDirectory();
  const [bundle, outside, driver] = [join(top, "bundle"), join(top, "outside"), join(top, "libcuda.so.580")] as const;
  const root = join(bundle, "rootfs");
  mkdirSync(join(root, "usr/lib"), { recursive: true });
  mkdirSync(join(root, "etc"));
  mkdirSync(outside);
  writeFileSync(driver, elf("libcuda.so.1"));
  // What an earlier start left: a mount point without a mount.
  writeFileSync(join(root, libraryPath), "");
  return { top, bundle, root, outside, driver };
}

type Mount = Readonly<Record<string, unknown>>;
const bind = (source: string, destination: string): Mount => ({
  destination,
  source,
  type: "bind",
  options: ["rbind", "ro"],
});

interface Ran {
  readonly status: number | null;
  readonly stderr: string;
  readonly view: string | undefined;
  readonly ms: number;
}

function run(
  { bundle }: Bundle,
  mounts: readonly unknown[],
  state: Readonly<Record<string, unknown>> = {},
  flags: readonly string[] = [],
  executable = executablePath,
): Ran {
  writeFileSync(join(bundle, "config.json"), JSON.stringify({ root: { path: "rootfs" }, mounts }));
  const stdin = JSON.stringify({ ociVersion: "1.0.2", id: "x", status: "created", pid: 4_000_000, bundle, ...state });
  const { status, stderr, ms } = runHook(["update-ldcache", "--debug", "--folder", "/usr/lib", ...flags], {
    stdin,
    executable,
  });
  return { status, stderr, view: /debug: view: (\w+)/.exec(stderr)?.[1], ms };
}

/** Whether the container's cache has the driver. */
const finds = ({ root }: Bundle): boolean => {
  const { status, stdout } = runHook(["ldcache", "print", "--root", root], { argv0: "cdi-hook" });
  return status === 0 && stdout.toString().includes("libcuda.so.1 ");
};

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** A process in a mount namespace of its own, which `script` has prepared when this comes back. */
async function inNamespace(context: TestContext, script: string): Promise<number> {
  if (process.getuid?.() !== 0 || program("unshare") === undefined) context.skip("needs root and unshare");
  const child = spawn("unshare", ["--mount", "sh", "-c", `${script}\necho ready\nexec sleep 60`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  await new Promise((resolve) => child.stdout.once("data", resolve));
  return child.pid ?? 0;
}

describe("the mounts of config.json", () => {
  test("placeholder trap: an empty file at a mount point is the driver that will be mounted there", () => {
    const made = makeBundle();
    expect(run(made, [bind(made.driver, libraryPath)])).toMatchObject({ status: 0, view: "overlay" });
    expect(finds(made)).toBe(true);
    expect(readlinkSync(join(made.root, "usr/lib/libcuda.so.1"))).toBe("libcuda.so.580");
  });

  test("1,500 folders of the host are mounted, and 1,024 files may be open", () => {
    const made = makeBundle();
    const folders = Array.from({ length: 1500 }, (_, at) => join(made.top, "volumes", String(at)));
    for (const folder of folders) mkdirSync(folder, { recursive: true });
    // The first is looked into when the others have been opened.
    writeFileSync(join(folders[0] ?? "", "libfirst.so.1"), elf("libfirst.so.1"));
    mkdirSync(join(made.root, "etc"), { recursive: true });
    writeFileSync(join(made.root, "etc/ld.so.conf"), "/v0\n");
    const limited = join(made.top, "limited.sh");
    writeFileSync(limited, `#!/bin/sh\nulimit -n 1024\nexec ${executablePath} "$@"\n`, { mode: 0o755 });
    const volumes = folders.map((folder, at) => bind(folder, `/v${at}`));
    const ran = run(made, [bind(made.driver, libraryPath), ...volumes], {}, [], limited);
    expect(ran).toMatchObject({ status: 0, view: "overlay" });
    expect(ran.ms).toBeLessThan(6000);
    expect(finds(made)).toBe(true);
    expect(readFileSync(join(made.root, "etc/ld.so.cache"), "latin1")).toContain("/v0/libfirst.so.1");
  });

  test("a destination that is a link to outside stays in the root", () => {
    const made = makeBundle();
    symlinkSync(made.outside, join(made.root, "opt"));
    symlinkSync("../../../../../../../../..", join(made.root, "up"));
    const mounts = [
      bind(made.driver, "/opt/libcuda.so.580"),
      bind(made.driver, `/up${made.outside}/x`),
      bind(made.driver, libraryPath),
    ];
    expect(run(made, mounts)).toMatchObject({ status: 0, view: "overlay" });
    expect(readdirSync(made.outside)).toEqual([]);
    expect(finds(made)).toBe(true);
  });

  test("a link of the mounted folder is resolved in the container, and nothing is written into a mount's source", () => {
    const made = makeBundle();
    const folder = join(made.top, "driver");
    mkdirSync(join(folder, "deep"), { recursive: true });
    writeFileSync(join(folder, "liba.so.1.0"), elf("liba.so.1"));
    symlinkSync(join(made.outside, "nothing"), join(folder, "libb.so.1"));
    symlinkSync("/etc", join(folder, "etc"));
    const before = listTree(folder);
    const ran = run(made, [bind(folder, "/opt/driver"), bind(folder, "/etc/ld.so.conf.d")], {}, [
      "--folder",
      "/opt/driver",
    ]);
    expect(ran.view).toBe("overlay");
    expect(listTree(folder)).toEqual(before);
    expect(readdirSync(made.outside)).toEqual([]);
  });

  test.each([
    "../../../../etc/x",
    "usr/lib/libcuda.so.580",
    "/../../usr/lib/libcuda.so.580",
    "//usr//lib/./libcuda.so.580",
  ])("the destination %j is one in the root", (destination) => {
    const made = makeBundle();
    expect(run(made, [bind(made.driver, destination), bind(made.driver, libraryPath)])).toMatchObject({ status: 0 });
    expect(finds(made)).toBe(true);
    expect([...listTree(made.outside).keys()]).toEqual([]);
  });

  test.each([[""], [7], [null], [undefined], ["/\u0000"], [["/a"]]])(
    "the destination %j is left out with a warning",
    (destination) => {
      const made = makeBundle();
      const { status, stderr } = run(made, [
        { destination, source: made.driver, type: "bind" },
        "text",
        bind(made.driver, libraryPath),
      ]);
      expect([status, stderr.match(/is ignored: it has no destination/g)?.length]).toEqual([0, 2]);
      expect(finds(made)).toBe(true);
    },
  );

  test("the root itself as a destination hides nothing and breaks nothing", () => {
    const made = makeBundle();
    for (const destination of ["/", "/..", "/./"]) {
      expect(run(made, [bind(made.outside, destination), bind(made.driver, libraryPath)]).status).toBe(0);
      expect(finds(made)).toBe(true);
    }
  });

  test("a source that is gone, a FIFO, a device, a socket's folder", () => {
    const made = makeBundle();
    const mounts = [
      bind(join(made.top, "gone"), "/usr/lib/libgone.so.1"),
      bind("/dev/zero", "/usr/lib/libzero.so.1"),
      bind("/dev/tty", "/usr/lib/libtty.so.1"),
      bind(made.driver, libraryPath),
    ];
    expect(run(made, mounts)).toMatchObject({ status: 0, view: "overlay" });
    expect(finds(made)).toBe(true);
  });

  test("a later mount hides an earlier one, and a longer destination stands in a shorter one's source", () => {
    const made = makeBundle();
    const folder = join(made.top, "lib");
    mkdirSync(folder);
    writeFileSync(join(folder, "libcuda.so.580"), "");
    run(made, [bind(made.driver, libraryPath), bind(folder, "/usr/lib")]);
    expect(finds(made)).toBe(false);
    run(made, [bind(folder, "/usr/lib"), bind(made.driver, libraryPath)]);
    expect(finds(made)).toBe(true);
    expect(readdirSync(folder)).toEqual(["libcuda.so.580"]);
  });

  test("ten thousand of them take a second at most", () => {
    const made = makeBundle();
    const many = Array.from({ length: 10_000 }, (_, at) =>
      bind(made.driver, `/usr/lib/many/${at % 100}/libm${at}.so.1`),
    );
    const { status, view, ms } = run(made, [...many, bind(made.driver, libraryPath)]);
    expect([status, view]).toEqual([0, "overlay"]);
    expect(ms).toBeLessThan(10_000);
    expect(finds(made)).toBe(true);
  });

  test.each([
    ["mounts is no list", '{"root":{"path":"rootfs"},"mounts":7}'],
    ["no JSON", "{"],
  ])("%s: an error, or the root as it lies there", (_name, text) => {
    const made = makeBundle();
    writeFileSync(join(made.bundle, "config.json"), text);
    const stdin = JSON.stringify({ pid: 4_000_000, bundle: made.bundle, root: made.root });
    const { status, stderr } = runHook(["update-ldcache", "--debug"], { stdin });
    expect([status, stderr]).toEqual([0, expect.stringContaining("view: here")]);
    expect(runHook(["update-ldcache", "--view", "overlay"], { stdin }).status).toBe(1);
  });
});

describe("the pid of the state", () => {
  const mountsOf = (made: Bundle): readonly Mount[] => [bind(made.driver, libraryPath)];

  test("of a process that sees the container's mounts: its view", async (context) => {
    const made = makeBundle();
    const pid = await inNamespace(
      context,
      `mount --bind ${made.root} ${made.root}; mount --bind ${made.driver} ${made.root}${libraryPath}`,
    );
    expect(run(made, mountsOf(made), { pid })).toMatchObject({ status: 0, view: "process" });
    expect(finds(made)).toBe(true);
    expect(run(made, [], { pid }, ["--view", "process"])).toMatchObject({ status: 0, view: "process" });
  });

  test("of a process of another container, which has the path but another folder there: not looked into", async (context) => {
    const made = makeBundle();
    const other = makeBundle();
    writeFileSync(join(other.root, "usr/lib/libevil.so.1"), elf("libevil.so.1"));
    const pid = await inNamespace(context, `mount --bind ${other.root} ${made.root}`);
    const before = listTree(other.root);
    expect(run(made, mountsOf(made), { pid })).toMatchObject({ status: 0, view: "overlay" });
    expect(listTree(other.root)).toEqual(before);
    expect(run(made, mountsOf(made), { pid }, ["--view", "process"])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("is another folder") as string,
    });
  });

  test("of a process that has the folder and not the mounts: not looked into", async (context) => {
    const made = makeBundle();
    const pid = await inNamespace(context, "true");
    expect(run(made, mountsOf(made), { pid })).toMatchObject({ status: 0, view: "overlay" });
    expect(finds(made)).toBe(true);
  });

  test("of a process whose root leads elsewhere by links: they are resolved in its root", async (context) => {
    const made = makeBundle();
    const pid = await inNamespace(
      context,
      `mount -t tmpfs none ${dirname(made.root)}; ln -s ${made.outside} ${made.root}`,
    );
    expect(run(made, mountsOf(made), { pid })).toMatchObject({ status: 0, view: "overlay" });
    expect(readdirSync(made.outside)).toEqual([]);
  });

  test.each([
    ["ours", () => process.pid],
    ["init's", () => 2],
    ["nobody's", () => 4_000_000],
    ["more than a process can have", () => Number.MAX_SAFE_INTEGER],
    ["missing", () => undefined],
  ])("%s: what config.json says", (_name, pid) => {
    const made = makeBundle();
    expect(run(made, mountsOf(made), { pid: pid() })).toMatchObject({ status: 0, view: "overlay" });
    expect(finds(made)).toBe(true);
  });

  test.each([0, 1, -1])("%j, which createContainer hooks get: no look at config.json", (pid) => {
    const made = makeBundle();
    expect(run(made, mountsOf(made), { pid })).toMatchObject({ status: 0, view: undefined });
  });
});

describe("a state that lies about the root", () => {
  test.each(["/", "/..", "/proc/self/root", "/proc/1/root"])("%j is refused", (root) => {
    const made = makeBundle();
    expect(run(made, [bind(made.driver, libraryPath)], { root }).status).toBe(1);
    expect(existsSync("/etc/ld.so.conf.d/00-nvcr-cdi-hook.conf")).toBe(false);
  });
});
