/**
 * What is done where a place of the root is read-only. The hooks work on a tree in which it is not: what can be changed is
 * changed in the root, the rest in the tree only. Then one file stands for that rest: a cache whose entries name the files
 * themselves instead of links that do not exist, mounted over the container's /etc/ld.so.cache.
 *
 * A container has several hooks, each a process, and what one would have made the next has to know: `libcuda.so` has to be
 * there when the cache is made. So what is in the tree only is noted behind the cache's own bytes, which no reader of
 * caches looks at, and the next hook begins with it. They are taken from a file that is mounted there, which an image cannot
 * bring along, and are made in the tree only: nothing is written because a note says so.
 */
import { hasTooManyNames } from "../bytes/json-text.ts";
import { fromText, toText } from "../bytes/text.ts";
import { HookError } from "../errors.ts";
import { CACHE_PATH } from "../ldconfig/update.ts";
import type { Log } from "../logger.ts";
import type { Change } from "../rootfs/changes.ts";
import { ENOENT, EROFS, describeErrno } from "../rootfs/constants.ts";
import { KernelRoot } from "../rootfs/kernel-root.ts";
import { makeMountPoints } from "../rootfs/mount-point.ts";
import { coverFile } from "../rootfs/mount.ts";
import { pretendingOverlayOf } from "../rootfs/overlay.ts";
import type { Root } from "../rootfs/root.ts";
import { VirtualRoot } from "../rootfs/virtual-root.ts";
import { isMusl as linkerIsMusl, refreshCache } from "./linker.ts";
import { muslArchitectures } from "./musl-path.ts";

const MARK = "\ncdi-hook: not in the root, as it is read-only: ";
/** Bytes of a cache that is read for its notes, and notes that are taken from it. */
const largestCache = 64 << 20;
const mostNotes = 4096;
/** Bytes that are looked at to find out whether a cache is behind; a sane one has some ten thousand for each link. */
const mostSearched = 64 << 20;

/** The tree that hooks go on with, over `root`, which is closed with it; with what earlier hooks noted. */
export function pretended(root: Root): VirtualRoot {
  const tree = root instanceof VirtualRoot ? root : root instanceof KernelRoot ? pretendingOverlayOf(root) : undefined;
  if (tree === undefined) throw new HookError("refused", "change", root.hostPath, "it is read-only");
  tree.pretend();
  // No image can bring a mount along: a cache of its own, whatever stands behind that, is not asked.
  if (tree.isMountPoint(CACHE_PATH)) tree.assume(split(tree.read(CACHE_PATH, largestCache)).notes);
  return tree;
}

/** A file that stands for what the root lacks, to be mounted over that of the same path, which is free of links. */
export interface Substitute {
  readonly path: string;
  readonly mode: number;
  readonly bytes: Uint8Array;
}

/** What the container needs of the changes that are in the tree only. */
export interface Substitutes {
  readonly files: readonly Substitute[];
  /** Links for which no file can stand. */
  readonly missing: readonly string[];
  /** There is no cache: all links are missing. */
  readonly musl: boolean;
}

/** Finds out what has to be mounted; `noted` says that another hook may come and has to know what is missing. */
export function substitutesOf(tree: VirtualRoot, noted: boolean): Substitutes {
  const { unreal } = tree;
  const folder = configurationFolderOf(tree);
  const cachePath = folder + CACHE_PATH.slice("/etc".length);
  const notes = unreal.filter(({ kind, path }) => kind === "link" || (kind === "file" && isForLdconfig(path, folder)));
  const musl = isMusl(tree);
  const hasCache = unreal.some(({ path }) => path === cachePath);
  const files: Substitute[] = [];
  if (!musl && (hasCache || (noted && notes.length > 0))) {
    const { cache } = split(tree.read(CACHE_PATH, largestCache));
    const behind = noted ? MARK + JSON.stringify(notes.map(noteOf)) + "\n" : "";
    files.push({ path: cachePath, mode: 0o444, bytes: fromText(cache + behind) });
  }
  for (const change of unreal) {
    const { kind, path } = change;
    // A note's file is mounted by whoever noted it, if at all: nothing in the root, a place for it included, is a note's.
    if (kind === "file" && path !== cachePath && !isForLdconfig(path, folder) && !tree.isAssumed(path))
      files.push({ path, mode: change.mode, bytes: change.bytes });
  }
  // Before the cache is made it is not known which links are needed.
  const isLacking = ({ kind, path }: Change): boolean => kind === "link" && (musl || !tree.straightened.has(path));
  const lacking = musl || hasCache ? unreal.filter(isLacking) : [];
  return { files, missing: lacking.map(({ path }) => path), musl };
}

