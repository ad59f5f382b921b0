/**
 * The confined walk: the only place where a path of a container is resolved.
 *
 * Why it cannot leave the root, whatever the container's author wrote and whatever another process changes meanwhile:
 *
 * 1. The kernel is only ever handed a *single name* together with a directory descriptor, never a path. A name that is
 *    empty, `.`, `..` or has a `/` is never handed over: the walk passes over the first two, `..` is taken off our own
 *    stack. (kernel-root.ts opens `.` alone, which is the descriptor's own directory, to read it.)
 * 2. Every open carries O_NOFOLLOW, so the kernel follows no link for us; the last (and only) name of the call is either
 *    the object itself or an error. A link is read as text (readlinkat) and its text is walked by these same rules, from
 *    the directory that holds it or, when it is absolute, from the root. A link that the kernel would resolve by magic
 *    (`/proc/self/root`, `/proc/self/fd/N`) is text to us like any other, and the root's /proc and /sys are not entered.
 * 3. `..` does not ask the kernel either: it returns to the directory through which we came, whose descriptor is still
 *    open. So a directory that is moved elsewhere while we stand in it cannot lift us above the root, and at the root there
 *    is nothing left to take off.
 * 4. A descriptor, once open, stays on its directory. Exchanging a directory for a link after it was opened changes
 *    nothing for us; exchanging it before is the case of rule 2. No name is looked at first and used later: the open is
 *    the check. That holds for as long as the descriptor is open: a directory that one path led through may be stood in
 *    again for the next path that has the same names up to there, as if one walk had taken so long. Only directories are
 *    kept so, each below the one that it was opened in, never what a link led to: links are read anew.
 * 5. Work is bounded: 40 links, as in Linux; names of a path below PATH_MAX; 256 directories deep. And for all walks of
 *    a root together: half a million components of link targets, as each of many links may lead through 40 others of 4 KB,
 *    and half a million steps, as there may be many deep paths.
 *
 * Mount points are crossed on purpose: what a runtime mounted into the root belongs to the container.
 */

import { HookError } from "../errors.ts";
import { O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_PATH, PATH_MAX } from "../kernel/constants.ts";
import { EACCES, EEXIST, EINVAL, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR } from "../kernel/errno.ts";
import { mkdirat, openat, readlinkat } from "../kernel/files.ts";
import { umask } from "../kernel/process.ts";
import { Opened } from "./opened.ts";
import { refusesWrites } from "./pseudo-filesystem.ts";

export const MAX_LINKS = 40;
export const MAX_DEPTH = 256;
const MAX_TARGET_COMPONENTS = 500_000;
const MAX_STEPS = 500_000;
const STEP = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

/** The kernel's own file systems at the top of a root: no path of a container leads into them. */
export const KERNEL_DIRECTORIES: readonly string[] = ["proc", "sys"];

/** Directories that are open beside those above where a walk stands: a hook's paths have a few in common. */
const MOST_KEPT = 16;

/** The components of a path; empty ones and `.` are left out at its end, and mean nothing elsewhere. */
export function componentsOf(path: string): string[] {
  const names = path.split("/");
  for (let last = names.at(-1); last === "" || last === "."; last = names.at(-1)) names.pop();
  return names;
}

/** The components of a link's target, and those of `names` from `next` on. */
export function followedBy(target: string, names: readonly string[], next: number): string[] {
  return next === names.length ? componentsOf(target) : target.split("/").concat(names.slice(next));
}

/** What all walks of one root may still do. */
export class Effort {
  /** Components of link targets that may still be followed. */
  targetComponents: number = MAX_TARGET_COMPONENTS;
  /** Directories that may still be opened. */
  steps: number = MAX_STEPS;
}

export function tooManySteps(path: string): HookError {
  return new HookError("limit", "follow", path, "the paths of this root take too many steps");
}

/**
 * A position inside a root, and the directories that are open. Close it by scope: `using walk = new Walk(fd)`. The methods that
 * walk throw HookError `limit` when the walks of this root have taken more steps than any honest one needs.
 */
export class Walk implements Disposable {
  readonly #effort: Effort;
  readonly #root: Opened;
  /** Where the walk stands. */
  #at: Opened;
  /** How many directories are open, the root not counted. */
  #open = 0;
  #links = 0;
  #keeps = false;
  /** Where paths ended, by the text before their last slash, when its components are names of directories only. */
  readonly #ends: Map<string, Opened> = new Map();

  /** `root` stays the caller's. */
  constructor(root: number, effort: Effort = new Effort()) {
    this.#effort = effort;
    this.#root = new Opened(root, "", undefined);
    this.#at = this.#root;
  }

  /** Descriptor (O_PATH) of the directory that the walk stands in; valid while the walk is open and not moved. */
  get descriptor(): number {
    return this.#at.descriptor;
  }

  /** Says how many links led to where the walk begins: they count against those that one walk may follow. */
  begin(links: number): void {
    this.#links = links;
  }

  /** How many links were followed. */
  get followed(): number {
    return this.#links;
  }

  /** The directory's path in the container, free of links. */
  get path(): string {
    return this.#at.path;
  }

  /** Walks all of `path` through directories; 0, or -errno. */
  enter(path: string): number {
    const result = this.#advance(path, false, false);
    return typeof result === "number" ? result : 0;
  }

