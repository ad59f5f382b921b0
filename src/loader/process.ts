import { HookError } from "../errors.ts";
import { ARCHITECTURES } from "../ldconfig/architecture.ts";
import { describeErrno, EFBIG, ENOENT } from "../rootfs/constants.ts";
import type { Identity } from "../rootfs/directory.ts";
import type { Root } from "../rootfs/root.ts";
import { CacheFile } from "./cache-file.ts";
import { tryFile, type Candidate } from "./candidate.ts";
import type { Cpu } from "./cpu.ts";
import type { DynamicLinker } from "./dynamic-linker.ts";
import { EntryChooser } from "./entry-chooser.ts";
import { listOf, searchGlibc } from "./glibc-search.ts";
import { deciding, type Attempt, type LoadedObject, type Lookup, type LookupKind } from "./lookup.ts";
import { MuslSearch } from "./musl-search.ts";
import { SearchFolders, type SearchList } from "./search-list.ts";
import { subfoldersOf } from "./subfolders.ts";
import { expandTokens } from "./tokens.ts";

/** What is decided outside of the root. */
export interface ProcessOptions {
  readonly linker: DynamicLinker;
  readonly cpu: Cpu;
  /** LD_LIBRARY_PATH, undefined when it is not set. */
  readonly libraryPath: string | undefined;
}

/** A larger cache tells nothing. */
const CACHE_LIMIT = 16 << 20;
/** Paths tried, objects loaded, and attempts kept for the report, in one process. */
const MOST_TRIED = 100_000;
const MOST_OBJECTS = 4096;
const MOST_KEPT = 10_000;

/**
 * A process as its dynamic linker builds it: which objects are in it, and where the next one is looked for. Nothing of it
 * is run. Methods that load throw HookError `limit` when the root makes more work than any sane one.
 */
export class Process {
  readonly root: Root;
  readonly linker: DynamicLinker;
  readonly cpu: Cpu;
  readonly folders: SearchFolders;
  readonly libraryPath: SearchList | undefined;
  readonly defaults: SearchList;
  /** The cache; undefined when the linker has none, and then `cacheProblem` says why, where that is of interest. */
  readonly chooser: EntryChooser | undefined;
  readonly cacheProblem: string | undefined;
  readonly program: LoadedObject;
  /** In the order of loading, the program first; the dynamic linker is not one of them. */
  readonly objects: LoadedObject[] = [];
  /** The dynamic linker itself; undefined when the root has none where programs look for it. */
  linkerObject: LoadedObject | undefined;
  watched: Lookup | undefined;
  #watchedName: string | undefined;
  readonly #musl: MuslSearch | undefined;
  readonly #byName = new Map<string, LoadedObject>();
  readonly #byIdentity = new Map<Identity, LoadedObject>();
  #tried = 0;
  #kept = 0;

  /** `program`: a file that was found already, or undefined for a program of which nothing is known. */
  constructor(root: Root, options: ProcessOptions, program: { path: string; found: Found } | undefined) {
    const { linker, cpu, libraryPath } = options;
    this.root = root;
    this.linker = linker;
    this.cpu = cpu;
    this.folders = new SearchFolders(
      linker.kind === "glibc" ? subfoldersOf(linker, cpu) : [{ path: "", hwcaps: false }],
    );
    const cache = linker.kind === "glibc" ? readCacheFile(root, linker) : undefined;
    this.chooser = typeof cache === "object" ? new EntryChooser(cache, linker, cpu) : undefined;
    this.cacheProblem = typeof cache === "string" ? cache : undefined;
    this.program = this.#object(program?.path ?? "", program?.found ?? NOBODY, undefined);
    this.#enter(this.program);
    this.libraryPath = libraryPath === undefined ? undefined : listOf(this, libraryPath, /[:;]/, this.program, false);
    this.defaults = this.folders.list(linker.systemFolders, (folder) => folder, false);
    this.#musl = linker.kind === "musl" ? new MuslSearch(this, libraryPath) : undefined;
    this.#setPaths(this.program);
    this.#name(this.program, this.program.object.soname);
    this.#loadLinker();
  }

