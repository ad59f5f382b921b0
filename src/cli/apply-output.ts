/** What `apply` leaves elsewhere than in the root: files to be mounted, or an upper directory of overlayfs. */
import { changedConfig, type Changes, type ListChange } from "../apply/config-edit.ts";
import { removeState, stateFolderOf, usualStateFolder, writeState, type EmittedMount } from "../apply/state-folder.ts";
import { fromText } from "../bytes/text.ts";
import { HookError } from "../errors.ts";
import type { FlagValues } from "../hooks/hook.ts";
import { substitutesOf, tellMissing } from "../hooks/read-only.ts";
import { readHostFile } from "../host/file.ts";
import { hostFacts } from "../host/host-facts.ts";
import { ownExecutablePath } from "../host/own-executable.ts";
import { makeHostDirectories } from "../host/regular-file.ts";
import { replaceHostFile } from "../host/replace-file.ts";
import type { Logger } from "../logger.ts";
import { isObject, parseJsonObject } from "../oci/json.ts";
import { readState, type State } from "../oci/state.ts";
import { KernelRoot } from "../rootfs/kernel-root.ts";
import { refuseUsed, writeUpper } from "../rootfs/upper.ts";
import type { VirtualRoot } from "../rootfs/virtual-root.ts";
import { writeJson } from "./json.ts";

/** Bytes; as of those that hooks read. */
const largestConfig = 8 * 1024 * 1024;

/** Somewhere that the changes of a tree go to. */
export interface Output {
  /** Before any hook runs: what may be changed in the tree. */
  begin(tree: VirtualRoot): void;
  /** Throws HookError; then there may be a part of it. */
  write(tree: VirtualRoot): void;
}

/** Files in the container's state folder, and the mounts for them, as JSON or in config.json. Throws HookError `usage`. */
export function mountsOutput(flags: FlagValues, state: State, log: Logger): Output {
  const inPlace = flags.isSet("in-place");
  const { bundle } = state;
  if (inPlace && bundle === undefined) throw new HookError("usage", "parse flags", "", "--in-place needs a bundle");
  const named = [flags.text("id"), state.id ?? "", bundle?.replace(/\/+$/, "").replace(/^.*\//s, "") ?? ""];
  const id = named.find((name) => name !== "");
  if (id === undefined) throw new HookError("usage", "parse flags", "", "--emit-mounts needs --id");
  const folder = stateFolderOf(flags.text("state-dir"), id);
  return {
    begin: (tree) => tree.pretend("everywhere", true),
    write(tree) {
      const substitutes = substitutesOf(tree, false);
      const { files } = substitutes;
      for (const { path } of files)
        if (tree.isNew(path)) log.warn(`apply: the root has no ${path} to mount on: the runtime has to make it`);
      tellMissing(substitutes, log);
      const isNew = hostFacts(folder) === undefined;
      try {
        const mounts = writeState(folder, files);
        if (inPlace) putInPlace(`${bundle}/config.json`, folder, mounts, log);
        else writeJson(mounts);
      } catch (error) {
        // Nobody knows of the folder then.
        if (isNew) removeState(folder);
        throw error;
      }
    },
  };
}

/**
 * The mounts come last, those of an earlier time go. `cleanup`, which removes the folder, runs when the container is deleted
 * (runtime-spec, config.md "Poststop"); without it a warning has to do.
 */
function putInPlace(path: string, folder: string, mounts: readonly EmittedMount[], log: Logger): void {
  const text = readHostFile(path, "state", largestConfig);
  const config = parseJsonObject(text, path);
  const { hooks } = config.members;
  const executable = ownExecutablePath();
  if (executable === undefined)
    log.warn(`apply: this executable has no path for a poststop hook: ${folder} is to be removed by cdi-hook cleanup`);
  const slash = folder.lastIndexOf("/");
  const args = ["cdi-hook", "cleanup", folder.slice(slash + 1), "--state-dir", folder.slice(0, slash) || "/"];
  const isOldMount = (mount: unknown): boolean => {
    const source = isObject(mount) ? mount["source"] : undefined;
    return typeof source === "string" && config.bytes(source).startsWith(`${folder}/`);
  };
  const isOldHook = (hook: unknown): boolean => {
    const words: unknown = isObject(hook) ? hook["args"] : undefined;
    return Array.isArray(words) && config.bytes(JSON.stringify(words)) === JSON.stringify(args);
  };
  const changes: Changes = new Map<string, ListChange | Changes>([
    ["mounts", exchange(config.members["mounts"], isOldMount, mounts)],
    [
      "hooks",
      new Map([
        [
          "poststop",
          exchange(
            isObject(hooks) ? hooks["poststop"] : undefined,
            isOldHook,
            executable === undefined ? [] : [{ path: executable, args }],
          ),
        ],
      ]),
    ],
  ]);
  const changed = changedConfig(text, changes, path);
  if (changed !== text) replaceHostFile(path, fromText(changed));
}

/** A list in which what is ours goes, and comes anew at its end. */
function exchange(list: unknown, isOurs: (item: unknown) => boolean, items: readonly unknown[]): ListChange {
  const present: readonly unknown[] = Array.isArray(list) ? list : [];
  return {
    remove: new Set(present.flatMap((item, at) => (isOurs(item) ? [at] : []))),
    insert: new Map(items.length === 0 ? [] : [[present.length, items.map((item) => JSON.stringify(item))]]),
  };
}

/** An upper directory of overlayfs in a folder, which is made when it is missing. Throws HookError `usage`. */
export function upperOutput(path: string): Output {
  if (!path.startsWith("/")) throw new HookError("usage", "parse --upper", path, "not an absolute path");
  return {
    begin: (tree) => tree.pretend("root"),
    write(tree) {
      makeHostDirectories(path, 0o755);
      using upper = KernelRoot.open(path);
      refuseUsed(upper);
      writeUpper(tree, upper);
    },
  };
}

/** `cleanup`: the id as given, or that of the state on stdin. Throws HookError. */
export function cleanUp(id: string | undefined, folder: string | undefined): void {
  const named = id ?? readState("").id;
  if (named === undefined) throw new HookError("state", "read", "stdin", "the state has no id");
  removeState(stateFolderOf(folder ?? usualStateFolder, named));
}
