import { AT_FDCWD, S_IFDIR } from "../kernel/constants.ts";
import { realMilliseconds } from "../kernel/clock.ts";
import { statx } from "../kernel/files.ts";
import { Stat } from "../kernel/stat.ts";
import { HookError } from "../errors.ts";
import { hostFolder } from "./folder.ts";

/** Names in one directory that are looked at. */
const MOST_NAMES = 100_000;

/** A file's times are those of the kernel's last tick, at most so many milliseconds ago. */
const TICK = 20;

const stat = new Stat();

/** Which files of some directories have changed since they were noted, found out by looking at all of them. */
export class FileVersions {
  readonly #directories: readonly string[];
  readonly #isWatched: (name: string) => boolean;
  readonly #noted = new Map<string, string>();

  /** Files of these directories whose names `isWatched` accepts; links count as what they lead to. */
  constructor(directories: readonly string[], isWatched: (name: string) => boolean) {
    this.#directories = directories;
    this.#isWatched = isWatched;
  }

  /** Paths of the files that are not as they were noted. What cannot be listed has no files. */
  changed(): readonly string[] {
    const present = new Set(this.#directories.flatMap((directory) => this.#filesOf(directory)));
    for (const path of this.#noted.keys()) if (!present.has(path)) this.#noted.delete(path);
    return [...present].filter((path) => {
      if (statx(AT_FDCWD, path, 0, stat) < 0) return this.#noted.delete(path) && false;
      return stat.type !== S_IFDIR && stat.version !== this.#noted.get(path);
    });
  }

  /**
   * Notes what a file is now; to be called before its bytes are read. What was changed within the last tick of the clock
   * could be changed again and look the same, so that counts as changed once more.
   */
  note(path: string): void {
    if (statx(AT_FDCWD, path, 0, stat) < 0) this.#noted.delete(path);
    else this.#noted.set(path, stat.changed > realMilliseconds() - TICK ? "" : stat.version);
  }

  #filesOf(directory: string): readonly string[] {
    try {
      const names = hostFolder(directory, "kernel", MOST_NAMES);
      if (typeof names === "string") return [];
      return names.filter((name) => this.#isWatched(name)).map((name) => `${directory}/${name}`);
    } catch (error) {
      if (error instanceof HookError) return [];
      throw error;
    }
  }
}
