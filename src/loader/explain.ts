/** The part `loader`: how the dynamic linker of a root finds a library, or all that a program needs. */
import { toText } from "../bytes/text.ts";
import { readHeader } from "../elf/header.ts";
import { DF_1_PIE, readObject, type ElfObject } from "../elf/object.ts";
import { HookError } from "../errors.ts";
import { architectureOf, type Architecture } from "../ldconfig/architecture.ts";
import type { Log } from "../logger.ts";
import { describeErrno } from "../rootfs/constants.ts";
import type { Root } from "../rootfs/root.ts";
import type { Candidate } from "./candidate.ts";
import type { Cpu } from "./cpu.ts";
import { findLinker, type DynamicLinker } from "./dynamic-linker.ts";
import type { Lookup } from "./lookup.ts";
import { note, notesOn, type Note } from "./notes.ts";
import { preloadNames } from "./preloads.ts";
import { Process } from "./process.ts";

export { cpuFromCpuinfo, cpusOf, type Cpu } from "./cpu.ts";
export type { DynamicLinker } from "./dynamic-linker.ts";
export { deciding, type Attempt, type LoadedObject, type Lookup } from "./lookup.ts";
export { viaText, type Note } from "./notes.ts";
export type { Process } from "./process.ts";

/** A processor, and for a person why it is this one. */
export interface AssumedCpu {
  readonly cpu: Cpu;
  readonly why: string;
}

export interface ExplainRequest {
  /** The library that is looked for; undefined when all is that a program needs. */
  readonly name: string | undefined;
  /** The program, or library, that asks: a path in the root. */
  readonly from: string | undefined;
  readonly libraryPath: string | undefined;
  /** LD_PRELOAD */
  readonly preload: string | undefined;
  readonly architecture: Architecture | undefined;
  readonly cpuFor: (architecture: Architecture) => AssumedCpu;
}

export interface Explanation {
  readonly linker: DynamicLinker;
  readonly cpu: AssumedCpu;
  readonly process: Process;
  readonly preloads: readonly Lookup[];
  /** Of the library that was asked for. */
  readonly lookup: Lookup | undefined;
  /** On `lookup`, or on the whole process. */
  readonly notes: readonly Note[];
  /** All that is needed is found, and can be loaded. */
  readonly succeeds: boolean;
}

/**
 * Builds the process of the program that asks, without running anything of it, and follows one name in it, or all. Throws
 * HookError: `kernel` or `format` when the program cannot be read, `limit` when the root makes more work than any sane one.
 */
export function explain(root: Root, request: ExplainRequest, log: Log): Explanation {
  const program = request.from === undefined ? undefined : readProgramFile(root, request.from);
  const architecture = program === undefined ? request.architecture : architectureOfProgram(program);
  const interpreter = program?.found.object.interpreter;
  const linker = findLinker(root, { interpreter, architecture }, log);
  const cpu = request.cpuFor(linker.architecture);
  const { libraryPath } = request;
  const process = new Process(root, { linker, cpu: cpu.cpu, libraryPath }, program);
  const isStatic = program !== undefined && interpreter === undefined && isStaticProgram(program.found.object);
  const preloads = isStatic
    ? []
    : preloadNames(root, linker, request.preload).map((name) => process.request(name, process.program, "preload"));
  const general = generalNotes(process, preloads, isStatic);
  if (request.name === undefined) {
    process.loadRequests();
    const notes = [...general, ...processNotes(process)];
    const succeeds = process.objects.every(({ lookups }) => lookups.every((lookup) => isFine(lookup)));
    return { linker, cpu, process, preloads, lookup: undefined, notes, succeeds };
  }
  process.watch(request.name);
  if (program !== undefined) process.loadRequests();
  const lookup = process.watched ?? process.request(request.name, process.program, "asked", true);
  const notes = [...general, ...notesOn(process, lookup)];
  return { linker, cpu, process, preloads, lookup, notes, succeeds: isFine(lookup) };
}

