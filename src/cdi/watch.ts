/** Keeps CDI specs rewritten while other programs write them. */

import type { Guard } from "../host/exchange.ts";
import { FileVersions } from "../host/file-versions.ts";
import type { Wait } from "../host/wait.ts";
import { DirectoryWatch, inotifyTrouble } from "../host/watch.ts";
import { withoutWriters } from "../host/writers.ts";
import type { Logger } from "../logger.ts";
import { isSpecName } from "./read.ts";

/** Milliseconds. */
export const watchTimes = {
  /** A file is left to its writers until nothing has happened to it for so long... */
  quiet: 100,
  /** ...or since the first that happened. */
  patience: 500,
  /** Between two tries at a file that is open for writing. */
  busy: 1000,
  /** Between two looks at all files where inotify(7) does not tell of them. */
  poll: 1000,
  /** Between two looks at all files where it does: for links to elsewhere, and directories that are mounted over. */
  survey: 60_000,
} as const;

export interface WatchSettings {
  readonly directories: readonly string[];
  /** Do without inotify(7). */
  readonly poll: boolean;
  readonly log: Logger;
  readonly wait: Pick<Wait, "time" | "until">;
  /**
   * Rewrites a spec if it needs that, and tells what it did; throws nothing for a file that cannot be. The file is to be
   * replaced only as long as the guard holds; the answer is false when it did not, and the file is to be looked at again.
   */
  rewrite(path: string, guard: Guard): boolean;
  /** Called when every spec has been looked at once. */
  ready(): void;
}

/** Rewrites what there is and what comes, until the process is to end. Throws HookError `kernel` where it cannot wait. */
export function watchSpecs(settings: WatchSettings): void {
  using watch = new SpecWatch(settings);
  watch.run();
}

/** When a file that something has happened to is to be looked at. */
interface Due {
  at: number;
  readonly latest: number;
}

class SpecWatch implements Disposable {
  readonly #settings: WatchSettings;
  readonly #versions: FileVersions;
  readonly #due = new Map<string, Due>();
  /** Undefined while polling. */
  #watch: DirectoryWatch | undefined;
  #told = "";

  constructor(settings: WatchSettings) {
    this.#settings = settings;
    this.#versions = new FileVersions(settings.directories, isSpecName);
  }

  run(): void {
    const { wait } = this.#settings;
    this.#survey();
    this.#rewriteDue(Number.POSITIVE_INFINITY);
    this.#settings.ready();
    let survey = wait.time;
    for (;;) {
      const interval = this.#watch === undefined ? watchTimes.poll : watchTimes.survey;
      const next = Math.min(survey + interval, ...[...this.#due.values()].map(({ at }) => at));
      const came = wait.until(next, this.#watch?.descriptor);
      if (came === "end") return;
      if (came === "readable") this.#read();
      if (wait.time >= survey + interval) {
        this.#survey();
        survey = wait.time;
      }
      this.#rewriteDue(wait.time);
    }
  }

  [Symbol.dispose](): void {
    this.#watch?.[Symbol.dispose]();
  }

  /** Watches what is there now, and looks at all files. */
  #survey(): void {
    this.#arm();
    for (const path of this.#versions.changed()) this.#happened(path);
  }

  #read(): void {
    const happened = this.#watch?.read();
    if (happened === undefined) return;
    for (const path of happened.changed) this.#happened(path);
    if (happened.lost) this.#settings.log.debug("more happened than the kernel could tell: all files are looked at");
    if (happened.moved) this.#survey();
  }

  /** Puts the watches where the directories are now. Where there are no more to be had, polling takes their place. */
  #arm(): void {
    const { directories, poll, log } = this.#settings;
    if (poll) return;
    const watch = this.#watch ?? DirectoryWatch.open(directories, isSpecName);
    const result = typeof watch === "number" ? watch : watch.arm();
    if (typeof watch === "object" && typeof result === "object") {
      this.#watch = watch;
      for (const directory of result) log.debug(`${directory} is watched`);
      if (this.#told !== "") log.info("inotify tells of changes again");
      this.#told = "";
      return;
    }
    if (typeof watch === "object") watch[Symbol.dispose]();
    this.#watch = undefined;
    const reason = typeof result === "number" ? inotifyTrouble(result) : "";
    if (this.#told !== reason) log.warn(`inotify: ${reason}: the directories are looked at every second instead`);
    this.#told = reason;
  }

  #happened(path: string): void {
    const { time } = this.#settings.wait;
    const due = this.#due.get(path);
    if (due === undefined) this.#due.set(path, { at: time + watchTimes.quiet, latest: time + watchTimes.patience });
    else due.at = Math.min(time + watchTimes.quiet, due.latest);
  }

  #rewriteDue(time: number): void {
    const { log, wait } = this.#settings;
    const due = [...this.#due].filter(([, { at }]) => at <= time);
    for (const [path] of due) {
      this.#due.delete(path);
      let finished = true;
      const outcome = withoutWriters(path, (guard) => {
        log.debug(`looks at ${path}`);
        this.#versions.note(path);
        finished = this.#settings.rewrite(path, guard);
      });
      if (outcome === "being written") log.debug(`${path} is being written, and left alone until it is closed`);
      else if (finished) continue;
      const again = wait.time + (finished ? watchTimes.busy : watchTimes.quiet);
      this.#due.set(path, { at: again, latest: again });
    }
  }
}
