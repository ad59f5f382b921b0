/** The cache over that of a read-only root, on kernels, or below filters, that lack some of the calls for it. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test, type TestContext } from "vitest";
import { program } from "../support/debian-root.ts";
import { executablePath, stateFor } from "../support/executable.ts";
import { HostileRoot } from "../support/hostile-root.ts";

const calls = ["fsopen", "fsconfig", "fsmount", "open_tree", "mount_setattr", "move_mount"];
const cache = "etc/ld.so.cache";
const readOnly = "mount --bind $ROOT $ROOT; mount -o remount,bind,ro $ROOT";

/** Runs the hook; then tells of new mounts, and of what can be done to the cache. */
const telling = `
cat /proc/self/mountinfo >"$TOP/before"
TRACER "$@"; status=$?
grep -vxFf "$TOP/before" /proc/self/mountinfo
cache=$ROOT/${cache}
if (echo x >>"$cache") 2>/dev/null; then echo "can be written"; fi
if mount -o remount,bind,rw "$cache" 2>/dev/null && (echo x >>"$cache") 2>/dev/null; then echo "can be made writable"; fi
if grep -q /x86_64-linux-gnu/libcuda.so.580.1 "$cache"; then echo "names the driver"; fi
if grep -q /libcuda.so.580.1 "$cache" && grep -qz '^libcuda.so$' "$cache"; then echo "has libcuda.so"; fi
cat $ROOT/etc/resolv.conf $ROOT/etc/deep/er/file 2>/dev/null
rm "$TOP/before"
exit $status
`;

let root: HostileRoot;

beforeEach((context: TestContext) => {
  if (process.getuid?.() !== 0) context.skip("needs root");
  for (const name of ["unshare", "strace"]) if (program(name) === undefined) context.skip(`needs ${name}`);
  root = new HostileRoot();
});

interface Outcome {
  readonly status: number | null;
  readonly warnings: readonly string[];
  readonly errors: readonly string[];
  readonly told: readonly string[];
}

interface Surroundings {
  /** Shell commands that mount more. */
  readonly mounts?: string;
  /** Shell commands before the hook; TRACER stands before what is run as that is. */
  readonly before?: string;
}

function update(injected: readonly string[], { mounts = "", before: earlier = "" }: Surroundings = {}): Outcome {
  const tracer = ["strace", "-f", "-qq", "-o/dev/null", ...injected.map((inject) => `-einject=${inject}`)].join(" ");
  const executable = join(root.top, "telling.sh");
  writeFileSync(
    executable,
    `#!/bin/sh\nROOT=${root.path} TOP=${root.top}\n${earlier}\n${telling}`.replaceAll(
      "TRACER",
      injected.length === 0 ? "" : tracer,
    ),
    { mode: 0o755 },
  );
  const before = readFileSync("/proc/self/mountinfo", "utf8");
  const words = [executablePath, "update-ldcache", "--folder=/usr/lib/x86_64-linux-gnu"];
  const { status, warnings, errors, stdout } = root.attack(words, { mounts: `${readOnly}; ${mounts}`, executable });
  expect(readFileSync("/proc/self/mountinfo", "utf8"), "mounts of the host").toBe(before);
  return { status, warnings, errors, told: stdout.toString("latin1").split("\n").slice(0, -1) };
}

/** As a mount and as a file system it is read-only, and the file is all that can be seen of that. */
const onlyTheCache: unknown = expect.stringMatching(
  / \/params \S+\/rootfs\/etc\/ld\.so\.cache ro,nosuid,nodev,noexec,\S+ - tmpfs tmpfs ro,/,
);
/** A folder of mount points, and that with /etc below it, as the image has it. */
const layers: readonly unknown[] = [
  expect.stringMatching(/ \/ \S+\/rootfs\/etc ro,nosuid,nodev,noexec,\S+ - tmpfs tmpfs ro,/),
  expect.stringMatching(/ \/ \S+\/rootfs\/etc ro,\S+ - overlay overlay ro,/),
];

