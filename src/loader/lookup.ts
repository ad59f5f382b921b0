import type { ElfObject, Request } from "../elf/object.ts";
import type { Identity } from "../rootfs/directory.ts";
import type { Candidate } from "./candidate.ts";
import type { SearchList } from "./search-list.ts";

/** Why the dynamic linker looked at a path. */
export interface Via {
  /** `path`: the name has a slash in it, and is one. `musl-path`: musl's list of folders. */
  readonly kind: "rpath" | "runpath" | "library-path" | "cache" | "default" | "path" | "musl-path";
  /** Of `rpath` and `runpath`: the object whose it is. */
  readonly object: string | undefined;
}

/** A path that came into question. */
export interface Attempt {
  readonly via: Via;
  readonly path: string;
  /** The glibc-hwcaps or legacy subfolder; of a cache entry, as the cache says; undefined without one. */
  readonly hwcaps: string | undefined;
  /** False for an entry of the cache that was passed over. */
  readonly isTried: boolean;
  readonly candidate: Candidate;
  /** The folder itself is missing: nothing more is looked for in it. */
  readonly noFolder: boolean;
}

/** A program or library that is in the process. */
export interface LoadedObject {
  /** Where it was found, as text. */
  readonly path: string;
  readonly identity: Identity;
  readonly object: ElfObject;
  /** What `$ORIGIN` stands for in it. */
  readonly origin: string;
  /** Who had it loaded; undefined for the program. */
  readonly loader: LoadedObject | undefined;
  /** The nearest of its loaders that has a DT_RPATH that counts for it (musl: or a DT_RUNPATH). */
  readonly rpathFrom: LoadedObject | undefined;
  /** The lookup that loaded it; undefined for the program and for the dynamic linker. */
  lookup: Lookup | undefined;
  /** What it asks for, one for each request, once that was looked for. */
  readonly lookups: Lookup[];
  rpath: SearchList | undefined;
  runpath: SearchList | undefined;
}

/** What a person may ask for besides the requests of objects. */
export type LookupKind = Request["kind"] | "preload" | "asked";

/** One name that was looked for. */
export interface Lookup {
  readonly kind: LookupKind;
  /** Tokens expanded. */
  readonly name: string;
  readonly by: LoadedObject | undefined;
  /** In order; of a process that tried very many, those at which nothing was may be left out. */
  readonly attempts: readonly Attempt[];
  /**
   * - `loaded`   found, and loaded by this
   * - `already`  an object that is in the process has this name, soname or file
   * - `missing`  nowhere
   * - `refused`  found, and the dynamic linker ends the program for what it found
   */
  readonly outcome: "loaded" | "already" | "missing" | "refused";
  readonly object: LoadedObject | undefined;
  /** Of `refused`: why. */
  readonly reason: string | undefined;
}

/** The attempt that decided; undefined when none did. */
export function deciding(attempts: readonly Attempt[]): Attempt | undefined {
  return attempts.find(
    ({ candidate, isTried }) => isTried && (candidate.verdict === "found" || candidate.verdict === "refused"),
  );
}
