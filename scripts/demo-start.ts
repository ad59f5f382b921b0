import { spawnSync } from "node:child_process";
import { join } from "node:path";
import fsExtra from "fs-extra";
import { writeBundle } from "../test/support/bundle.ts";
import type { ContainerEdits } from "../test/support/cdi-spec.ts";
import { program } from "../test/support/debian-root.ts";
import { runc } from "../test/support/runtimes.ts";
import type { DemonstrationRoot } from "./demo-root.ts";

export interface Outcome {
  /** Exit status of the container's program, or of what failed before it. */
  status: number | null;
  stdout: string;
  stderr: string;
}

export interface Starter {
  description: string;
  /** Why the container's program is not run, when it is not: the hooks are run all the same. */
  withoutProgram?: string;
  start(edits: ContainerEdits): Outcome;
}

const NO_EDITS: ContainerEdits = { env: [], hooks: [], mounts: [] };

const quoted = (words: readonly string[]): string =>
  words.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(" ");

/** Shell lines that run the hooks as a runtime does: with the environment of the spec, and the state on stdin. */
function hookLines({ hooks }: ContainerEdits, state: string): string[] {
  return hooks.map(({ path, args, env }) => `env -i ${quoted([...env, path, ...args.slice(1)])} <${quoted([state])}`);
}

function shell(enter: readonly string[], lines: readonly string[]): Outcome {
  const [file = "sh", ...args] = enter.concat("sh", "-e", "-c", lines.join("\n"));
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: "utf8" });
  return { status, stdout, stderr };
}

function byRunc(root: DemonstrationRoot, bundle: string): Starter {
  return {
    description: "by runc, with root.readonly: true",
    start(edits) {
      writeBundle(bundle, { root: root.path, readonly: true, args: root.command, edits });
      return runc.run(bundle);
    },
  };
}

/** Whether runc can start anything at all: inside of another container it often cannot, root or not. */
function runcWorks(root: DemonstrationRoot, bundle: string): boolean {
  writeBundle(bundle, { root: root.path, readonly: true, args: ["/bin/true"], edits: NO_EDITS });
  return runc.run(bundle).status === 0;
}

/** Does by hand what a runtime does: mounts the libraries in a mount namespace, runs the hooks, starts the program by chroot. */
function inNamespace(root: DemonstrationRoot, state: string, enter: readonly string[]): Starter {
  return {
    description: enter.includes("-r") ? "in a user namespace, without root" : "by chroot in a mount namespace",
    start(edits) {
      const mounts = edits.mounts.flatMap(({ hostPath, containerPath }) => {
        const target = join(root.path, containerPath);
        if (!fsExtra.pathExistsSync(target)) fsExtra.outputFileSync(target, "");
        return `mount --bind ${quoted([hostPath, target])}`;
      });
      const last = `exec ${quoted([program("chroot") ?? "chroot", root.path, ...root.command])}`;
      return shell(enter, [...mounts, ...hookLines(edits, state), last]);
    },
  };
}

/** Where namespaces cannot be had: the libraries are copied into the root, and the program is not run. */
function onlyHooks(root: DemonstrationRoot, state: string, withoutProgram: string): Starter {
  return {
    description: "not: only the hooks are run",
    withoutProgram,
    start(edits) {
      for (const { hostPath, containerPath } of edits.mounts) {
        const target = join(root.path, containerPath);
        if (!fsExtra.pathExistsSync(target)) fsExtra.copySync(hostPath, target);
      }
      return shell([], hookLines(edits, state));
    },
  };
}

/** How containers are started here: by runc where it can run, else in namespaces, without root in a user namespace. */
export function demonstrationStart(root: DemonstrationRoot, bundle: string): Starter {
  const state = join(bundle, "state.json");
  const member = { ociVersion: "1.0.2", id: "demo", status: "creating", pid: 1, bundle, root: root.path };
  fsExtra.outputJsonSync(state, member);
  if (root.withoutProgram !== undefined) return onlyHooks(root, state, root.withoutProgram);
  if (runc.missing() === undefined && runcWorks(root, bundle)) return byRunc(root, bundle);
  const enter = process.getuid?.() === 0 ? ["unshare", "-m"] : ["unshare", "-r", "-m"];
  if (spawnSync(enter[0] ?? "", [...enter.slice(1), "true"]).status === 0) return inNamespace(root, state, enter);
  return onlyHooks(root, state, "this user may not make a namespace");
}
