/**
 * disable-device-node-modification mounts: what hostile roots could make of that. The host's and the root's driver are
 * stand-ins in a mount namespace of each test. Runc's CVE-2021-30465, CVE-2023-27561 and CVE-2025-31133 are of this kind.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test, type TestContext } from "vitest";
import { watchTree } from "../support/canary.ts";
import { program } from "../support/debian-root.ts";
import { executablePath, stateFor } from "../support/executable.ts";
import { HostileRoot, type AttackResult } from "../support/hostile-root.ts";

const hook = "disable-device-node-modification";

const onHost =
  "mount -t tmpfs none /proc/driver; mkdir /proc/driver/nvidia; echo 'ModifyDeviceFiles: 1' >/proc/driver/nvidia/params";
const procfs = "mount -t proc none $ROOT/proc";
/** A folder of the root's procfs that can be written in. */
const inRoot = `${procfs}; mount -t tmpfs none $ROOT/proc/driver; mkdir $ROOT/proc/driver/nvidia`;
const params = "echo 'ModifyDeviceFiles: 1' >$ROOT/proc/driver/nvidia/params";

/** Runs the hook, then tells on stdout what was mounted, and what both params say. */
const telling = `
sort /proc/self/mountinfo >"$TOP/before"
"$@"; status=$?
sort /proc/self/mountinfo | comm -13 "$TOP/before" - | while read -r line; do echo "mounted $line"; done
params=$ROOT/proc/driver/nvidia/params
if [ -f "$params" ] && [ ! -h "$params" ]; then while read -r line; do echo "root $line"; done <"$params"; fi
while read -r line; do echo "host $line"; done </proc/driver/nvidia/params
rm "$TOP/before"
exit $status
`;

let root: HostileRoot;
let mountsBefore: string;

beforeEach((context: TestContext) => {
  if (process.getuid?.() !== 0) context.skip("needs root");
  if (program("unshare") === undefined) context.skip("needs unshare");
  root = new HostileRoot();
  mountsBefore = hostMounts();
});

function hostMounts(): string {
  return readFileSync("/proc/self/mountinfo", "latin1");
}

/** Read-only as a mount and as a file system. */
const onlyParams: unknown = expect.stringMatching(
  / \/params \S+\/rootfs\/proc\/driver\/nvidia\/params ro,nosuid,nodev,noexec,\S+ - tmpfs tmpfs ro,/,
);

interface Outcome extends AttackResult {
  readonly told: readonly string[];
  readonly mounted: readonly string[];
}

function attack(mounts: string, tracer = ""): Outcome {
  const script = join(root.top, "telling.sh");
  writeFileSync(script, `#!/bin/sh\nROOT=${root.path} TOP=${root.top}\n${telling.replace('"$@"', `${tracer} "$@"`)}`, {
    mode: 0o755,
  });
  const result = root.attack([executablePath, hook], { mounts, executable: script });
  expect(hostMounts(), "mounts of the host").toBe(mountsBefore);
  const lines = result.stdout.toString("latin1").split("\n").slice(0, -1);
  return {
    ...result,
    told: lines.filter((line) => !line.startsWith("mounted ")),
    mounted: lines.filter((line) => line.startsWith("mounted ")),
  };
}

/** Nothing is mounted, the container starts, and one line says why. */
function expectWarning(outcome: Outcome, reason: RegExp): void {
  const { status, warnings, mounted } = outcome;
  expect({ status, warnings, mounted }).toEqual({ status: 0, warnings: [expect.stringMatching(reason)], mounted: [] });
}

test("an honest root: the canary is alive", () => {
  const { status, told, mounted } = attack(`${onHost}; ${inRoot}; ${params}`);
  expect({ status, told }).toEqual({ status: 0, told: ["root ModifyDeviceFiles: 0", "host ModifyDeviceFiles: 1"] });
  expect(mounted).toEqual([onlyParams]);
});