  /**
   * Walks to the directory that holds the last component of `path` and answers with that component, which is not looked
   * at: it may be missing, or a link. The empty string when the path ends at a directory by itself (`/`, `..`).
   */
  enterParent(path: string): string | number {
    return this.#enterAgain(path) ?? this.#advance(path, true, false);
  }

  /** As `enterParent`, and makes the directories that are missing on the way, mode 0755. */
  makeParents(path: string): string | number {
    return this.#enterAgain(path) ?? this.#advance(path, true, true);
  }

  /** As `enter`, and makes the directories that are missing on the way, mode 0755. */
  makeDirectories(path: string): number {
    const result = this.#advance(path, false, true);
    return typeof result === "number" ? result : 0;
  }

  #advance(path: string, keepLast: boolean, create: boolean): string | number {
    if (path.length >= PATH_MAX) return -ENAMETOOLONG;
    const isAbsolute = path.startsWith("/");
    if (isAbsolute) this.#at = this.#root;
    const links = this.#links;
    let names = componentsOf(path);
    for (let next = 0; next < names.length;) {
      const name = names[next] ?? "";
      next += 1;
      if (name === "" || name === ".") continue;
      if (name === "..") {
        this.#at = this.#at.parent ?? this.#at;
        continue;
      }
      const isLast = keepLast && next === names.length;
      const isKernels = this.#at === this.#root && KERNEL_DIRECTORIES.includes(name);
      if (isKernels && (create || !isLast)) return -EACCES;
      if (isLast) {
        if (this.#keeps && isAbsolute && this.#links === links) this.#remember(path, name);
        return name;
      }
      if (this.#at.depth >= MAX_DEPTH) return -ENAMETOOLONG;
      if (--this.#effort.steps < 0) throw tooManySteps(path);
      const result = this.#step(name, create);
      if (result >= 0) continue;
      if (result !== -ENOTDIR && result !== -ELOOP) return result;
      const target = this.readlink(name);
      if (typeof target === "number") return target === -EINVAL ? -ENOTDIR : target;
      if (target.startsWith("/")) this.#at = this.#root;
      names = followedBy(target, names, next);
      next = 0;
    }
    return keepLast ? "" : 0;
  }

  /** Goes into the directory `name`; 0 or -errno. */
  #step(name: string, create: boolean): number {
    const at = this.#at;
    let next = at.below?.get(name);
    if (next === undefined) {
      if (this.#open >= at.depth + MOST_KEPT) this.#closeAllBut(at);
      let descriptor = openat(at.descriptor, name, STEP);
      if (descriptor === -ENOENT && create) descriptor = make(at.descriptor, name);
      if (descriptor < 0) return descriptor;
      next = new Opened(descriptor, name, at);
      this.#open += 1;
    }
    this.#at = next;
    return 0;
  }

  /** Notes that what is before the last slash of `path` leads to where the walk stands, if `name` is what follows it. */
  #remember(path: string, name: string): void {
    const slash = path.lastIndexOf("/");
    if (slash > 0 && path.slice(slash + 1) === name && this.#ends.size < MOST_KEPT)
      this.#ends.set(path.slice(0, slash), this.#at);
  }

  /**
   * As `#advance` with `keepLast`, of a path in the root itself, or one that differs from an earlier one in its last
   * component only; undefined of others.
   */
  #enterAgain(path: string): string | undefined {
    if (!this.#keeps || path.length >= PATH_MAX) return undefined;
    const slash = path.lastIndexOf("/");
    const name = path.slice(slash + 1);
    const end = slash === 0 ? this.#root : this.#ends.get(path.slice(0, slash));
    if (end === undefined || name === "" || name === "." || name === "..") return undefined;
    if (end === this.#root && KERNEL_DIRECTORIES.includes(name)) return undefined;
    this.#effort.steps -= end.depth;
    if (this.#effort.steps < 0) throw tooManySteps(path);
    this.#at = end;
    return name;
  }

  /**
   * The target of the link `name` in the directory that the walk stands in, counted against the links that one walk may
   * follow (-ELOOP) and against what all walks of the root may (-ENAMETOOLONG); -EINVAL when it is no link.
   */
  readlink(name: string): string | number {
    this.#links += 1;
    if (this.#links > MAX_LINKS) return -ELOOP;
    if (this.#effort.targetComponents <= 0) return -ENAMETOOLONG;
    const target = readlinkat(this.descriptor, name);
    if (typeof target === "string") this.#effort.targetComponents -= target.split("/").length;
    return target;
  }

  /** Directories stay open from now on when a path is at its end, for the next that leads through them. */
  keep(): void {
    this.#keeps = true;
  }

  /** Ends the walk of one path: the next one starts at the root. */
  end(): void {
    this.#at = this.#root;
    this.#links = 0;
    if (this.#open > (this.#keeps ? MOST_KEPT : 0)) this.#closeAllBut(this.#root);
  }

  /** Closes all directories but one, which may be the root, and those above it. */
  #closeAllBut(spared: Opened): void {
    this.#root.closeBelow(spared);
    this.#open = spared.depth;
    this.#ends.clear();
  }

  [Symbol.dispose](): void {
    this.#at = this.#root;
    this.#closeAllBut(this.#root);
  }
}

/** Makes the directory `name` in the one behind `parent` and opens it; -errno when it cannot. */
function make(parent: number, name: string): number {
  if (refusesWrites(parent)) return -EACCES;
  umask(0);
  const made = mkdirat(parent, name, 0o755);
  if (made < 0 && made !== -EEXIST) return made;
  return openat(parent, name, STEP);
}
