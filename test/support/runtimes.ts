import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cdiSpec, type ContainerEdits } from "./cdi-spec.ts";
import { program } from "./debian-root.ts";
import { peer } from "./peers.ts";
import { absentPeer } from "./tally.ts";

export interface ContainerRun {
  /** The container's exit status, or the runtime's own failure. */
  status: number | null;
  stdout: string;
  stderr: string;
}

/** An OCI runtime that runs a bundle. */
export interface Runtime {
  readonly name: string;
  /** Why it cannot run here, or undefined when it can. */
  missing(): string | undefined;
  /** The runtime's own words before `run`, with a directory for its state. */
  command(state: string): readonly string[];
  /** Runs the container of a bundle to its end, and leaves no trace of it. */
  run(bundle: string): ContainerRun;
}

const timeout = 120_000;

/** Why programs cannot be run as root here, or undefined when they can. */
export function needs(...programs: string[]): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  const absent = programs.find((name) => program(name) === undefined);
  return absent === undefined ? undefined : `needs ${absent}`;
}

/** Runs a command to its end. */
export function spawn(command: readonly string[]): ContainerRun {
  const [file = "", ...args] = command;
  const { status, stdout, stderr, error } = spawnSync(program(file) ?? file, args, {
    encoding: "utf8",
    timeout,
    killSignal: "SIGKILL",
  });
  return { status, stdout, stderr: error === undefined ? stderr : `${stderr}${error.message}\n` };
}