  /**
   * Has a library found, and loads it unless it is in the process already. `exhaustive`: what lies behind the place where
   * it is found is looked at as well, without a consequence.
   */
  request(asked: string, by: LoadedObject, kind: LookupKind, exhaustive = false): Lookup {
    const values = { origin: by.origin, lib: this.linker.lib, platform: this.cpu.platform };
    // glibc looks for tokens in what an object asks for, and in paths.
    const isLiteral = (kind === "preload" || kind === "asked") && !asked.includes("/");
    const name =
      this.linker.kind === "musl" || isLiteral ? asked : expandTokens(asked, values, this.linker.features.strictTokens);
    const isWatched = this.watched === undefined && name !== undefined && name === this.#watchedName;
    const lookup =
      name === undefined || name === ""
        ? settled(asked, by, kind, "refused", "empty dynamic string token substitution")
        : this.#find(name, by, kind, exhaustive || isWatched);
    by.lookups.push(lookup);
    // What was found by another name before is explained by that lookup.
    if (isWatched) this.watched = lookup.attempts.length === 0 ? (lookup.object?.lookup ?? lookup) : lookup;
    return lookup;
  }

  /** The first lookup of this name from now on is exhaustive, and is kept as `watched`; one that loaded it, if any did. */
  watch(name: string): void {
    this.#watchedName = name;
    const known = this.#byName.get(name)?.lookup;
    if (known !== undefined) this.watched = known;
  }

  /**
   * Loads what the objects ask for, breadth first, until nothing is left to ask for. Only what a filter asks for in its
   * stead has its turn at once, as it is put before the filter (glibc's elf/dl-deps.c).
   */
  loadRequests(): void {
    const asked = new Set<LoadedObject>();
    // An array's iterator sees what is pushed meanwhile.
    for (const first of this.objects) {
      const next = [first];
      for (let object = next.pop(); object !== undefined; object = next.pop()) {
        if (asked.has(object)) continue;
        asked.add(object);
        next.push(...this.#requestsOf(object).reverse());
      }
    }
  }

  /** Has an object's requests answered; those that it is a filter for. */
  #requestsOf(object: LoadedObject): LoadedObject[] {
    const filtees: LoadedObject[] = [];
    for (const { kind, name } of object.object.requests) {
      // musl knows no filters.
      if (kind !== "needed" && this.#musl !== undefined) continue;
      const { object: found } = this.request(name, object, kind);
      if (kind !== "needed" && found !== undefined) filtees.push(found);
    }
    return filtees;
  }

  /** Looks at a path of the root. */
  try(path: string): Candidate {
    this.spend(path);
    return tryFile(this.root, path, this.linker, this.cpu);
  }

  /** Counts steps of the search, each of which takes as long as to try a path. */
  spend(path: string, steps = 1): void {
    this.#tried += steps;
    if (this.#tried <= MOST_TRIED) return;
    throw new HookError("limit", "look for libraries", path, `more than ${MOST_TRIED} paths are tried`);
  }

  #find(name: string, by: LoadedObject, kind: LookupKind, exhaustive: boolean): Lookup {
    const known = this.#musl === undefined ? this.#byName.get(name) : this.#musl.named(name);
    if (known !== undefined) return { ...settled(name, by, kind, "already"), object: known };
    const attempts =
      this.#musl?.search(name, kind === "preload" ? undefined : by, exhaustive) ??
      searchGlibc(this, name, by, exhaustive);
    const decided = deciding(attempts);
    const found = decided?.candidate;
    const kept = this.#keep(attempts);
    if (decided === undefined || found === undefined || found.verdict === "absent" || found.verdict === "skipped") {
      return { ...settled(name, by, kind, "missing"), attempts: kept };
    }
    if (found.verdict === "refused") return { ...settled(name, by, kind, "refused", found.reason), attempts: kept };
    const same = this.#byIdentity.get(found.identity);
    if (same !== undefined) {
      if (this.#musl === undefined) this.#name(same, name);
      else this.#musl.alias(same, name);
      return { ...settled(name, by, kind, "already"), attempts: kept, object: same };
    }
    // Nobody asks for what musl preloads.
    const isUnasked = this.#musl !== undefined && kind === "preload";
    const object = this.#load(decided.path, name, found, isUnasked ? undefined : by);
    const lookup: Lookup = { ...settled(name, by, kind, "loaded"), attempts: kept, object };
    object.lookup = lookup;
    return lookup;
  }

  #load(path: string, name: string, found: Found, by: LoadedObject | undefined): LoadedObject {
    if (this.objects.length >= MOST_OBJECTS) {
      throw new HookError("limit", "load", path, `more than ${MOST_OBJECTS} libraries`);
    }
    const object = this.#object(path, found, by);
    this.#setPaths(object);
    this.#enter(object);
    if (this.#musl !== undefined) this.#musl.alias(object, name);
    else for (const each of [path, name, found.object.soname]) this.#name(object, each);
    return object;
  }

  /** The file of the program is not known to the dynamic linker, as the kernel has mapped it. */
  #enter(object: LoadedObject): void {
    this.objects.push(object);
    if (object.object.interpreter === undefined || object !== this.program) {
      this.#byIdentity.set(object.identity, object);
    }
  }

  /** The object is found by that name from now on, unless an earlier one is. */
  #name(object: LoadedObject, name: string | undefined): void {
    if (name !== undefined && !this.#byName.has(name)) this.#byName.set(name, object);
  }

  #object(path: string, { identity, object }: Found, loader: LoadedObject | undefined): LoadedObject {
    const origin = originOf(path);
    const rpathFrom = loader?.rpath === undefined ? loader?.rpathFrom : loader;
    return {
      path,
      identity,
      object,
      origin,
      loader,
      rpathFrom,
      lookup: undefined,
      lookups: [],
      rpath: undefined,
      runpath: undefined,
    };
  }

