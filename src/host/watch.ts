/**
 * Directories watched by inotify(7), which need not exist yet and may vanish and come back. Every directory above one is
 * watched too, for the names that lead to it.
 */

import { EACCES, ELOOP, EMFILE, ENAMETOOLONG, ENOENT, ENOSPC, ENOTDIR, describeErrno } from "../kernel/errno.ts";
import { close } from "../kernel/files.ts";
import {
  IN_ATTRIB,
  IN_CLOSE_WRITE,
  IN_CREATE,
  IN_DELETE_SELF,
  IN_IGNORED,
  IN_MASK_ADD,
  IN_MODIFY,
  IN_MOVED_FROM,
  IN_MOVED_TO,
  IN_MOVE_SELF,
  IN_ONLYDIR,
  IN_Q_OVERFLOW,
  IN_UNMOUNT,
  inotifyAddWatch,
  inotifyInit,
  inotifyRemoveWatch,
  readEvents,
  type InotifyEvent,
} from "../kernel/inotify.ts";
import { getpid } from "../kernel/process.ts";
import { TEMPORARY_PREFIX } from "../kernel/temporary-name.ts";

/** What makes a directory another one, or gone. */
const ITSELF = IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED;
/** Of a directory above: what makes a name lead elsewhere. IN_IGNORED and IN_UNMOUNT come unasked. */
const ABOVE = IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;
/** Of files: whatever may change their bytes. IN_MOVED_FROM tells whose renames are ours. */
const FILES = IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_MOVED_FROM;
const CHANGES = IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_MOVED_TO;

/** Reads of the kernel's queue before what they told is worked on. */
const READS = 64;

/** What has happened since the last look. */
export interface Happened {
  /** Paths of files that may have other bytes now, what was renamed by this process left out. */
  readonly changed: readonly string[];
  /** Directories may have come or gone, so `arm` is to be called. */
  readonly moved: boolean;
  /** Events were lost, so every file may have changed. */
  readonly lost: boolean;
}

/** Numbers of watches; with each the path of a watched directory, or undefined for one that is only above others. */
type Watches = Map<number, string | undefined>;

export class DirectoryWatch implements Disposable {
  /** Can be read when something has happened. */
  readonly descriptor: number;
  readonly #directories: readonly string[];
  /** Names that lead to the directories. */
  readonly #names: ReadonlySet<string>;
  readonly #isWatched: (name: string) => boolean;
  /** How the temporary names of this process begin. */
  readonly #ours = `${TEMPORARY_PREFIX}${getpid()}-`;
  #watches: Watches = new Map();
  /** Cookie of the last rename from a temporary name of ours. */
  #ourRename = 0;

  constructor(descriptor: number, directories: readonly string[], isWatched: (name: string) => boolean) {
    this.descriptor = descriptor;
    this.#directories = directories;
    this.#names = new Set(directories.flatMap((path) => path.split("/")));
    this.#isWatched = isWatched;
  }

  /**
   * Begins to watch the files of these directories whose names `isWatched` accepts; nothing is watched
   * before `arm`. -EMFILE when no more watchers are allowed (inotify(7), max_user_instances).
   */
  static open(directories: readonly string[], isWatched: (name: string) => boolean): DirectoryWatch | number {
    const descriptor = inotifyInit();
    return descriptor < 0 ? descriptor : new DirectoryWatch(descriptor, directories, isWatched);
  }

  /**
   * Watches what the paths lead to now, and no longer what they led to. Answers with the directories that were not
   * watched before: their files are to be looked at. -ENOSPC when no more watches are allowed (max_user_watches).
   */
  arm(): readonly string[] | number {
    const before = this.#watches;
    const now: Watches = new Map();
    for (const directory of this.#directories) {
      const result = this.#armOne(directory, now);
      if (result < 0) return result;
    }
    this.#watches = now;
    for (const watch of before.keys()) if (!now.has(watch)) inotifyRemoveWatch(this.descriptor, watch);
    return [...now].flatMap(([watch, directory]) =>
      directory === undefined || before.get(watch) === directory ? [] : [directory],
    );
  }

  /** Reads what the kernel has to tell; an error of the read counts as events lost. */
  read(): Happened {
    const changed = new Set<string>();
    let moved = false;
    let lost = false;
    for (let reads = 0; reads < READS; reads++) {
      const events = readEvents(this.descriptor);
      if (typeof events === "number") lost = true;
      if (typeof events === "number" || events.length === 0) break;
      for (const event of events) {
        if ((event.mask & IN_Q_OVERFLOW) !== 0) lost = true;
        if (!this.#watches.has(event.watch)) continue;
        if ((event.mask & ITSELF) !== 0 || this.#leadsElsewhere(event)) moved = true;
        const directory = this.#watches.get(event.watch);
        if (directory !== undefined && this.#changes(event)) changed.add(`${directory}/${event.name}`);
      }
    }
    return { changed: [...changed], moved: moved || lost, lost };
  }

  [Symbol.dispose](): void {
    close(this.descriptor);
  }

  /** From the root downwards, so that what comes after a directory was found missing is told by the one above it. */
  #armOne(directory: string, now: Watches): number {
    const names = directory.split("/").filter((name) => name !== "");
    const start = directory.startsWith("/") ? "/" : "./";
    for (let depth = 0; depth <= names.length; depth++) {
      const last = depth === names.length;
      const path = start + names.slice(0, depth).join("/");
      // Two paths may lead to one directory, which has one watch: what was asked for is never taken back.
      const asked = (last ? ABOVE | FILES : ABOVE) | IN_ONLYDIR | IN_MASK_ADD;
      const watch = inotifyAddWatch(this.descriptor, path, asked);
      if (isMissing(watch)) return 0;
      if (watch < 0) return watch;
      now.set(watch, now.get(watch) ?? (last ? directory : undefined));
    }
    return 0;
  }

  #leadsElsewhere({ mask, name }: InotifyEvent): boolean {
    return (mask & (IN_CREATE | IN_MOVED_TO)) !== 0 && this.#names.has(name);
  }

  #changes({ mask, name, cookie }: InotifyEvent): boolean {
    if ((mask & IN_MOVED_FROM) !== 0 && name.startsWith(this.#ours)) this.#ourRename = cookie;
    if ((mask & CHANGES) === 0 || !this.#isWatched(name)) return false;
    return (mask & IN_MOVED_TO) === 0 || cookie !== this.#ourRename;
  }
}

/** Whether there is no such directory, or none that we may see. */
function isMissing(result: number): boolean {
  return [-ENOENT, -ENOTDIR, -EACCES, -ELOOP, -ENAMETOOLONG].includes(result);
}

/** Why inotify cannot be used, for a person; what `open` or `arm` answered with. */
export function inotifyTrouble(result: number): string {
  const reason = describeErrno(result);
  if (result === -ENOSPC) return `${reason}: fs.inotify.max_user_watches is reached`;
  return result === -EMFILE ? `${reason}: fs.inotify.max_user_instances is reached` : reason;
}
