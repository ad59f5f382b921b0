/** The hooks of a bundle of which nothing is mounted yet: done where they can be, left to the runtime where not. */
import { stages, type HookEntry } from "../apply/entry.ts";
import { annotatedErofs } from "../apply/erofs-annotation.ts";
import type { Hook } from "../cdi/spec.ts";
import { HookError } from "../errors.ts";
import { inOrder, together, type ChainedHook } from "../hooks/chain.ts";
import { runForgiving } from "../hooks/fatal.ts";
import { substitutesOf, tellMissing } from "../hooks/read-only.ts";
import type { Substitute } from "../hooks/read-only.ts";
import { RootInUse } from "../hooks/root-in-use.ts";
import { isReadOnlyMount } from "../host/host-facts.ts";
import type { Logger } from "../logger.ts";
import { rootPathOf } from "../oci/bundle.ts";
import { isObject, type JsonObject } from "../oci/json.ts";
import { mountsOfConfig } from "../oci/mounts.ts";
import type { State } from "../oci/state.ts";
import { openView, type View } from "../oci/view.ts";
import { part } from "../part.ts";
import { EROFS, describeErrno } from "../rootfs/constants.ts";
import { layMounts, type RuntimeMounts } from "../rootfs/overlay.ts";
import type { Root } from "../rootfs/root.ts";
import { VirtualRoot } from "../rootfs/virtual-root.ts";
import { chainedHooks } from "./entry-hooks.ts";
import { exitStatusOf, success } from "./exit.ts";
import type * as Images from "./image-entry.ts";
import { runtimeWord } from "./program.ts";

const images = part<typeof Images>("image");

/** The hooks whose work is partly or wholly on what the runtime is going to mount: they are also left to it. */
const needMounts: ReadonlySet<string> = new Set(["disable-device-node-modification", "chmod"]);
/** The one of them that can do nothing before. */
const onlyWithMounts = "disable-device-node-modification";

/** A hook of the bundle, or of a device that it gets. */
export interface Candidate {
  readonly entry: HookEntry;
  /** Its index in the bundle's list of its stage. */
  readonly at: number | undefined;
  /** What a device's spec says of it. */
  readonly hook: Hook | undefined;
}

/** gVisor's annotation for a root that is in a file (runsc/boot/vfs.go): what is in root.path is not seen then. */
const rootImage = "dev.gvisor.spec.rootfs.source";

/** A bundle whose root is to be opened. */
export interface Bundle {
  readonly bundle: string;
  readonly path: string;
  readonly config: JsonObject;
  readonly view: View;
  /** Mounts that are put in. */
  readonly planned: RuntimeMounts | undefined;
}

/** Its root, and the state that its hooks are told. */
export interface OpenedBundle {
  readonly root: Root;
  readonly state: State;
}

/** Opens the root as the container will see it. Throws HookError when that cannot be. */
export function openBundle({ bundle, path, config, view, planned: more }: Bundle, log: Logger): OpenedBundle {
  const { root, annotations } = config.members;
  const given = isObject(root) ? root["path"] : undefined;
  if (typeof given !== "string") throw new HookError("state", "parse", path, "it has no root.path");
  const state: State = { root: config.bytes(given), bundle, id: undefined, status: undefined, pid: undefined };
  const { mounts, devices } = mountsOfConfig(config, path, bundle, log);
  const planned = {
    mounts: [...mounts, ...(more?.mounts ?? [])],
    devices: [...devices, ...(more?.devices ?? [])],
  };
  if (isObject(annotations) && annotations[rootImage] !== undefined) {
    return { state, root: openImage(bundle, planned, path, log) };
  }
  return { state, root: openView({ state, path: rootPathOf(state), view, planned }, log).root };
}