/** Only a missing preload or auxiliary library does no harm. */
export function isFine({ outcome, kind }: Lookup): boolean {
  return outcome === "loaded" || outcome === "already" || kind === "preload" || kind === "auxiliary";
}

/** Of a file without an interpreter: it is no library, and may be static-pie. */
function isStaticProgram({ hasDynamic, flags1 }: ElfObject): boolean {
  return !hasDynamic || (flags1 & DF_1_PIE) !== 0;
}

interface ProgramFile {
  readonly path: string;
  readonly found: Extract<Candidate, { verdict: "found" }>;
}

function readProgramFile(root: Root, path: string): ProgramFile {
  const opened = root.open(path);
  if (typeof opened === "number")
    throw new HookError("kernel", "open", path, describeErrno(opened), { errno: -opened });
  using file = opened;
  const header = readHeader(file);
  if (typeof header === "string") {
    const script = /^#![^\n]{0,200}/.exec(toText(file.read(0, 256)))?.[0];
    const reason = script === undefined ? "no ELF file" : `a script, which ${script.slice(2).trim()} runs`;
    throw new HookError("format", "read", path, reason);
  }
  const object = readObject(file, header);
  const found = { verdict: "found", identity: file.identity, object } as const;
  // The kernel tells a program its path without links; a library is known by the path that it was opened by.
  return { path: object.interpreter === undefined ? path : withoutLinks(root, path), found };
}

function architectureOfProgram({ path, found }: ProgramFile): Architecture {
  const { machine, bits, bigEndian, flags } = found.object.header;
  const architecture = architectureOf(machine, bits, bigEndian, flags);
  if (architecture !== undefined) return architecture;
  throw new HookError("refused", "explain", path, `nothing is known of e_machine ${machine}, ${bits}-bit`);
}

const MOST_LINKS = 40;

function withoutLinks(root: Root, path: string): string {
  let at = path.startsWith("/") ? path : `/${path}`;
  for (let links = 0; links < MOST_LINKS; links += 1) {
    const slash = at.lastIndexOf("/");
    const opened = root.directory(at.slice(0, slash) || "/");
    if (typeof opened === "number") return at;
    using directory = opened;
    const name = at.slice(slash + 1);
    const target = directory.readlink(name);
    const parent = directory.path === "/" ? "" : directory.path;
    if (typeof target === "number") return `${parent}/${name}`;
    at = target.startsWith("/") ? target : `${parent}/${target}`;
  }
  return at;
}

function generalNotes(process: Process, preloads: readonly Lookup[], isStatic: boolean): Note[] {
  const notes: Note[] = [];
  if (isStatic) notes.push(note("static", `${process.program.path} is statically linked: nothing is loaded for it`));
  else if (process.linkerObject === undefined && process.program.object.interpreter !== undefined) {
    notes.push(note("no-linker", `${process.linker.path} is missing: programs that name it do not start`));
  }
  for (const { name, outcome, reason } of preloads) {
    if (outcome !== "missing" && outcome !== "refused") continue;
    notes.push(note("preload-ignored", `${name} is not preloaded: ${reason ?? "it is not found"}`));
  }
  return notes;
}

/** Those on lookups that failed, or that chose what a person may not expect; each once. */
function processNotes(process: Process): Note[] {
  const notes = new Map<string, Note>();
  const remarkable = process.objects.flatMap(({ lookups }) => lookups).filter(({ outcome }) => outcome !== "already");
  for (const lookup of remarkable.slice(0, MOST_EXPLAINED)) {
    if (lookup.outcome === "refused" && !isFine(lookup)) {
      const text = `${lookup.name}: the dynamic linker gives up: ${lookup.reason}`;
      notes.set(text, note("ends-here", text));
    }
    for (const each of notesOn(process, lookup)) notes.set(each.text, each);
  }
  return [...notes.values()];
}

/** Lookups that notes are made of. */
const MOST_EXPLAINED = 1024;
