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
import { hostIdentity } from "../rootfs/host-identity.ts";
import { KernelRoot } from "../rootfs/kernel-root.ts";
import { frozenOverlayOf, mountedOverlayOf, overlayOf, type RuntimeMounts } from "../rootfs/overlay.ts";
import { openProcessRoot } from "../rootfs/process-root.ts";
import type { Root } from "../rootfs/root.ts";
import { withoutLastSlashes } from "../rootfs/slashes.ts";
import { mountsOf } from "./mounts.ts";
import type { State } from "./state.ts";

export type View = "here" | "process" | "overlay";

/** A root, and how it is seen. */
export interface Seen {
  readonly root: Root;
  readonly view: View;
  /** The root only seems to be writable: see hooks/read-only.ts. */
  readonly pretends?: true;
}

/** Which root is to be opened, and how. */
export interface ViewRequest {
  readonly state: State;
  /** The root's absolute host path. */
  readonly path: string;
  /** The view that is asked for; found out without. */
  readonly view: View | undefined;
  /** What is going to be mounted, when it is known from elsewhere than config.json. */
  readonly planned?: RuntimeMounts;
  /** Changes are only noted: the root is a VirtualRoot, and has them. */
  readonly forecast?: boolean;
}

/**
 * Opens a root in the view that shows the container's mounts, or in the one that is asked for. Throws HookError `root`,
 * `state` and `refused`; `state` as well when the view that is asked for cannot be had.
 */
export function openView(request: ViewRequest, log: Log): Seen {
  const here = KernelRoot.open(request.path);
  try {
    const { view, why, process, planned } = choose(here, request, log);
    log.debug(`view: ${view} (${why})`);
    const forecast = request.forecast === true;
    if (view === "overlay") {
      const failed = (destination: string, result: number): void =>
        log.debug(`mount on ${destination} is not shown: ${describeErrno(result)}`);
      return {
        view,
        root: mountedOverlayOf(here, planned ?? { mounts: [], devices: [] }, failed, !forecast),
      };
    }
    // A runtime may show its process a writable mount of a folder that is read-only for us: it stays so.
    const frozen = process !== undefined && here.readOnly && !process.readOnly;
    if (process !== undefined) here.close();
    const root = process ?? here;
    if (frozen) return { view, root: frozenOverlayOf(root), pretends: true };
    root.keepWays();
    return { view, root: forecast ? overlayOf(root, true) : root };
  } catch (error) {
    here.close();
    throw error;
  }
}

interface Choice {
  readonly view: View;
  readonly why: string;
  /** The root of the view `process`. */
  readonly process?: KernelRoot;
  /** The mounts of the view `overlay`. */
  readonly planned?: RuntimeMounts;
}

function choose(here: KernelRoot, request: ViewRequest, log: Log): Choice {
  const { state, path, view: asked } = request;
  if (asked === "here") return { view: "here", why: "asked for" };
  if (asked === "overlay")
    return { view: "overlay", planned: request.planned ?? mountsOf(state.bundle, log), why: "asked for" };
  if (asked === "process") {
    const process = processRoot(here, state, path);
    if (typeof process === "string") throw new HookError("state", "look into the process of", path, process);
    return { view: "process", process, why: "asked for" };
  }
  const planned = request.planned ?? plannedMounts(state, log);
  const shown = planned === undefined ? undefined : showsMounts(here, planned);
  if (shown === true) return { view: "here", why: "the mounts of config.json are there" };
  if (planned !== undefined && shown === undefined)
    return { view: "here", why: "config.json mounts no file or folder of the host" };
  const process = processRoot(here, state, path);
  let why: string;
  if (typeof process === "string") why = process;
  // Without a config.json to compare with, the same folder in another mount namespace has to do.
  else if (planned === undefined || showsMounts(process, planned) === true) {
    return { view: "process", process, why: `process ${state.pid ?? 0} sees the container's mounts` };
  } else {
    process.close();
    why = "the container's process does not see them either";
  }
  if (planned === undefined) return { view: "here", why };
  return { view: "overlay", planned, why: `the mounts of config.json are not there; ${why}` };
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
  const prefix = withoutLastSlashes(later);
  return earlier === prefix || earlier.startsWith(`${prefix}/`);
}

function processRoot(here: KernelRoot, { pid }: State, path: string): KernelRoot | string {
  if (pid === undefined || pid <= 1) return `the state's pid, ${pid ?? "missing"}, is no process to look into`;
  return openProcessRoot(pid, path, here);
}