/** gVisor's root from an image, in which nothing can be written: all changes are in the tree only. */
function openImage(bundle: string, planned: RuntimeMounts, path: string, log: Logger): Root {
  const image = annotatedErofs(bundle);
  if (image === undefined) throw new HookError("state", "open the root of", path, "it is an image that is no EROFS");
  const root = images().openErofsByPath(image, (message) => log.warn(message));
  layMounts(root, planned, (destination, result) =>
    log.debug(`mount on ${destination} is not shown: ${describeErrno(result)}`),
  );
  root.pretend("everywhere", true);
  return root;
}

/** What has become of hooks. */
export interface Outcome {
  /** Those of which nothing is left to do. */
  readonly done: ReadonlySet<Candidate>;
  /** Files that stand for what a read-only root lacks, to be mounted over those that it has. */
  readonly files: readonly Substitute[];
}

/** Runs the hooks. Undefined when one failed whose failure keeps a container from starting, which has been told then. */
export function runBundleHooks(
  ours: readonly Candidate[],
  { root, state, onReadOnly }: OpenedBundle & { readonly onReadOnly: string },
  log: Logger,
): Outcome | undefined {
  const inUse = new RootInUse(() => ({ root }), onReadOnly, log);
  const canBeWritten = !isReadOnlyMount(root.hostPath);
  // Where the root can be written, only what will be mounted on it cannot be: that is not to be made up for.
  const pretend = (): boolean => !canBeWritten && inUse.pretend();
  const owners = new Map<ChainedHook, Candidate>();
  const done = new Set(ours);
  const parsed = exitStatusOf(
    () => {
      for (const stage of stages) {
        for (const candidate of ours.filter(({ entry }) => entry.stage === stage)) {
          for (const hook of chainedHooks(candidate.entry, log)) owners.set(hook, candidate);
        }
      }
    },
    runtimeWord,
    log,
  );
  if (parsed !== success) return undefined;
  let worst = success;
  for (const group of inOrder([...owners.keys()])) {
    const [first] = group;
    if (first === undefined) continue;
    const { hook, flags } = first;
    const leave = (): void => {
      for (const each of group) {
        const owner = owners.get(each);
        if (owner !== undefined) done.delete(owner);
      }
    };
    if (needMounts.has(hook.name)) leave();
    if (hook.name === onlyWithMounts) continue;
    const { forgivesReadOnly } = inUse;
    const work = { flags, log, state: () => state, root: inUse.root, pretend, forgivesReadOnly };
    const run = (): void => {
      try {
        runForgiving(together(group, hook), work);
      } catch (error) {
        if (!canBeWritten || !isForMounts(error)) throw error;
        log.debug(`${hook.name} writes where something is going to be mounted: left to the runtime`);
        leave();
      }
    };
    worst = Math.max(worst, exitStatusOf(run, hook.name, log));
  }
  if (worst !== success) return undefined;
  const tree = inUse.root();
  if (!(tree instanceof VirtualRoot) || tree.unreal.length === 0) return { done, files: [] };
  const { files, missing, musl } = substitutesOf(tree, false);
  const lacking = files.filter(({ path }) => tree.isNew(path)).map(({ path }) => path);
  if (lacking.length > 0) {
    // No runtime makes a file to mount on in a root that is read-only.
    log.debug(`the root is read-only and has nothing to mount on at ${lacking.join(", ")}: left to the runtime`);
    return { done: new Set(), files: [] };
  }
  const later = missing.filter((path) => isInMount(tree, path));
  for (const [{ flags }, owner] of owners) {
    if (flags.list("link").some((link) => later.some((path) => link.endsWith(`::${path}`)))) done.delete(owner);
  }
  tellMissing({ missing: missing.filter((path) => !later.includes(path)), musl }, log);
  return { done, files };
}

/** Whether a path is below something that is going to be mounted on the root. */
function isInMount(tree: VirtualRoot, path: string): boolean {
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
    if (tree.isMountPoint(path.slice(0, end))) return true;
  }
  return false;
}

function isForMounts(error: unknown): boolean {
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  return errors.every((each) => each instanceof HookError && each.errno === EROFS);
}
