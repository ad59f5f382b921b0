/** Where an installation may be. */

import { HookError } from "../errors.ts";
import { changeableByOthers, hostFacts, hostFactsBehindLinks, whyNoPrograms } from "../host/host-facts.ts";
import { isOurExecutable } from "./ours.ts";
import { usualPrefix } from "./usual-prefix.ts";

/** The file, in PREFIX/bin. */
export const executableName = "cdi-hook";
/** Its other names, which are links to it. */
export const linkNames: readonly string[] = ["nvidia-cdi-hook", "nvidia-ctk"];

/**
 * Where `--prefix auto` looks, in this order. /opt is writable on most hosts, on Talos (an overlay), Flatcar and Fedora
 * CoreOS (a link into /var); /var is what Bottlerocket and bootc systems leave writable and executable, while it is noexec
 * on Google's COS but for some of its folders; /run is empty again after a reboot.
 */
export const candidates: readonly string[] = [
  usualPrefix,
  "/usr/local/cdi-hook",
  "/var/lib/cdi-hook",
  "/home/kubernetes/bin/cdi-hook",
  "/var/lib/toolbox/cdi-hook",
  "/run/cdi-hook",
];

/** Folders in which a shell looks for programs: a `nvidia-ctk` of ours there would stand in for NVIDIA's. */
const programFolders: readonly string[] = [
  "/bin",
  "/sbin",
  "/usr/bin",
  "/usr/sbin",
  "/usr/local/bin",
  "/usr/local/sbin",
  "/opt/bin",
];

/** The prefix as it was given, without needless slashes. Throws HookError `usage` for one that is no absolute path of its own. */
export function parsePrefix(text: string): string {
  const parts = text.split("/").filter((part) => part !== "");
  const prefix = `/${parts.join("/")}`;
  if (!text.startsWith("/") || parts.some((part) => part === "." || part === "..") || text.includes("\0")) {
    throw new HookError("usage", "parse --prefix", text, "not an absolute path without . and ..");
  }
  if (parts.length === 0) throw new HookError("usage", "parse --prefix", text, "a directory of its own is needed");
  return prefix;
}

/** The directory of a path, which has at least two parts or is right below `/`. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf("/")));
}

function refuse(path: string, reason: string): never {
  throw new HookError("refused", "install into", path, reason);
}

/**
 * Throws HookError `refused` when our files must not be in this prefix: its parent does not exist, somebody other than
 * root could exchange them, they would stand in for other programs, or there are others of these names.
 */
export function checkPrefix(prefix: string): void {
  const parent = parentOf(prefix);
  if (hostFactsBehindLinks(parent)?.type !== "directory") refuse(prefix, `${parent} is not there; make it first`);
  const bin = `${prefix}/bin`;
  for (const path of [prefix, bin]) {
    const facts = hostFactsBehindLinks(path);
    if (facts !== undefined && facts.type !== "directory") refuse(path, "not a directory");
  }
  const [changeable] = changeableByOthers(bin);
  if (changeable !== undefined) refuse(prefix, `others than root may change ${changeable}, and hooks run as root`);
  checkNames(bin);
}

/** Throws HookError `refused` when our names in `bin` would stand in for other programs, or are those of others. */
export function checkNames(bin: string): void {
  const identity = hostFactsBehindLinks(bin)?.identity;
  const shadowing = programFolders.find(
    (folder) => folder === bin || (identity !== undefined && hostFactsBehindLinks(folder)?.identity === identity),
  );
  if (shadowing !== undefined) {
    refuse(
      bin,
      "programs are looked for there, and nvidia-ctk has other commands than its hooks; take a prefix of its own",
    );
  }
  for (const name of [executableName, ...linkNames]) {
    if (ownership(bin, name) === "foreign") {
      throw new HookError("refused", "replace", `${bin}/${name}`, "it is not of cdi-hook; take a prefix of its own");
    }
  }
}

/** Whose a name in PREFIX/bin is. */
export function ownership(bin: string, name: string): "nobody's" | "ours" | "foreign" {
  const path = `${bin}/${name}`;
  const facts = hostFacts(path);
  if (facts === undefined) return "nobody's";
  if (facts.type === "link") return name !== executableName && facts.target === executableName ? "ours" : "foreign";
  return isOurExecutable(path, facts) ? "ours" : "foreign";
}

/** Whether an installation of ours is there; none is where nobody can look. */
export function isInstalled(prefix: string): boolean {
  try {
    return ownership(`${prefix}/bin`, executableName) === "ours";
  } catch (error) {
    if (error instanceof HookError) return false;
    throw error;
  }
}

/** Another prefix that looks as if it would work, by looking only; undefined when none does. */
export function otherPrefix(than: string): string | undefined {
  return candidates.find((prefix) => {
    if (prefix === than) return false;
    const place = hostFactsBehindLinks(prefix) === undefined ? parentOf(prefix) : prefix;
    if (hostFactsBehindLinks(place)?.type !== "directory" || whyNoPrograms(place) !== undefined) return false;
    try {
      checkPrefix(prefix);
      return true;
    } catch (error) {
      if (error instanceof HookError) return false;
      throw error;
    }
  });
}