/** Whether the container's linker is musl's, which has no cache. */
function isMusl(root: Root): boolean {
  return muslArchitectures(root).length > 0 && linkerIsMusl(root);
}

/** The changes that would be made: in the root, and by mounting files over its own. */
export function foreseen(tree: VirtualRoot): readonly Change[] {
  const unreal = new Set(tree.unreal.map(({ path }) => path));
  const real = tree.changes.filter(({ path }) => !unreal.has(path));
  return [
    ...real,
    ...substitutesOf(tree, false).files.map(({ path, mode, bytes }): Change => ({
      kind: "mounted",
      path,
      mode,
      bytes,
    })),
  ];
}

/** What /etc is, links followed. */
function configurationFolderOf(tree: VirtualRoot): string {
  const opened = tree.directory("/etc");
  if (typeof opened === "number") return "/etc";
  using directory = opened;
  return directory.path;
}

/** What only ldconfig reads, which cannot work in a root that is read-only. */
function isForLdconfig(path: string, folder: string): boolean {
  return path === `${folder}/ld.so.conf` || path.startsWith(`${folder}/ld.so.conf.d/`);
}

/**
 * Mounts what stands for the changes that are in the tree only. Without the cache no program finds the driver: HookError
 * `kernel`. What else cannot be had is warned of; of an image with musl, that is all.
 */
export function mountSubstitutes(tree: VirtualRoot, before: string | undefined, log: Log): void {
  if (isBehind(tree)) refreshCache(tree, log);
  const { files, missing, musl } = substitutesOf(tree, true);
  const [first] = tree.unreal;
  if (tree.real === undefined && files.length > 0 && first !== undefined && !musl)
    throw new HookError("kernel", "change", first.path, `${describeErrno(-EROFS)}, ${notYet}`, { errno: EROFS });
  for (const { path, bytes } of files) {
    const isCache = path.endsWith(CACHE_PATH.slice("/etc".length));
    if (isCache && toText(bytes) === before) continue;
    try {
      makePlace(tree, path);
      coverFile(tree, path, bytes);
      log.debug(`${path}: ${bytes.length} bytes mounted over it, as the root is read-only`);
    } catch (error) {
      if (isCache || !(error instanceof HookError)) throw error;
      log.warn(`the root is read-only: ${error.message}`);
    }
  }
  tellMissing({ missing, musl }, log);
}

/**
 * Whether update-ldcache came before the hook that makes a link: then the cache has the library that the link leads to, and
 * not the link, which in a root that can be written is found without.
 */
function isBehind(tree: VirtualRoot): boolean {
  const links = tree.unreal.flatMap((change) => (change.kind === "link" ? [change] : []));
  if (links.length === 0 || tree.changes.some(({ kind, path }) => kind === "file" && path.endsWith(CACHE_PATH)))
    return false;
  const { cache } = split(tree.read(CACHE_PATH, largestCache));
  // To make it anew takes less time, and is right whatever it has.
  if (cache.length * links.length > mostSearched) return !isMusl(tree);
  const names = (path: string): boolean => {
    const name = path.slice(path.lastIndexOf("/") + 1);
    return cache.includes(`/${name}\0`) || cache.includes(`\0${name}\0`);
  };
  return links.some(({ path, target }) => names(target) && !names(path)) && !isMusl(tree);
}

const notYet =
  "and nothing can be mounted over it before the container's mounts are there: run the hooks at createContainer, or see " +
  "`cdi-hook apply --emit-mounts` and `--upper`";

/** A file to mount on, in the root itself where that can be written, else in a layer over its folder. */
function makePlace(tree: VirtualRoot, path: string): void {
  const { real } = tree;
  if (tree.writesThrough && real?.stat(path) === -ENOENT) {
    try {
      real.replaceFile(path, new Uint8Array(0), 0o644);
      return;
    } catch (error) {
      if (!(error instanceof HookError)) throw error;
    }
  }
  makeMountPoints(tree, [path]);
}

/** One line for all: a root that is read-only may lack dozens of links that nobody looks for. */
export function tellMissing({ missing, musl }: Pick<Substitutes, "missing" | "musl">, log: Log): void {
  const shown = missing.slice(0, 4).join(", ") + (missing.length > 4 ? `, and ${missing.length - 4} more` : "");
  const why = musl ? "musl has no cache that could" : "the cache cannot";
  if (missing.length > 0)
    log.warn(`the root is read-only, and ${why} stand for these links: ${shown}; make them in the image`);
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
  // Notes of ours have no objects.
  if (at < 0 || hasTooManyNames(text.slice(at))) return { cache: text, notes: [] };
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
