/**
 * How a container's files are seen, which depends on the stage of its start and on the runtime:
 *
 * - `here`: below the root's path in our own mount namespace (createContainer of runc, crun and gVisor since 2026, and
 *   whatever mounts nothing);
 * - `process`: below that path as the container's process sees it (prestart and createRuntime of runc and crun);
 * - `overlay`: the root as it lies there, and over it what config.json is going to mount (gVisor's prestart and
 *   createRuntime; a bundle that was not started).
 *
 * Which one it is does not follow from the state: the same values mean different things to different runtimes. So it is
 * looked at whether what config.json mounts is there.
 */
import { HookError } from "../errors.ts";
import type { Log } from "../logger.ts";
import { EACCES, describeErrno } from "../rootfs/constants.ts";
import { hostIdentity } from "../rootfs/kernel-source.ts";
import { KernelRoot } from "../rootfs/kernel-root.ts";
import { mountedOverlayOf, type RuntimeMounts } from "../rootfs/overlay.ts";
import { openProcessRoot } from "../rootfs/process-root.ts";
import type { Root } from "../rootfs/root.ts";
import { mountsOf } from "./mounts.ts";
import type { State } from "./state.ts";

export const views = ["here", "process", "overlay"] as const;
export type View = (typeof views)[number];

/** A root, and how it is seen. */
export interface Seen {
  readonly root: Root;
  readonly view: View;
}

/**
 * Opens the root of absolute host path `path` in the view that shows the container's mounts, or in the one that is asked
 * for. Throws HookError `root`, `state` and `refused`; `state` as well when the view that is asked for cannot be had.
 */
export function openView(state: State, path: string, asked: View | undefined, log: Log): Seen {
  const here = KernelRoot.open(path);
  try {
    const { root, view, why } = choose(here, state, path, asked, log);
    log.debug(`view: ${view} (${why})`);
    if (view === "process") here.close();
    return { root, view };
  } catch (error) {
    here.close();
    throw error;
  }
}

interface Choice extends Seen {
  readonly why: string;
}

function choose(here: KernelRoot, state: State, path: string, asked: View | undefined, log: Log): Choice {
  if (asked === "here") return { root: here, view: "here", why: "asked for" };
  if (asked === "overlay") return overlay(here, mountsOf(state.bundle, log), "asked for", log);
  if (asked === "process") {
    const root = processRoot(here, state, path);
    if (typeof root === "string") throw new HookError("state", "look into the process of", path, root);
    return { root, view: "process", why: "asked for" };
  }
  const planned = plannedMounts(state, log);
  const shown = planned === undefined ? undefined : showsMounts(here, planned);
  if (shown === true) return { root: here, view: "here", why: "the mounts of config.json are there" };
  if (planned !== undefined && shown === undefined)
    return { root: here, view: "here", why: "config.json mounts no file or folder of the host" };
  const process = processRoot(here, state, path);
  let why: string;
  if (typeof process === "string") why = process;
  // Without a config.json to compare with, the same folder in another mount namespace has to do.
  else if (planned === undefined || showsMounts(process, planned) === true) {
    return { root: process, view: "process", why: `process ${state.pid ?? 0} sees the container's mounts` };
  } else {
    process.close();
    why = "the container's process does not see them either";
  }
  if (planned === undefined) return { root: here, view: "here", why };
  return overlay(here, planned, `the mounts of config.json are not there; ${why}`, log);
}

function overlay(here: KernelRoot, planned: RuntimeMounts, why: string, log: Log): Choice {
  const root = mountedOverlayOf(here, planned, (destination, result) =>
    log.debug(`mount on ${destination} is not shown: ${describeErrno(result)}`),
  );
  return { root, view: "overlay", why };
}

/** Undefined when there is no config.json that we may read. */
function plannedMounts(state: State, log: Log): RuntimeMounts | undefined {
  try {
    return mountsOf(state.bundle, log);
  } catch (error) {
    if (!(error instanceof HookError)) throw error;
    log.debug(`the container's mounts are not known: ${error.message}`);
    return undefined;
  }
}

/** Mounts that have to be there before the others are taken for granted, and mounts that are looked at for them. */
const witnesses = 3;
const mostCandidates = 64;

/**
 * Whether the first bind mounts whose sources are there can be seen at their destinations, where nothing that comes after
 * them hides them; undefined when there is none to look for.
 */
function showsMounts(root: Root, { mounts }: RuntimeMounts): boolean | undefined {
  let seen = 0;
  for (const [at, { destination, source }] of mounts.slice(0, mostCandidates).entries()) {
    if (source === undefined || mounts.slice(at + 1).some((later) => hides(later.destination, destination))) continue;
    const wanted = hostIdentity(source);
    const found = wanted === undefined ? -EACCES : root.stat(destination);
    if (found === -EACCES) continue; // below /proc, where nothing is looked at
    if (typeof found === "number" || found.identity !== wanted) return false;
    seen += 1;
    if (seen === witnesses) return true;
  }
  return seen > 0 ? true : undefined;
}

/** By their spelling; links are the business of who resolves them. */
function hides(later: string, earlier: string): boolean {
  const prefix = later.replace(/\/+$/, "");
  return earlier === prefix || earlier.startsWith(`${prefix}/`);
}

function processRoot(here: KernelRoot, { pid }: State, path: string): KernelRoot | string {
  if (pid === undefined || pid <= 1) return `the state's pid, ${pid ?? "missing"}, is no process to look into`;
  return openProcessRoot(pid, path, here);
}
