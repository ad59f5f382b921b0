/**
 * podman with `cdi-hook-NAME` before each runtime: what a container does, and what podman says, is what it is without; and a
 * container that gets the driver by a CDI spec loads it, whatever hooks the runtime runs.
 */
import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { cdiSpec } from "../support/cdi-spec.ts";
import { podmanScriptMissing, runPodmanScript } from "../support/podman-script.ts";
import { loaded, notLoaded, probeCommand } from "../support/probe.ts";
import { linkBefore, runtimesBehind } from "../support/runtime-links.ts";
import { unlessItDies, type ContainerRun } from "../support/runtimes.ts";
import { setStage } from "../support/stage.ts";

const timeout = 300_000;

/**
 * Runs, detaches, enters, stops and reads containers; says how each ended. The program that goes on starts no others: on
 * gVisor's release of July 2024 a process that ends often takes the sandbox with it.
 */
const session = `
told() { echo "$1: $2"; }
quick="run --rm $limits --rootfs $1"
podman $quick sh -c 'echo out; echo err >&2; exit 7'; told run $?
podman $quick sh -c 'kill -KILL $$'; told killed $?
echo typed | podman run -i --rm $limits --rootfs $1 cat; told input $?
podman $quick nothing-of-that-name >/dev/null 2>&1; told missing $?
terminal PODMAN run -t --rm $limits --rootfs $1 sh -c "'test -t 0 && echo terminal; exit 6'"; told "run -t" $?
podman run -d --name c --log-driver=k8s-file $limits --rootfs $1 \
  perl -e '$| = 1; $SIG{TERM} = sub { print "stopped\\n"; exit 5 }; $SIG{USR1} = sub { print "user\\n" };
    print "started\\n"; sleep 1 while 1' >/dev/null
told detached $?
for i in 1 2 3 4 5 6 7 8 9 10; do podman logs c | grep -q started && break; sleep 0.5; done
podman exec c sh -c 'echo inside; exit 3'; told exec $?
echo typed | podman exec -i c cat; told "exec -i" $?
terminal PODMAN exec -t c sh -c "'test -t 0 && echo terminal; exit 4'" >$1.typed; told "exec -t" $?; tail -1 $1.typed
podman kill --signal USR1 c >/dev/null; told kill $?
for i in 1 2 3 4 5 6 7 8 9 10; do podman logs c | grep -q user && break; sleep 0.5; done
podman inspect --format '{{.State.Status}}' c
podman kill --signal TERM c >/dev/null; told kill $?
podman wait c; podman logs c; told logs $?
podman rm c >/dev/null; told rm $?
podman ps -a --noheading
`;

describe.each(runtimesBehind)("podman on $name", ({ name, find, flags, gvisor }) => {
  test("run, exec, logs, terminals, exit statuses, kill and signals are as without", { timeout }, (context) => {
    const found = find();
    const missing = "missing" in found ? found.missing : podmanScriptMissing();
    if (missing !== undefined || "missing" in found) return context.skip(missing);
    const { work, root } = setStage(context, { compiled: false });
    const links = linkBefore(join(work, "bin"), name, found.path);
    const run = (runtime: string): ContainerRun =>
      unlessItDies(
        () => runPodmanScript({ runtime, flags, script: session, args: [root] }),
        // Seen from outside, the release of 2024 that died by itself is a container that ended with status 2.
        ({ stdout }) => name === "runsc-20240729" && /^(?:[a-z -]+: )?2$/m.test(stdout),
      );
    const without = run(links.runtime);
    expect(without.stdout).toContain("run: 7\n");
    expect(without.stdout).toContain("\nstarted\nuser\nstopped\nlogs: 0\n");
    // podman cannot `exec -t` on gVisor, which knows no --tty: with us it cannot either.
    expect(without.stdout.includes("exec -t: 4\n")).toBe(!gvisor);
    const before = run(links.before);
    expect(before.stdout).toBe(without.stdout);
    expect(before.status).toBe(without.status);
    expect(before.stderr.replaceAll(links.before, links.runtime)).toBe(without.stderr);
  });

  test("a program loads the driver that a CDI spec of /etc/cdi names", { timeout }, (context) => {
    const found = find();
    const missing = "missing" in found ? found.missing : podmanScriptMissing();
    if (missing !== undefined || "missing" in found) return context.skip(missing);
    const { work, root, edits, driver } = setStage(context);
    const links = linkBefore(join(work, "bin"), name, found.path);
    const kind = `cdi-hook-${process.pid}.test/gpu`;
    const script = 'root=$1; shift; podman run --rm $limits --device=$KIND --rootfs "$root" "$@"'.replace(
      "$KIND",
      `${kind}=all`,
    );
    const run = (runtime: string): ContainerRun =>
      unlessItDies(() => runPodmanScript({ runtime, flags, script, args: [root, ...probeCommand()] }));
    withSpec(JSON.stringify(cdiSpec(kind, { ...edits, hooks: [] })), () =>
      expect(run(links.before)).toMatchObject({ status: 3, stdout: notLoaded() }),
    );
    withSpec(JSON.stringify(cdiSpec(kind, edits)), () => {
      for (const start of [1, 2]) {
        expect(run(links.before), `start ${start}`).toMatchObject({ status: 0, stdout: loaded(driver.version) });
      }
    });
  });
});

/** A spec in the folder that engines read. */
function withSpec(text: string, use: () => void): void {
  const folder = "/etc/cdi";
  const path = join(folder, `cdi-hook-test-${process.pid}.json`);
  const madeFolder = !existsSync(folder);
  mkdirSync(folder, { recursive: true });
  try {
    writeFileSync(path, text);
    use();
  } finally {
    rmSync(path, { force: true });
    if (madeFolder && readdirSync(folder).length === 0) rmdirSync(folder);
  }
}
