/** The executable on a node: PREFIX/bin/cdi-hook, and links to it under NVIDIA's names. */

import { toText } from "../bytes/text.ts";
import { HookError } from "../errors.ts";
import { readHostFile } from "../host/file.ts";
import { makeHostDirectory, removeHostDirectory } from "../host/host-directory.ts";
import { hostFacts, hostFactsBehindLinks, hostLabel, whyNoPrograms } from "../host/host-facts.ts";
import { ownExecutable } from "../host/own-executable.ts";
import { installHostFile, installHostLink } from "../host/replace-file.ts";
import { effectiveUser } from "../host/user.ts";
import { isOurs } from "./ours.ts";
import {
  candidates,
  checkNames,
  checkPrefix,
  executableName,
  isInstalled,
  linkNames,
  otherPrefix,
  parsePrefix,
} from "./prefix.ts";
import { startOurs } from "./start.ts";

/** Not writable: it is replaced, never changed in place under a hook that starts. */
const executableMode = 0o555;
const directoryMode = 0o755;

export interface InstallRequest {
  /** An absolute path, or `auto`. */
  readonly prefix: string;
  /** The tree that a package is made of: the prefix is below it, its owner is the caller, and nothing is started there. */
  readonly packageTree?: string;
  /** Nothing is changed. */
  readonly dryRun: boolean;
}

export type Change = "made" | "replaced" | "unchanged";

export interface Installed {
  readonly prefix: string;
  readonly files: readonly { readonly path: string; readonly change: Change }[];
  /** Prefixes that did not do before this one, with the reason. */
  readonly tried: readonly { readonly prefix: string; readonly reason: string }[];
}

/**
 * Copies the running executable into a prefix, or brings what is installed there to this version. Each file is replaced
 * in one step, after it has been started once where it will be: a hook that starts meanwhile is the old or the new one.
 * `enter` is called when the executable has been read: from then on paths are those of the node. Throws HookError; then
 * nothing has changed, except that the links may still be missing.
 */
export function install(request: InstallRequest, enter: () => void): Installed {
  const bytes = ownExecutable();
  if (!isOurs(toText(bytes))) {
    throw new HookError("refused", "install", "/proc/self/exe", "it is another program, an emulator's perhaps");
  }
  enter();
  if (request.packageTree !== undefined)
    return installInto(request.packageTree, parsePrefix(request.prefix), bytes, request);
  if (effectiveUser() !== 0) {
    throw new HookError("refused", "install", "", "only root can: hooks run as root, so their files must be root's");
  }
  if (request.prefix === "auto") return installSomewhere(bytes, request);
  const prefix = parsePrefix(request.prefix);
  try {
    return installInto("", prefix, bytes, request);
  } catch (error) {
    if (!(error instanceof HookError)) throw error;
    const other = otherPrefix(prefix);
    if (other === undefined) throw error;
    throw new HookError(error.code, error.operation, error.path, `${reasonOf(error)}; --prefix ${other} may work`, {
      cause: error,
    });
  }
}

/** The first prefix that works; one where an installation is already comes before all others. */
function installSomewhere(bytes: Uint8Array, request: InstallRequest): Installed {
  const tried: { prefix: string; reason: string }[] = [];
  for (const prefix of candidates.toSorted((a, b) => Number(isInstalled(b)) - Number(isInstalled(a)))) {
    try {
      return { ...installInto("", prefix, bytes, request), tried };
    } catch (error) {
      if (!(error instanceof HookError)) throw error;
      tried.push({ prefix, reason: error.message });
    }
  }
  const reasons = tried.map(({ prefix, reason }) => `${prefix}: ${reason}`).join("; ");
  throw new HookError("refused", "install", "", `no prefix works: ${reasons}`);
}

function installInto(tree: string, prefix: string, bytes: Uint8Array, { dryRun }: InstallRequest): Installed {
  const packaged = tree !== "";
  const bin = `${tree}${prefix}/bin`;
  if (packaged) checkNames(bin);
  else checkPrefix(prefix);
  const executable = `${bin}/${executableName}`;
  const label = packaged ? undefined : programLabel();
  const owner = packaged ? {} : { owner: { uid: 0, gid: 0 } };
  const model = { mode: executableMode, attributes: [], label, ...owner };
  const steps = [
    {
      path: executable,
      change: changeOf(executable, () => isInstalledAs(executable, bytes, packaged)),
      bring: () => installHostFile(executable, bytes, model, packaged ? () => undefined : tryOut),
    },
    ...linkNames.map((name) => ({
      path: `${bin}/${name}`,
      change: changeOf(`${bin}/${name}`, () => hostFacts(`${bin}/${name}`)?.target === executableName),
      bring: () => installHostLink(`${bin}/${name}`, executableName),
    })),
  ];
  const needed = steps.filter(({ change }) => change !== "unchanged");
  if (!dryRun)
    withDirectories(packaged ? pathsDownTo(bin) : [prefix, bin], label, () => needed.forEach(({ bring }) => bring()));
  else if (needed.length > 0 && !packaged) checkPlace(bin);
  return { prefix, files: steps.map(({ path, change }) => ({ path, change })), tried: [] };
}

/** Throws HookError `refused` where an installation would fail, as far as that can be seen without trying. */
function checkPlace(bin: string): void {
  const place = pathsDownTo(bin).findLast((path) => hostFactsBehindLinks(path) !== undefined) ?? "/";
  const reason = whyNoPrograms(place);
  if (reason !== undefined) throw new HookError("refused", "install into", place, reason);
}

function changeOf(path: string, isDone: () => boolean): Change {
  return hostFacts(path) === undefined ? "made" : isDone() ? "unchanged" : "replaced";
}

function isInstalledAs(path: string, bytes: Uint8Array, packaged: boolean): boolean {
  const facts = hostFacts(path);
  if (facts?.type !== "file" || facts.size !== bytes.length || facts.mode !== executableMode) return false;
  return (packaged || facts.uid === 0) && readHostFile(path, "kernel", bytes.length) === toText(bytes);
}

function tryOut(temporary: string): void {
  startOurs(temporary, ["--version"]);
}

/** The paths of a directory and of those above it that a path names, which may be a relative one; the topmost first. */
function pathsDownTo(path: string): readonly string[] {
  return [...path.matchAll(/[^/](?=\/|$)/g)].map(({ index }) => path.slice(0, index + 1));
}

/** Makes the directories that are missing, and does the work in them; when that fails, those that it made go again. */
function withDirectories(paths: readonly string[], label: Uint8Array | undefined, work: () => void): void {
  const made: string[] = [];
  try {
    for (const path of paths) {
      if (hostFactsBehindLinks(path) !== undefined) continue;
      if (makeHostDirectory(path, directoryMode, label)) made.push(path);
    }
    work();
  } catch (error) {
    for (const path of made.toReversed()) removeHostDirectory(path);
    throw error;
  }
}

/**
 * On a host with SELinux the label that programs have (bin_t in the usual policies), taken from where they are: what is
 * made in /opt or /var would get the label of data, which a confined runtime may not be allowed to start.
 */
function programLabel(): Uint8Array | undefined {
  return hostFacts("/sys/fs/selinux/enforce") === undefined ? undefined : hostLabel("/usr/bin");
}

/** What a HookError's message says behind its operation and path. */
function reasonOf(error: HookError): string {
  const start = `${error.operation}${error.path === "" ? "" : ` ${error.path}`}: `;
  return error.message.startsWith(start) ? error.message.slice(start.length) : error.message;
}