/** Runs a command with a state directory of its own, which is removed afterwards. */
export function withState<T>(run: (directory: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), "cdi-hook-runtime-"));
  try {
    return run(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const newId = (): string => `cdi-hook-${randomBytes(6).toString("hex")}`;

/**
 * A command in namespaces of its own, so that its mounts and processes end with it. In the hybrid mode of cgroups crun and
 * podman find the second hierarchy and fail on it: it is not mounted there.
 */
export function inNamespaces([file = "", ...args]: readonly string[]): readonly string[] {
  const script = 'if mountpoint -q /sys/fs/cgroup/unified; then umount /sys/fs/cgroup/unified; fi; "$@"';
  return [
    "unshare",
    "--mount",
    "--pid",
    "--fork",
    "--mount-proc",
    "sh",
    "-c",
    script,
    "sh",
    program(file) ?? file,
    ...args,
  ];
}

export const runc: Runtime = {
  name: "runc",
  missing: () => needs("runc"),
  command: (state) => ["runc", "--root", state],
  run: (bundle) => withState((state) => spawn([...runc.command(state), "run", "--bundle", bundle, newId()])),
};

const inNamespacesRun = (runtime: Runtime, bundle: string): ContainerRun =>
  withState((state) => spawn(inNamespaces([...runtime.command(state), "run", "--bundle", bundle, newId()])));

export const crun: Runtime = {
  name: "crun",
  missing: () => needs("crun", "unshare"),
  command: (state) => ["crun", "--root", state, "--cgroup-manager=disabled"],
  run: (bundle) => inNamespacesRun(crun, bundle),
};

/** gVisor of one release, with flags such as `--overlay2=none`; `find` gives the path of its runsc, or undefined. */
function gvisor(name: string, find: () => string | undefined, reason: string, flags: readonly string[]): Runtime {
  const runtime: Runtime = {
    name: [name, ...flags].join(" "),
    missing: () => needs("unshare") ?? (find() === undefined ? reason : undefined),
    command: (state) => [find() ?? "runsc", "--root", state, "--network=none", "--ignore-cgroups", ...flags],
    run: (bundle) => unlessItDies(() => inNamespacesRun(runtime, bundle)),
  };
  return runtime;
}

/** How often a start is tried that ended as `diedByItself` says. */
const starts = 4;

/** Runs a container anew when gVisor died by itself. */
export function unlessItDies(run: () => ContainerRun, died = diedByItself): ContainerRun {
  for (let start = 1; ; start++) {
    const result = run();
    if (start === starts || !died(result)) return result;
  }
}

/** The release of July 2024 ends now and then under load, by itself and with nobody before it, with status 2 and no word. */
function diedByItself({ status, stdout, stderr }: ContainerRun): boolean {
  return status === 2 && stdout === "" && stderr === "";
}

/** gVisor of December 2022, Debian's: it runs prestart and createRuntime hooks, never createContainer. */
export const gvisor2022 = (...flags: readonly string[]): Runtime =>
  gvisor("gVisor 2022", () => program("runsc"), "needs runsc", flags);

/**
 * gVisor of July 2024: as that of 2022. It dies by itself now and then on a busy machine, also without any hook, with status
 * 2 and without a word: such a run is tried again.
 */
export function gvisor2024(...flags: readonly string[]): Runtime {
  const once = gvisor("gVisor 2024", () => peer("runsc-20240729"), `${absentPeer}runsc-20240729`, flags);
  const run = (bundle: string, tries = 4): ContainerRun => {
    const result = once.run(bundle);
    const died = result.status === 2 && result.stdout === "" && result.stderr === "";
    return died && tries > 1 ? run(bundle, tries - 1) : result;
  };
  return { ...once, run: (bundle) => run(bundle) };
}

/** gVisor of August 2026 with flags; see gvisor2026. */
export const gvisor2026With = (...flags: readonly string[]): Runtime =>
  gvisor("gVisor 2026", () => peer("runsc-20260822"), `${absentPeer}runsc-20260822`, flags);

/** gVisor of August 2026: its gofer runs createContainer hooks, which older releases do not. */
export const gvisor2026: Runtime = gvisor2026With();

export interface PodmanRun {
  runtime: "runc" | "crun";
  /** A folder, or an image as `oci:DIR:TAG`. */
  root: string;
  readonly: boolean;
  args: readonly string[];
  /** Written as a CDI spec into /etc/cdi for the time of the run. */
  edits?: ContainerEdits;
  /** What is done to that spec before podman reads it. */
  prepare?: (spec: string) => void;
}

/** Why podman cannot run a container on this runtime here, or undefined when it can. */
export function podmanMissing(runtime: PodmanRun["runtime"]): string | undefined {
  return needs("podman", "conmon", runtime, "unshare");
}

/** Runs a container by podman with `--device KIND=all`, from a root filesystem that is used as it lies there, or an image. */
export function runPodman(options: PodmanRun): ContainerRun {
  const vendor = newId();
  const kind = `${vendor}.test/gpu`;
  const folder = "/etc/cdi";
  const spec = join(folder, `${vendor}.json`);
  const madeFolder = !existsSync(folder);
  mkdirSync(folder, { recursive: true });
  try {
    if (options.edits !== undefined) writeFileSync(spec, JSON.stringify(cdiSpec(kind, options.edits), null, 2));
    options.prepare?.(spec);
    return withState((state) =>
      spawn(
        inNamespaces([
          "podman",
          `--root=${state}/storage`,
          `--runroot=${state}/run`,
          `--tmpdir=${state}/tmp`,
          "--storage-driver=vfs",
          "--cgroup-manager=cgroupfs",
          "--events-backend=none",
          `--runtime=${options.runtime}`,
          "run",
          "--rm",
          "--network=none",
          "--log-driver=none",
          "--ulimit=nofile=1024:1024",
          "--ulimit=nproc=1000:1000",
          ...(options.readonly ? ["--read-only", "--read-only-tmpfs=false"] : []),
          ...(options.edits === undefined ? [] : [`--device=${kind}=all`]),
          ...(options.root.startsWith("oci:") ? [options.root] : ["--rootfs", options.root]),
          ...options.args,
        ]),
      ),
    );
  } finally {
    rmSync(spec, { force: true });
    if (madeFolder && readdirSync(folder).length === 0) rmdirSync(folder);
  }
}
