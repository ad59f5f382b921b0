/** What `runtime` does to a bundle before the real runtime sees it: hooks of ours are done, and devices put in. */
import type * as CdiEdits from "../apply/cdi-edits.ts";
import { hooksOf } from "../apply/bundle-hooks.ts";
import { changedConfig } from "../apply/config-edit.ts";
import { commandLinesOf, isOurs, stages, type HookEntry } from "../apply/entry.ts";
import { injection, type HookChange } from "../apply/runtime-injection.ts";
import { fromText } from "../bytes/text.ts";
import type { Hook } from "../cdi/spec.ts";
import { HookError } from "../errors.ts";
import { inOrder, together, type ChainedHook } from "../hooks/chain.ts";
import { viewNamed } from "../hooks/container.ts";
import { runForgiving } from "../hooks/fatal.ts";
import { findHook } from "../hooks/index.ts";
import { readHostFile } from "../host/file.ts";
import { isReadOnlyMount } from "../host/host-facts.ts";
import { replaceHostFile } from "../host/replace-file.ts";
import type { Logger } from "../logger.ts";
import { rootPathOf } from "../oci/bundle.ts";
import { isObject, parseJsonObject, type JsonObject } from "../oci/json.ts";
import { mountsOfConfig } from "../oci/mounts.ts";
import type { State } from "../oci/state.ts";
import type * as Views from "../oci/view.ts";
import { part } from "../part.ts";
import { EROFS } from "../rootfs/constants.ts";
import type { RuntimeMounts } from "../rootfs/overlay.ts";
import type { Root } from "../rootfs/root.ts";
import { chainedHooks } from "./entry-hooks.ts";
import { exitStatusOf, success } from "./exit.ts";
import { parseCommandLine } from "./flags.ts";
import { hookGrammar, runtimeWord } from "./program.ts";

const views = part<typeof Views>("view");
const cdiEdits = part<typeof CdiEdits>("cdi-edits");

export interface BundleRequest {
  /** Absolute. */
  readonly bundle: string;
  /** CDI devices that the container gets, and the specs that have them; the usual folders without. */
  readonly devices: readonly string[];
  readonly specs: readonly string[];
  /** A View; "" for the one of a container that nothing is mounted for yet. */
  readonly view: string;
}

/** Bytes; a larger config.json is left alone, as by the hooks themselves. */
const largestConfig = 8 * 1024 * 1024;

/** The hooks whose work is partly or wholly on what the runtime is going to mount: they are also left to it. */
const needMounts: ReadonlySet<string> = new Set(["disable-device-node-modification", "chmod"]);
/** The one of them that can do nothing before. */
const onlyWithMounts = "disable-device-node-modification";

interface StageChange extends HookChange {
  readonly remove: Set<number>;
  readonly add: Hook[];
}

/** A hook of the bundle, or of a device that it gets. */
interface Candidate {
  readonly entry: HookEntry;
  /** Its index in the bundle's list of its stage. */
  readonly at: number | undefined;
  /** What a device's spec says of it. */
  readonly hook: Hook | undefined;
}

/**
 * Prepares a bundle. Whether the runtime may go on: it may not when a hook failed whose failure keeps a container from
 * starting, which has been told then, and config.json is as it was. What cannot be read or understood is left as it is, for
 * the runtime to tell in its own words. Throws HookError for devices that cannot be given.
 */
