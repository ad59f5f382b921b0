/**
 * What is done where a place of the root is read-only. The hooks work on a tree in which it is not: what can be changed is
 * changed in the root, the rest in the tree only. Then one file stands for that rest: a cache whose entries name the files
 * themselves instead of links that do not exist, mounted over the container's /etc/ld.so.cache.
 *
 * A container has several hooks, each a process, and what one would have made the next has to know: `libcuda.so` has to be
 * there when the cache is made. So what is in the tree only is noted behind the cache's own bytes, which no reader of
 * caches looks at, and the next hook begins with it. Nobody has to trust these notes: they are as good as an image's own links.
 */
import { fromText, toText } from "../bytes/text.ts";
import { HookError } from "../errors.ts";
import { CACHE_PATH } from "../ldconfig/update.ts";
import type { Log } from "../logger.ts";
import { carryOut, type Change } from "../rootfs/changes.ts";
import { KernelRoot } from "../rootfs/kernel-root.ts";
import { coverFile } from "../rootfs/mount.ts";
import { pretendingOverlayOf } from "../rootfs/overlay.ts";
import type { Root } from "../rootfs/root.ts";
import { VirtualRoot } from "../rootfs/virtual-root.ts";

const MARK = "\ncdi-hook: not in the root, as it is read-only: ";
/** Bytes of a cache that is read for its notes, and notes that are taken from it. */
const largestCache = 64 << 20;
const mostNotes = 4096;

/** The tree that hooks go on with, over `root`, which is closed with it; with what earlier hooks noted. */
export function pretended(root: Root): VirtualRoot {
  const tree = root instanceof VirtualRoot ? root : root instanceof KernelRoot ? pretendingOverlayOf(root) : undefined;
  if (tree === undefined) throw new HookError("refused", "change", root.hostPath, "it is read-only");
  const { notes } = split(tree.read(CACHE_PATH, largestCache));
  tree.pretend();
  carryOut(notes, tree);
  return tree;
}

/** What the container needs of the changes that are in the tree only. */
export interface Substitutes {
  /** Files that stand for what the root lacks, to be mounted over those of the same path. */
  readonly files: readonly { readonly path: string; readonly mode: number; readonly bytes: Uint8Array }[];
  /** Changes for which no file can stand. */
  readonly missing: readonly Change[];
}

/** Finds out what has to be mounted, `file` telling whether the container has a file of that path to mount on. */
export function substitutesOf(tree: VirtualRoot, log: Log): Substitutes {
  const { unreal } = tree;
  if (unreal.length === 0) return { files: [], missing: [] };
  const present = tree.read(CACHE_PATH, largestCache);
  const { cache } = split(present);
  const notes = unreal.filter(({ kind, path }) => path !== CACHE_PATH && (kind === "link" || kind === "file"));
  const bytes = fromText(cache + MARK + JSON.stringify(notes.map(noteOf)) + "\n");
  const files: Substitutes["files"][number][] = [{ path: CACHE_PATH, mode: 0o444, bytes }];
  const hasCache = unreal.some(({ path }) => path === CACHE_PATH);
  const missing: Change[] = [];
  for (const change of unreal) {
    const { kind, path } = change;
    if (path === CACHE_PATH || isForLdconfig(path) || kind === "directory") continue;
    if (kind === "file") files.push({ path, mode: change.mode, bytes: change.bytes });
    // Before the cache is made, it is not known which links it will stand for.
    else if (hasCache && !tree.straightened.has(path)) missing.push(change);
  }
  if (log.debugging)
    for (const { path, bytes: content } of files) log.debug(`${path}: ${content.length} bytes to be mounted`);
  return { files, missing };
}

/** What only ldconfig reads, which cannot work in a root that is read-only. */
function isForLdconfig(path: string): boolean {
  return path === "/etc/ld.so.conf" || path.startsWith("/etc/ld.so.conf.d/");
}

/**
 * Mounts what stands for the changes that are in the tree only. Without the cache no program finds the driver: HookError
 * `kernel`. What else cannot be had is warned of.
 */
export function mountSubstitutes(tree: VirtualRoot, before: string | undefined, log: Log): void {
  const { files, missing } = substitutesOf(tree, log);
  for (const { path, bytes } of files) {
    if (path === CACHE_PATH && toText(bytes) === before) continue;
    try {
      coverFile(tree, path, bytes);
      log.debug(`${path}: mounted over, as the root is read-only`);
    } catch (error) {
      if (path === CACHE_PATH || !(error instanceof HookError)) throw error;
      log.warn(`the root is read-only: ${error.message}`);
    }
  }
  tellMissing(missing, log);
}

/** One line for all: a root that is read-only may lack dozens of links that nobody looks for. */
export function tellMissing(missing: readonly Change[], log: Log): void {
  const links = missing.filter(({ kind }) => kind === "link").map(({ path }) => path);
  const shown = links.slice(0, 4).join(", ") + (links.length > 4 ? `, and ${links.length - 4} more` : "");
  if (links.length > 0)
    log.warn(`the root is read-only, and the cache cannot stand for these links: ${shown}; make them in the image`);
}

/** The file as it is, for mountSubstitutes; undefined when there is none. */
export function presentCache(root: Root): string | undefined {
  const present = root.read(CACHE_PATH, largestCache);
  return typeof present === "number" ? undefined : toText(present);
}

type Note = readonly ["link", string, string] | readonly ["file", string, number, string];

function noteOf(change: Change): Note {
  if (change.kind === "file") return ["file", change.path, change.mode, toText(change.bytes)];
  return ["link", change.path, change.kind === "link" ? change.target : ""];
}

/** The cache by itself, and the notes behind it. */
function split(present: Uint8Array | number): { readonly cache: string; readonly notes: readonly Change[] } {
  const text = typeof present === "number" ? "" : toText(present);
  const at = text.lastIndexOf(MARK);
  if (at < 0) return { cache: text, notes: [] };
  let notes: unknown;
  try {
    notes = JSON.parse(text.slice(at + MARK.length));
  } catch {
    return { cache: text, notes: [] };
  }
  const list: readonly unknown[] = Array.isArray(notes) ? notes.slice(0, mostNotes) : [];
  return { cache: text.slice(0, at), notes: list.flatMap(changeOf) };
}

function changeOf(note: unknown): Change[] {
  if (!Array.isArray(note)) return [];
  const [kind, path, third, fourth] = note as readonly unknown[];
  if (typeof path !== "string" || !path.startsWith("/") || path.includes("\0")) return [];
  if (kind === "link" && typeof third === "string" && third !== "") return [{ kind, path, target: third }];
  if (kind !== "file" || typeof third !== "number" || typeof fourth !== "string") return [];
  return [{ kind, path, mode: third & 0o777, bytes: fromText(fourth) }];
}