  /** DT_RPATH does not count beside DT_RUNPATH. */
  #setPaths(object: LoadedObject): void {
    const { rpath, runpath } = object.object;
    if (this.#musl !== undefined) object.rpath = this.#musl.listOf(runpath ?? rpath ?? "", object);
    else if (runpath !== undefined) object.runpath = listOf(this, runpath, ":", object, true);
    else if (rpath !== undefined) object.rpath = listOf(this, rpath, ":", object, true);
  }

  /** The dynamic linker answers to the path by which the program names it, and to its soname. */
  #loadLinker(): void {
    const { path } = this.linker;
    const candidate = tryFile(this.root, path, this.linker, this.cpu);
    if (candidate.verdict !== "found") return;
    const object = this.#object(path, candidate, undefined);
    this.linkerObject = object;
    for (const name of [path, candidate.object.soname]) this.#name(object, name);
  }

  /** The attempts of a lookup, or those at which something was when the report has become long. */
  #keep(attempts: readonly Attempt[]): readonly Attempt[] {
    const kept =
      this.#kept + attempts.length > MOST_KEPT
        ? attempts.filter(({ candidate }) => candidate.verdict !== "absent").slice(-8)
        : attempts;
    this.#kept += kept.length;
    return kept;
  }
}

/** `cacheProblem` of a root without a cache. */
export const NO_CACHE = "there is none";

type Found = Extract<Candidate, { verdict: "found" }>;

/** A program of which nothing is known: it asks, and has no paths of its own. */
const NOBODY: Found = {
  verdict: "found",
  identity: Number.NaN,
  object: {
    header: {
      classByte: 0,
      dataByte: 0,
      identVersion: 1,
      osAbi: 0,
      abiVersion: 0,
      padded: true,
      bits: 64,
      bigEndian: false,
      type: 3,
      machine: 0,
      version: 1,
      flags: 0,
      phoff: 0,
      phentsize: 0,
      phnum: 0,
    },
    interpreter: undefined,
    hasSegments: true,
    hasDynamic: true,
    soname: undefined,
    rpath: undefined,
    runpath: undefined,
    flags1: 0,
    requests: [],
    isa: 0,
    osVersion: undefined,
  },
};

function settled(
  name: string,
  by: LoadedObject,
  kind: LookupKind,
  outcome: Lookup["outcome"],
  reason?: string,
): Lookup {
  return { kind, name, by, attempts: [], outcome, object: undefined, reason };
}

/** The folder of a path; paths of the working directory are seen from the root. */
function originOf(path: string): string {
  const absolute = path.startsWith("/") ? path : `/${path}`;
  return absolute.slice(0, absolute.lastIndexOf("/")) || "/";
}

function readCacheFile(root: Root, linker: DynamicLinker): CacheFile | string {
  const bytes = root.read(linker.cachePath, CACHE_LIMIT);
  if (bytes === -ENOENT) return NO_CACHE;
  if (bytes === -EFBIG) return `it has more than ${CACHE_LIMIT} bytes`;
  if (typeof bytes === "number") return describeErrno(bytes);
  const { bigEndian, charSigned } = ARCHITECTURES[linker.architecture];
  return CacheFile.in(bytes, bigEndian, charSigned, linker.features.endianByte);
}
