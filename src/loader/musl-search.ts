/** How musl's dynamic linker looks for a library: ldso/dynlink.c, load_library, path_open and fixup_rpath. */
import { toText } from "../bytes/text.ts";
import { EACCES, ENAMETOOLONG, ENOENT, ENOTDIR } from "../rootfs/constants.ts";
import { deciding, type Attempt, type LoadedObject, type Via } from "./lookup.ts";
import type { Process } from "./process.ts";
import type { SearchList } from "./search-list.ts";

/** Libraries that are in musl's libc.so itself: `libpthread.so.0` is no other file. */
const OWN = /^lib(?:c|pthread|rt|m|dl|util|xnet)\./;
const ORIGIN = /\$(?:ORIGIN|\{ORIGIN\})/g;
const NAME_MAX = 255;
/** A path in a folder has to fit in with its NUL, and so has the program's own path, where `$ORIGIN` is taken from it. */
const PATH_BUFFER = 2 * NAME_MAX + 2;
const PATH_FILE_LIMIT = 1 << 20;
const MOST_WORDS = 4096;

export class MuslSearch {
  readonly #process: Process;
  readonly #libraryPath: SearchList | undefined;
  readonly #byShortName = new Map<string, LoadedObject>();
  readonly #shortNamed = new Set<LoadedObject>();
  #systemPath: SearchList | undefined;

  constructor(process: Process, libraryPath: string | undefined) {
    this.#process = process;
    this.#libraryPath = libraryPath === undefined ? undefined : listOfWords(libraryPath);
  }

  /** The object in the process that has this name; the dynamic linker, which is libc, for libc's own libraries. */
  named(name: string): LoadedObject | undefined {
    const { linker, linkerObject } = this.#process;
    if (OWN.test(name) || name === linker.path) return linkerObject;
    return name.includes("/") ? undefined : this.#byShortName.get(name);
  }

  /** Remembers the name of an object that was searched for by it; musl forgets those that were given as paths. */
  alias(object: LoadedObject, name: string): void {
    if (name.includes("/") || this.#shortNamed.has(object)) return;
    this.#shortNamed.add(object);
    const shortName = object.path.slice(object.path.lastIndexOf("/") + 1);
    if (!this.#byShortName.has(shortName)) this.#byShortName.set(shortName, object);
  }

  /** The folders of DT_RUNPATH or DT_RPATH. Of tokens musl knows `$ORIGIN` only; another makes the whole path void. */
  listOf(path: string, object: LoadedObject): SearchList | undefined {
    if (path === "" || path.replace(ORIGIN, "").includes("$")) return undefined;
    const isUnknown = object === this.#process.program && object.path.length >= PATH_BUFFER;
    if (isUnknown && path.includes("$")) return undefined;
    // As the object was found: a relative path stays one.
    const slash = object.path.lastIndexOf("/");
    const origin = slash < 0 ? "." : object.path.slice(0, slash);
    return listOfWords(path.replace(ORIGIN, () => origin));
  }

  /** All paths that are tried for a name (`by`: nobody for a preloaded one), up to the one that decides, or on behind it. */
  search(name: string, by: LoadedObject | undefined, exhaustive: boolean): Attempt[] {
    const attempts: Attempt[] = [];
    const isDone = (): boolean => !exhaustive && deciding(attempts.slice(-1)) !== undefined;
    if (name.includes("/")) {
      this.#try(name, { kind: "path", object: undefined }, attempts);
      return attempts;
    }
    if (name.length > NAME_MAX) return attempts;
    if (!this.#list(this.#libraryPath, name, { kind: "library-path", object: undefined }, attempts, isDone))
      return attempts;
    for (let object: LoadedObject | undefined = by; object !== undefined; object = object.rpathFrom) {
      const via: Via = { kind: object.object.runpath === undefined ? "rpath" : "runpath", object: object.path };
      if (!this.#list(object.rpath, name, via, attempts, isDone)) return attempts;
    }
    this.#systemPath ??= this.#readSystemPath();
    this.#list(this.#systemPath, name, { kind: "musl-path", object: undefined }, attempts, isDone);
    return attempts;
  }

  /** False when the search is over: something was found, or could not be opened for another reason than not being there. */
  #list(list: SearchList | undefined, name: string, via: Via, attempts: Attempt[], isDone: () => boolean): boolean {
    this.#process.spend(name);
    for (const { path } of list?.folders ?? []) {
      if (path.length + 1 + name.length >= PATH_BUFFER) {
        this.#process.spend(path);
        continue;
      }
      const candidate = this.#try(`${path}/${name}`, via, attempts);
      if (isDone()) return false;
      if (candidate.verdict === "absent" && !GOES_ON.has(candidate.errno)) return false;
    }
    return true;
  }

  #try(path: string, via: Via, attempts: Attempt[]): Attempt["candidate"] {
    const tried = this.#process.try(path);
    // musl opens the first file of the name, and fails when it is for others.
    const candidate = tried.verdict === "skipped" ? ({ ...tried, verdict: "refused" } as const) : tried;
    attempts.push({ via, path, hwcaps: undefined, isTried: true, candidate, noFolder: false });
    return candidate;
  }

  /** The path file, or musl's own folders when there is none; no folder when it cannot be read. */
  #readSystemPath(): SearchList {
    const { root, linker } = this.#process;
    const bytes = root.read(linker.cachePath, PATH_FILE_LIMIT);
    if (bytes === -ENOENT) return listOfWords(linker.systemFolders.join(":"));
    return listOfWords(typeof bytes === "number" ? "" : (toText(bytes).split("\0", 1)[0] ?? ""));
  }
}

const GOES_ON: ReadonlySet<number> = new Set([ENOENT, ENOTDIR, EACCES, ENAMETOOLONG]);

function listOfWords(text: string): SearchList {
  const words = text.split(/[:\n]/, MOST_WORDS).filter((word) => word !== "");
  return { folders: words.map((path) => ({ path, states: [] })), forgettable: false, forgotten: false };
}
