/** What `runtime` does to a bundle before the real runtime sees it: hooks of ours are done, and devices put in. */
import type * as CdiEdits from "../apply/cdi-edits.ts";
import { hooksOf } from "../apply/bundle-hooks.ts";
import { changedConfig } from "../apply/config-edit.ts";
import { commandLinesOf, isOurs, stages, type HookEntry } from "../apply/entry.ts";
import { injection, type HookChange } from "../apply/runtime-injection.ts";
import { fromText } from "../bytes/text.ts";
import type { ContainerEdits, Hook } from "../cdi/spec.ts";
import { HookError } from "../errors.ts";
import { findHook } from "../hooks/index.ts";
import { viewNamed } from "../hooks/container.ts";
import { readHostFile } from "../host/file.ts";
import { replaceHostFile } from "../host/replace-file.ts";
import type { Logger } from "../logger.ts";
import { parseJsonObject, type JsonObject } from "../oci/json.ts";
import { part } from "../part.ts";
import { parseCommandLine } from "./flags.ts";
import { hookGrammar } from "./program.ts";
import { openBundle, runBundleHooks, type Candidate, type Outcome } from "./runtime-hooks.ts";

const cdiEdits = part<typeof CdiEdits>("cdi-edits");

export interface BundleRequest {
  /** Absolute. */
  readonly bundle: string;
  /** CDI devices that the container gets, and the specs that have them; the usual folders without. */
  readonly devices: readonly string[];
  readonly specs: readonly string[];
  /** A View; "" for the one of a container that nothing is mounted for yet. */
  readonly view: string;
  /** What is done about a read-only root, as `--on-read-only` says it. */
  readonly onReadOnly: string;
}

/** Bytes; a larger config.json is left alone, as by the hooks themselves. */
const largestConfig = 8 * 1024 * 1024;

interface StageChange extends HookChange {
  readonly remove: Set<number>;
  readonly add: Hook[];
}

/**
 * Prepares a bundle. Whether the runtime may go on: it may not when a hook failed whose failure keeps a container from
 * starting, which has been told then, and config.json is as it was. What cannot be read or understood is left as it is, for
 * the runtime to tell in its own words. Throws HookError for devices that cannot be given, as into a config.json that cannot
 * be read.
 */
export function prepareBundle(request: BundleRequest, log: Logger): boolean {
  const path = `${request.bundle}/config.json`;
  const readConfig = (): { text: string; config: JsonObject; hooks: readonly HookEntry[] } => {
    const text = readHostFile(path, "state", largestConfig);
    const config = parseJsonObject(text, path);
    return { text, config, hooks: hooksOf(config, path) };
  };
  // What an image says (its annotations) may make a config.json that the runtime reads, and we do not.
  const read = request.devices.length === 0 ? untouched(log, readConfig) : readConfig();
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

  let outcome: Outcome = { done: new Set(), files: [] };
  if (ours.length > 0) {
    const planned = given?.planned;
    const opened = untouched(log, () => openBundle({ bundle: request.bundle, path, config, view, planned }, log));
    // Whatever is wrong with the root, the runtime or the hooks in it will tell.
    if (opened !== undefined) {
      using root = opened.root;
      const result = runBundleHooks(ours, { root, state: opened.state, onReadOnly: request.onReadOnly }, log);
      if (result === undefined) return false;
      outcome = result;
    }
  }
  const { done } = outcome;
  const changes = new Map<string, StageChange>();
  for (const candidate of candidates) {
    const { entry, at, hook } = candidate;
    const change: StageChange = changes.get(entry.stage) ?? { remove: new Set(), add: [] };
    changes.set(entry.stage, change);
    if (at !== undefined && done.has(candidate)) change.remove.add(at);
    if (hook !== undefined && !done.has(candidate)) change.add.push(hook);
  }
  const { files } = outcome;
  const sources = files.map(({ path: covered, mode, bytes }) => {
    const source = `${request.bundle}/cdi-hook${covered.replaceAll("/", "-")}`;
    return { path: covered, source, mode, bytes };
  });
  const edits = [...(given?.edits ?? []), editsFor(sources)];
  const change = (): string => changedConfig(text, injection(config, edits, changes), path);
  // Without its devices a container must not start; its hooks can also be run by the runtime.
  const changed = given === undefined ? untouched(log, change) : change();
  if (changed === undefined || changed === text) return true;
  const write = (): void => {
    for (const { source, bytes, mode } of sources) replaceHostFile(source, bytes, mode);
    replaceHostFile(path, fromText(changed));
  };
  if (given === undefined) untouched(log, write);
  else write();
  return true;
}

/** Bind mounts of files in the bundle, which lasts as long as the container. */
function editsFor(files: readonly { readonly path: string; readonly source: string }[]): ContainerEdits {
  const options = ["bind", "ro", "nosuid", "nodev", "noexec"];
  const mounts = files.map(({ path, source }) => ({ hostPath: source, containerPath: path, options, type: "bind" }));
  return { env: [], deviceNodes: [], hooks: [], mounts, additionalGids: [] };
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