export function prepareBundle(request: BundleRequest, log: Logger): boolean {
  const path = `${request.bundle}/config.json`;
  const read = untouched(log, () => {
    const text = readHostFile(path, "state", largestConfig);
    const config = parseJsonObject(text, path);
    return { text, config, hooks: hooksOf(config, path) };
  });
  if (read === undefined) return true;
  const { text, config } = read;
  const view = viewNamed(request.view) ?? "overlay";
  const given =
    request.devices.length === 0
      ? undefined
      : cdiEdits().editsOf(request.specs, request.devices, (reason) => log.warn(reason.message));
  const candidates = [
    ...candidatesOf(read.hooks),
    ...(given?.edits ?? []).flatMap(({ hooks }) => hooks.map(fromDevice)),
  ];
  const ours = candidates.filter(({ entry }) => isKnown(entry));
  if (ours.length === 0 && given === undefined) return true;

  let done: ReadonlySet<Candidate> = new Set();
  if (ours.length > 0) {
    const seen = untouched(log, () =>
      openRoot({ ...read, path, bundle: request.bundle, view, more: given?.planned }, log),
    );
    // Whatever is wrong with the root, the runtime or the hooks in it will tell.
    if (seen !== undefined) {
      try {
        const result = runAll(ours, seen, log);
        if (result === undefined) return false;
        done = result;
      } finally {
        seen.root.close();
      }
    }
  }
  const changes = new Map<string, StageChange>();
  for (const candidate of candidates) {
    const { entry, at, hook } = candidate;
    const change: StageChange = changes.get(entry.stage) ?? { remove: new Set(), add: [] };
    changes.set(entry.stage, change);
    if (at !== undefined && done.has(candidate)) change.remove.add(at);
    if (hook !== undefined && !done.has(candidate)) change.add.push(hook);
  }
  const change = (): string => changedConfig(text, injection(config, given?.edits ?? [], changes), path);
  // Without its devices a container must not start; its hooks can also be run by the runtime.
  const changed = given === undefined ? untouched(log, change) : change();
  if (changed === undefined || changed === text) return true;
  const write = (): void => replaceHostFile(path, fromText(changed));
  if (given === undefined) untouched(log, write);
  else write();
  return true;
}

/** Undefined for a failure that is the runtime's to find. */
function untouched<T>(log: Logger, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof HookError)) throw error;
    log.debug(`left to the runtime: ${error.message}`);
    return undefined;
  }
}

function candidatesOf(hooks: readonly HookEntry[]): readonly Candidate[] {
  const counts = new Map<string, number>();
  return hooks.map((entry) => {
    const at = counts.get(entry.stage) ?? 0;
    counts.set(entry.stage, at + 1);
    return { entry, at, hook: undefined };
  });
}

function fromDevice(hook: Hook): Candidate {
  const { hookName, path, args, env } = hook;
  return { entry: { stage: hookName, path, args, env }, at: undefined, hook };
}

/** Whether it is a hook of ours at a stage of ours, and nothing but hooks that are known here. */
function isKnown(entry: HookEntry): boolean {
  if (!isOurs(entry) || !stages.some((stage) => stage === entry.stage)) return false;
  const lines = commandLinesOf(entry);
  return (
    lines.length > 0 &&
    lines.every((words) => findHook(parseCommandLine(words, hookGrammar).command ?? "") !== undefined)
  );
}

interface Bundle {
  readonly bundle: string;
  readonly path: string;
  readonly config: JsonObject;
  readonly view: Views.View;
  /** Mounts that are put in. */
  readonly more: RuntimeMounts | undefined;
}

interface OpenBundle {
  readonly root: Root;
  readonly state: State;
}

function openRoot({ bundle, path, config, view, more }: Bundle, log: Logger): OpenBundle {
  const { root } = config.members;
  const given = isObject(root) ? root["path"] : undefined;
  if (typeof given !== "string") throw new HookError("state", "parse", path, "it has no root.path");
  const state: State = { root: config.bytes(given), bundle, id: undefined, status: undefined, pid: undefined };
  const { mounts, devices } = mountsOfConfig(config, path, bundle, log);
  const planned = {
    mounts: [...mounts, ...(more?.mounts ?? [])],
    devices: [...devices, ...(more?.devices ?? [])],
  };
  return { state, root: views().openView({ state, path: rootPathOf(state), view, planned }, log).root };
}

/** Runs the hooks; those that nothing is left of, or undefined when one of them failed, which has been told. */
function runAll(
  ours: readonly Candidate[],
  { root, state }: OpenBundle,
  log: Logger,
): ReadonlySet<Candidate> | undefined {
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
    const work = { flags, log, state: () => state, root: () => root };
    const run = (): void => {
      try {
        runForgiving(together(group, hook), work);
      } catch (error) {
        if (!isForMounts(error, root.hostPath)) throw error;
        log.debug(`${hook.name} writes where something is going to be mounted: left to the runtime`);
        leave();
      }
    };
    worst = Math.max(worst, exitStatusOf(run, hook.name, log));
  }
  return worst === success ? done : undefined;
}

/** Of a root that can be written, only what will be mounted on it refuses to be. */
function isForMounts(error: unknown, root: string): boolean {
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  return errors.every((each) => each instanceof HookError && each.errno === EROFS) && !isReadOnlyMount(root);
}
