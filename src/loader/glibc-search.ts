/** How glibc's dynamic linker looks for a library: elf/dl-load.c, _dl_map_object and open_path; ld.so(8). */
import { DF_1_NODEFLIB } from "../elf/object.ts";
import { EACCES, ENOENT, S_IFDIR } from "../rootfs/constants.ts";
import type { Attempt, LoadedObject, Via } from "./lookup.ts";
import type { Process } from "./process.ts";
import type { SearchList } from "./search-list.ts";
import { expandTokens } from "./tokens.ts";

/** Words of one path that are looked at. */
const MOST_WORDS = 65_536;

/**
 * All paths that are tried for a name, in order, up to the one that decides; `exhaustive` goes on behind it, to show what it
 * hides. `by` is the object that asks, the program itself when nobody does.
 */
export function searchGlibc(process: Process, name: string, by: LoadedObject, exhaustive: boolean): Attempt[] {
  const search = new GlibcSearch(process, name, by, exhaustive);
  search.run();
  return search.attempts;
}

/** A list of the words of DT_RPATH, DT_RUNPATH or LD_LIBRARY_PATH; `object` is whose tokens count. */
export function listOf(
  process: Process,
  text: string,
  separator: ":" | RegExp,
  object: LoadedObject,
  forgettable: boolean,
): SearchList | undefined {
  if (text === "") return undefined;
  const { linker, cpu } = process;
  const values = { origin: object.origin, lib: linker.lib, platform: cpu.platform };
  const words = text.split(separator, MOST_WORDS);
  return process.folders.list(words, (word) => expandTokens(word, values, linker.features.strictTokens), forgettable);
}

class GlibcSearch {
  readonly attempts: Attempt[] = [];
  readonly #process: Process;
  readonly #name: string;
  readonly #by: LoadedObject;
  readonly #exhaustive: boolean;
  #isDecided = false;

  constructor(process: Process, name: string, by: LoadedObject, exhaustive: boolean) {
    this.#process = process;
    this.#name = name;
    this.#by = by;
    this.#exhaustive = exhaustive;
  }

  run(): void {
    if (this.#name.includes("/")) {
      this.#try(this.#name, { kind: "path", object: undefined }, undefined);
      return;
    }
    this.#rpaths();
    if (!this.#isDone()) this.#libraryPath();
    if (!this.#isDone()) this.#runpath();
    if (!this.#isDone()) this.#cache();
    if (!this.#isDone()) this.#defaults();
  }

  #isDone(): boolean {
    return this.#isDecided && !this.#exhaustive;
  }

  /** DT_RPATH of the object, of the one that had it loaded, and so on up to the program; none of it beside DT_RUNPATH. */
  #rpaths(): void {
    if (this.#by.object.runpath !== undefined) return;
    for (let object: LoadedObject | undefined = this.#by; object !== undefined; object = object.rpathFrom) {
      this.#list(object.rpath, { kind: "rpath", object: object.path });
      if (this.#isDone()) return;
    }
  }

  #libraryPath(): void {
    this.#list(this.#process.libraryPath, { kind: "library-path", object: undefined });
  }

  #runpath(): void {
    this.#list(this.#by.runpath, { kind: "runpath", object: this.#by.path });
  }

  #cache(): void {
    const { linker, chooser } = this.#process;
    const via: Via = { kind: "cache", object: undefined };
    const considered = chooser?.consider(this.#name) ?? [];
    // Names are compared character by character, some twenty times and once for each entry of the name. It is long ones
    // that take time.
    this.#process.spend(this.#name, (Math.max(0, this.#name.length - 128) * (20 + considered.length)) >> 6);
    for (const { entry, hwcaps, rejected } of considered) {
      const isExcluded =
        this.#excludesDefaults && linker.systemFolders.some((folder) => entry.value.startsWith(folder));
      const reason =
        rejected ?? (isExcluded ? "in a default folder, which the object excludes (DF_1_NODEFLIB)" : undefined);
      if (reason === undefined) {
        this.#try(entry.value, via, hwcaps);
        continue;
      }
      const candidate = { verdict: "skipped", reason } as const;
      this.attempts.push({ via, path: entry.value, hwcaps, isTried: false, candidate, noFolder: false });
    }
  }

  #defaults(): void {
    if (!this.#excludesDefaults) this.#list(this.#process.defaults, { kind: "default", object: undefined });
  }

  get #excludesDefaults(): boolean {
    return (this.#by.object.flags1 & DF_1_NODEFLIB) !== 0;
  }

  #list(list: SearchList | undefined, via: Via): void {
    if (list === undefined) return;
    this.#process.spend(this.#name);
    if (list.forgotten) return;
    let isAnyThere = false;
    for (const folder of list.folders) {
      let isThere = false;
      let errno: number = ENOENT;
      for (const [index, { path }] of this.#process.folders.subfolders.entries()) {
        if (folder.states[index] === "missing") continue;
        const place = folder.path + path;
        const isNew = folder.states[index] === "unknown";
        const found = this.#try(place + this.#name, via, path === "" ? undefined : path.slice(0, -1), (candidate) => {
          if (isNew)
            folder.states[index] = candidate.verdict !== "absent" || this.#isFolder(place) ? "there" : "missing";
          return folder.states[index] === "missing";
        });
        isThere ||= folder.states[index] === "there";
        if (this.#isDone()) return;
        errno = found.verdict === "absent" ? found.errno : ENOENT;
      }
      // "The file exists and is readable, but something went wrong": the rest of the list is not looked at.
      if (isThere && errno !== ENOENT && errno !== EACCES) return;
      isAnyThere ||= isThere;
    }
    if (!isAnyThere && list.forgettable) list.forgotten = true;
  }

  #isFolder(path: string): boolean {
    const facts = this.#process.root.stat(path);
    return typeof facts === "object" && facts.type === S_IFDIR;
  }

  #try(
    path: string,
    via: Via,
    hwcaps: string | undefined,
    hasNoFolder: (candidate: Attempt["candidate"]) => boolean = () => false,
  ): Attempt["candidate"] {
    const candidate = this.#process.try(path);
    this.#isDecided ||= candidate.verdict === "found" || candidate.verdict === "refused";
    this.attempts.push({ via, path, hwcaps, isTried: true, candidate, noFolder: hasNoFolder(candidate) });
    return candidate;
  }
}