/** How older kernels, or sandboxes around the runtime, answer. */
describe.each(["fsopen:error=ENOSYS", "fsopen:error=EPERM", "open_tree:error=EINVAL", "mount_setattr:error=ENOSYS"])(
  "where the kernel says %s",
  (injected) => {
    beforeEach((context: TestContext) => {
      if (program("strace") === undefined) context.skip("needs strace");
    });

    test("the mount is the same, and nothing else stays mounted", () => {
      const tracer = `strace -f -qq -o/dev/null -e inject=${injected}`;
      const { status, told, mounted } = attack(`${onHost}; ${inRoot}; ${params}`, tracer);
      expect({ status, told }).toEqual({ status: 0, told: ["root ModifyDeviceFiles: 0", "host ModifyDeviceFiles: 1"] });
      expect(mounted).toEqual([onlyParams]);
    });

    test("and without mount(2) as well, the container starts with a warning and no mount", () => {
      const tracer = `strace -f -qq -o/dev/null -e inject=${injected} -e inject=mount:error=EPERM`;
      const { status, warnings, mounted } = attack(`${onHost}; ${inRoot}; ${params}`, tracer);
      expect({ status, mounted }).toEqual({ status: 0, mounted: [] });
      expect(warnings).toEqual([expect.stringMatching(/operation not permitted \(EPERM\)/)]);
    });
  },
);

test("the bind mount fails when the file system is mounted already: that does not stay", (context) => {
  if (program("strace") === undefined) context.skip("needs strace");
  const tracer = "strace -f -qq -o/dev/null -e inject=fsopen:error=ENOSYS -e inject=mount:error=EPERM:when=3";
  expectWarning(attack(`${onHost}; ${inRoot}; ${params}`, tracer), /EPERM/);
});

test("/proc of the root is a link to a folder of the host", () => {
  root.remove("proc").link("proc", root.outside);
  expectWarning(attack(onHost), /no procfs is mounted on \/proc of the root/);
});

test("/proc of the root is a link to the host's /proc", () => {
  root.remove("proc").link("proc", "/proc");
  expectWarning(attack(onHost), /no procfs is mounted/);
  root.remove("proc").link("proc", root.climbing("/proc"));
  expectWarning(attack(onHost), /no procfs is mounted/);
});

test("/proc of the root is a folder of the image that looks like it", () => {
  root.folder("proc/driver/nvidia").file("proc/driver/nvidia/params", "ModifyDeviceFiles: 1\n");
  expectWarning(attack(onHost), /no procfs is mounted/);
});

test("/proc of the root is a file system that is no procfs", () => {
  expectWarning(
    attack(`${onHost}; mount -t tmpfs none $ROOT/proc; mkdir -p $ROOT/proc/driver/nvidia; ${params}`),
    /no procfs/,
  );
});

test("/proc of the root has no driver, is masked, or is missing", () => {
  expectWarning(attack(`${onHost}; ${procfs}`), /no such file or directory/);
  expectWarning(attack(`${onHost}; ${procfs}; mount -t tmpfs none $ROOT/proc/driver`), /no such file or directory/);
  expectWarning(attack(`${onHost}; ${procfs}; mount -t tmpfs none $ROOT/proc`), /no procfs is mounted/);
  expectWarning(attack(`${onHost}; rmdir $ROOT/proc`), /no procfs is mounted/);
});

test.each([
  ["a link to a file of the host", "ln -s $OUTSIDE/secret $ROOT/proc/driver/nvidia/params", /not a regular file/],
  [
    "a link to the host's params",
    "ln -s /proc/driver/nvidia/params $ROOT/proc/driver/nvidia/params",
    /not a regular file/,
  ],
  ["a link to nothing", "ln -s /nowhere $ROOT/proc/driver/nvidia/params", /not a regular file/],
  ["a folder", "mkdir $ROOT/proc/driver/nvidia/params", /not a regular file/],
  ["a FIFO", "mkfifo $ROOT/proc/driver/nvidia/params", /not a regular file/],
  ["a device", "mknod $ROOT/proc/driver/nvidia/params c 1 5", /not a regular file/],
])("params is %s", (_what, command, reason) => {
  expectWarning(attack(`${onHost}; ${inRoot}; ${command}`), reason);
});

test("the folder of params is a link", () => {
  const link = "ln -s $OUTSIDE $ROOT/proc/driver/nvidia";
  expectWarning(attack(`${onHost}; ${procfs}; mount -t tmpfs none $ROOT/proc/driver; ${link}`), /not a directory/);
});

