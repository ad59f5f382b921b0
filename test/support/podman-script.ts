import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ContainerRun, inNamespaces, needs, spawn, withState } from "./runtimes.ts";

export interface PodmanScript {
  /** Path of the OCI runtime. */
  readonly runtime: string;
  /** Its flags, without dashes. */
  readonly flags: readonly string[];
  /**
   * A script of sh(1). In it `podman` is podman with a store of its own, `terminal WORDS` runs a command on a terminal, and
   * `$limits` is what `run` needs here.
   */
  readonly script: string;
  /** The script's `$1` and so on. */
  readonly args: readonly string[];
}

/** Why no such script can be run here, or undefined when it can. */
export function podmanScriptMissing(): string | undefined {
  return needs("podman", "conmon", "unshare", "script");
}

/** Runs a script with podman in namespaces of its own: what it starts ends with it. */
export function runPodmanScript({ runtime, flags, script, args }: PodmanScript): ContainerRun {
  return withState((state) => {
    const podman = join(state, "podman");
    const words = [
      `--root=${state}/storage`,
      `--runroot=${state}/run`,
      `--tmpdir=${state}/tmp`,
      "--storage-driver=vfs",
      "--cgroup-manager=cgroupfs",
      "--events-backend=none",
      `--runtime=${runtime}`,
      ...flags.map((flag) => `--runtime-flag=${flag}`),
    ];
    writeFileSync(podman, `#!/bin/sh\nexec podman ${words.join(" ")} "$@"\n`, { mode: 0o755 });
    const before = [
      `podman() { ${podman} "$@"; }`,
      // Behind the program's output there is also the echo of the end of our input.
      `terminal() { script -qec "$*" ${state}/typed </dev/null >/dev/null; status=$?; ` +
        `sed '1d;$d' ${state}/typed | tr -d '\\000\\004\\010\\r' | sed 's/\\^[@D]//g' | grep .; return $status; }`,
      'limits="--network=none --ulimit=nofile=1024:1024 --ulimit=nproc=1000:1000"',
    ];
    const path = join(state, "script");
    writeFileSync(path, [...before, script].join("\n").replaceAll("PODMAN", podman));
    return spawn(inNamespaces(["sh", path, ...args]));
  });
}
