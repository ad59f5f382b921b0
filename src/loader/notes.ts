import { describeErrno, EACCES, ENOENT } from "../rootfs/constants.ts";
import { danglingLink } from "./candidate.ts";
import { deciding, type Attempt, type Lookup, type Via } from "./lookup.ts";
import { NO_CACHE, type Process } from "./process.ts";

/** Something about a lookup that a person ought to know. */
export interface Note {
  readonly code:
    | "no-cache"
    | "stale-entry"
    | "empty-file"
    | "hides"
    | "soname"
    | "not-in-cache"
    | "other-entries"
    | "similar-names"
    | "list-given-up"
    | "relative-folder"
    | "dangling-link"
    | "no-linker"
    | "static"
    | "preload-ignored"
    | "ends-here";
  /** One sentence; names in it are byte strings. */
  readonly text: string;
}

/** Attempts that are looked at for links that lead nowhere, and names that are shown. */
const MOST_LINKS = 64;
const MOST_SIMILAR = 8;

/** What there is to say of one lookup, the most telling first. */
export function notesOn(process: Process, lookup: Lookup): Note[] {
  const { attempts, outcome } = lookup;
  const decided = deciding(attempts);
  const index = decided === undefined ? attempts.length : attempts.indexOf(decided);
  const before = attempts.slice(0, index);
  const notes: Note[] = [];
  const wantsCache = before.length < attempts.length ? decided?.via.kind !== "path" : outcome === "missing";
  if (process.cacheProblem !== undefined && wantsCache) {
    const { cachePath } = process.linker;
    const isMissing = process.cacheProblem === NO_CACHE;
    const text = isMissing ? `There is no ${cachePath}` : `${cachePath} is of no use: ${process.cacheProblem}`;
    notes.push(note("no-cache", text));
  }
  for (const attempt of before) if (attempt.via.kind === "cache") notes.push(...staleEntry(process, attempt));
  if (decided?.candidate.verdict === "refused") notes.push(...refusalNotes(decided));
  if (decided !== undefined) notes.push(...hiddenNotes(process, decided, attempts.slice(index + 1)));
  notes.push(...foundNotes(process, lookup, decided));
  if (outcome === "missing") notes.push(...missingNotes(process, lookup));
  for (const { candidate, path, noFolder } of before) {
    if (noFolder || candidate.verdict !== "absent" || candidate.errno === ENOENT || candidate.errno === EACCES)
      continue;
    const reason = `${describeErrno(-candidate.errno)}: the rest of that list is not searched`;
    notes.push(note("list-given-up", `${path}: ${reason}`));
  }
  if (before.some(({ path, via }) => via.kind !== "path" && !path.startsWith("/"))) {
    notes.push(
      note("relative-folder", "A relative folder is searched: another working directory gives another answer"),
    );
  }
  return notes.filter(({ text }, at) => notes.findIndex((other) => other.text === text) === at);
}

/** For a person: the place that sent the dynamic linker to a path. */
export function viaText(via: Via, process: Process): string {
  switch (via.kind) {
    case "rpath":
      return `RPATH of ${via.object}`;
    case "runpath":
      return `RUNPATH of ${via.object}`;
    case "library-path":
      return "LD_LIBRARY_PATH";
    case "cache":
    case "musl-path":
      return process.linker.cachePath;
    case "default":
      return "default folder";
    case "path":
      return "the name itself";
  }
}

function staleEntry(process: Process, { path, candidate, isTried }: Attempt): Note[] {
  if (!isTried) return [];
  const { cachePath } = process.linker;
  if (candidate.verdict === "skipped") {
    return [note("stale-entry", `${cachePath} is stale: its entry ${path} is now ${candidate.reason}`)];
  }
  if (candidate.verdict !== "absent") return [];
  const target = danglingLink(process.root, path);
  const what = target === undefined ? "where nothing is" : `a link to ${target}, which leads nowhere`;
  return [note("stale-entry", `${cachePath} is stale: it names ${path}, ${what}`)];
}

/** The other libraries of the name, each file once. */
function hiddenNotes(process: Process, decided: Attempt, behind: readonly Attempt[]): Note[] {
  const seen = new Set(decided.candidate.verdict === "found" ? [decided.candidate.identity] : []);
  return behind.flatMap(({ candidate, path, via }) => {
    if (candidate.verdict !== "found" || seen.has(candidate.identity)) return [];
    seen.add(candidate.identity);
    return [note("hides", `${decided.path} hides ${path} (${viaText(via, process)})`)];
  });
}

function refusalNotes({ path, candidate }: Attempt): Note[] {
  if (candidate.verdict !== "refused" || !candidate.reason.includes("it is empty")) return [];
  const text = `${path} is empty: perhaps a place for a file that a container runtime mounts; the search ends at it`;
  return [note("empty-file", text)];
}

function foundNotes(process: Process, { name, object, attempts }: Lookup, decided: Attempt | undefined): Note[] {
  if (decided?.candidate.verdict !== "found") return [];
  const notes: Note[] = [];
  const soname = object?.object.soname;
  const isName = !name.includes("/");
  if (isName && soname !== undefined && soname !== name) {
    notes.push(note("soname", `The soname of ${decided.path} is ${soname}`));
  }
  const isCached = attempts.some(({ via, path }) => via.kind === "cache" && path === decided.path);
  if (decided.via.kind === "default" && process.chooser !== undefined && !isCached) {
    notes.push(note("not-in-cache", `${decided.path} is not in ${process.linker.cachePath}; a default folder has it`));
  }
  return notes;
}

function missingNotes(process: Process, { name, attempts }: Lookup): Note[] {
  const notes: Note[] = [];
  for (const { path, candidate, via } of attempts.slice(0, MOST_LINKS)) {
    if (candidate.verdict !== "absent" || via.kind === "cache") continue;
    const target = danglingLink(process.root, path);
    if (target !== undefined) notes.push(note("dangling-link", `${path} is a link to ${target}, which leads nowhere`));
  }
  const others = attempts
    .filter(({ isTried }) => !isTried)
    .map(({ path, candidate }) => `${path}: ${reasonOf(candidate)}`);
  if (others.length > 0)
    notes.push(note("other-entries", `The cache has ${name} for others: ${others.slice(0, 4).join("; ")}`));
  const end = name.indexOf(".so");
  const similar =
    end <= 0 || process.chooser === undefined ? [] : process.chooser.cache.keysWith(name.slice(0, end + 3));
  const shown = similar.filter((other) => other !== name).slice(0, MOST_SIMILAR);
  if (shown.length > 0) notes.push(note("similar-names", `The cache has ${shown.join(", ")}`));
  return notes;
}

function reasonOf(candidate: Attempt["candidate"]): string {
  return candidate.verdict === "found" ? "" : candidate.reason;
}

export function note(code: Note["code"], text: string): Note {
  return { code, text };
}