test("the host's /proc, bind-mounted and shared: the host's params do not change", () => {
  const mounts = `${onHost}; mount --make-rshared /proc; mount --rbind /proc $ROOT/proc`;
  const { status, told } = attack(mounts);
  expect({ status, told }).toEqual({ status: 0, told: ["root ModifyDeviceFiles: 0", "host ModifyDeviceFiles: 1"] });
});

test("a driver that makes no device nodes, or no driver: nothing is mounted, and what is on stdin does not matter", () => {
  for (const host of [
    "mount -t tmpfs none /proc/driver",
    onHost.replace(": 1", ": 0"),
    `${onHost}; : >/proc/driver/nvidia/params`,
  ]) {
    const mounts = `${host}; ${inRoot}; ${params}`;
    const result = root.attack([hook], { mounts, stdin: "this is no state" });
    expect({ status: result.status, stderr: result.stderr }).toEqual({ status: 0, stderr: "" });
  }
});

/** Exchanges params for a link to a file of the host, a link to the host's params, a folder and a FIFO, without pause. */
const exchanger = `
use strict;
use POSIX ();
my ($place, $canary) = @ARGV;
chdir $place or die;
$| = 1;
for (my $n = 0; ; $n++) {
  unlink "next"; rmdir "next";
  my $kind = $n % 4;
  if ($kind == 0) { symlink $canary, "next" }
  elsif ($kind == 1) { mkdir "next" }
  elsif ($kind == 2) { symlink "/proc/driver/nvidia/params", "next" }
  else { POSIX::mkfifo("next", 0644) }
  rmdir "params"; rename "next", "params";
  open my $file, ">", "file"; print $file "ModifyDeviceFiles: 1\\n"; close $file;
  rmdir "params"; rename "file", "params";
}
`;

const race = `
set -e
${onHost}
${inRoot}
${params}
perl "$TOP/exchanger.pl" "$ROOT/proc/driver/nvidia" "$OUTSIDE/secret" 2>/dev/null &
exchanger=$!
sort /proc/self/mountinfo >"$TOP/before"
covered=0 warned=0 n=0
# Both outcomes are to be met some times, however the two processes happen to run.
while [ $n -lt 200 ] || { [ $n -lt 5000 ] && { [ $covered -lt 6 ] || [ $warned -lt 6 ]; }; }; do
  n=$((n + 1))
  env -i "$HOOK" ${hook} <"$TOP/state" 2>"$TOP/stderr" || echo "run $n: failed"
  if [ -s "$TOP/stderr" ]; then warned=$((warned + 1)); fi
  sort /proc/self/mountinfo | comm -13 "$TOP/before" - >"$TOP/new"
  if [ -s "$TOP/new" ]; then
    covered=$((covered + 1))
    grep -v " $ROOT/proc/driver/nvidia/[a-z]* ro,nosuid,nodev,noexec" "$TOP/new" || :
    cut -d' ' -f5 "$TOP/new" | while read -r at; do umount "$at"; done
  fi
done
kill $exchanger
[ "$(cat /proc/driver/nvidia/params)" = "ModifyDeviceFiles: 1" ] || echo "the host's params changed"
echo "covered $covered warned $warned of $n"
`;

test("params is exchanged for links, folders and FIFOs while the hook runs (race)", (context) => {
  if (program("perl") === undefined) context.skip("needs perl");
  writeFileSync(join(root.top, "exchanger.pl"), exchanger);
  writeFileSync(join(root.top, "state"), stateFor(root.path));
  const changes = watchTree(root.outside);
  const { stdout, stderr } = spawnSync("unshare", ["--mount", "--propagation", "private", "sh", "-c", race], {
    env: {
      PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
      ROOT: root.path,
      TOP: root.top,
      OUTSIDE: root.outside,
      HOOK: executablePath,
    },
    encoding: "utf8",
    timeout: 120_000,
    killSignal: "SIGKILL",
  });
  expect(changes()).toEqual([]);
  expect(hostMounts()).toBe(mountsBefore);
  const [, covered = 0, warned = 0, all = 0] = (/^covered (\d+) warned (\d+) of (\d+)\n$/.exec(stdout) ?? []).map(
    Number,
  );
  expect({ stdout, stderr, met: covered > 5 && warned > 5, told: covered + warned }).toMatchObject({
    met: true,
    told: all,
  });
});