const ways: readonly (readonly [string, readonly string[]])[] = [
  ["every call", []],
  ...["ENOSYS", "EPERM", "EINVAL"].flatMap((error) =>
    (error === "ENOSYS" ? calls : ["fsopen", "open_tree", "move_mount"]).map(
      (call) => [`${call}: ${error}`, [`${call}:error=${error}`]] as const,
    ),
  ),
  ["none of them", [`${calls.join(",")}:error=ENOSYS`]],
];

describe.each(ways)("%s", (_name, injected) => {
  test("the cache is read-only, nosuid, nodev, noexec", () => {
    root.file(cache, "");
    expect(update(injected)).toEqual({ status: 0, warnings: [], errors: [], told: [onlyTheCache, "names the driver"] });
    expect(readFileSync(root.at(cache), "latin1"), "the file below").toBe("");
  });
});

test("without any of the calls, and without a file to mount on: the layer is read-only as well", () => {
  const { told, ...rest } = update([`${calls.join(",")}:error=ENOSYS`]);
  expect(rest).toEqual({ status: 0, warnings: [], errors: [] });
  expect(told).toEqual([...layers, onlyTheCache, "names the driver"]);
});

test("without mount(2) as well: the hook fails, and nothing stays mounted", () => {
  root.file(cache, "");
  const { status, errors, told } = update([`${calls.join(",")}:error=ENOSYS`, "mount:error=EPERM"]);
  expect(status).toBe(1);
  expect(errors).toEqual([expect.stringMatching(/etc\/ld\.so\.cache: operation not permitted \(EPERM\)/)]);
  expect(told).toEqual([]);
});

test.each([2, 3, 4])("mount(2) fails at call %i, when something is mounted already: that does not stay", (call) => {
  root.file(cache, "");
  const { status, told } = update([`${calls.join(",")}:error=ENOSYS`, `mount:error=EPERM:when=${call}`]);
  expect({ status, told }).toEqual({ status: 1, told: [] });
});

/** What statx(2) of Linux 5.7 says: no id of a mount, and nothing of what is the top of one. */
const withoutMounts = "statx:poke_exit=@arg5=ff070000001000000000000000000000";

describe("before Linux 5.8", () => {
  test("a hook finds what an earlier one could not make", () => {
    root.file(cache, "");
    const state = join(root.top, "state.json");
    writeFileSync(state, stateFor(root.path));
    const words = `create-symlinks --link libcuda.so.1::/usr/lib/x86_64-linux-gnu/libcuda.so`;
    const before = `TRACER ${executablePath} ${words} <${state} || exit 9`;
    expect(update([withoutMounts], { before })).toMatchObject({ status: 0, warnings: [], errors: [] });
    expect(update([withoutMounts], { before }).told).toContain("has libcuda.so");
    expect(update([withoutMounts]).told, "nobody asked for it").not.toContain("has libcuda.so");
  });

  test("notes of the image's own are not read", () => {
    const note = JSON.stringify([["link", "/usr/lib/x86_64-linux-gnu/libcuda.so", "libcuda.so.1"]]);
    root.file(cache, `\ncdi-hook: not in the root, as it is read-only: ${note}\n`);
    expect(update([withoutMounts]).told).not.toContain("has libcuda.so");
  });

  test("what is mounted in /etc stays when a layer is laid over that", () => {
    root.file("etc/resolv.conf", "").folder("etc/deep/er").file("etc/deep/er/file", "");
    writeFileSync(join(root.top, "file"), "mounted\n");
    const mounts = ["resolv.conf", "deep/er/file"].map((path) => `mount --bind $TOP/file $ROOT/etc/${path}`).join("; ");
    const { told, status } = update([withoutMounts], { mounts });
    expect(status).toBe(0);
    expect(told.filter((line) => line === "mounted")).toHaveLength(2);
  });
});
