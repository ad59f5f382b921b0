import {
  viaText,
  type Attempt,
  type Explanation,
  type LoadedObject,
  type Lookup,
  type Process,
} from "../../loader/explain.ts";
import type { Json } from "../json.ts";

/** What `ldcache explain --json` prints; docs/explain.md describes it */
export function explanationDocument(explanation: Explanation, root: string, libraryPath: string | undefined): Json {
  const { linker, cpu, process, preloads, lookup, notes, succeeds } = explanation;
  return {
    root,
    linker: {
      kind: linker.kind,
      path: linker.path,
      present: process.linkerObject !== undefined,
      description: linker.description,
      glibc: linker.kind === "glibc" ? `2.${linker.minor}` : null,
      architecture: linker.architecture,
      folders: linker.systemFolders,
      lib: linker.lib,
    },
    cpu: { name: cpu.cpu.name, why: cpu.why, hwcaps: cpu.cpu.hwcaps, platform: cpu.cpu.platform ?? null },
    cache: {
      path: linker.cachePath,
      entries: process.chooser?.cache.count ?? null,
      problem: process.cacheProblem ?? null,
    },
    libraryPath: libraryPath ?? null,
    program: process.program.path === "" ? null : process.program.path,
    preloads: preloads.map((each) => lookupJson(each, process)),
    lookup: lookup === undefined ? null : lookupJson(lookup, process),
    objects: lookup === undefined ? process.objects.map((object) => objectJson(object, process)) : null,
    notes: notes.map(({ code, text }) => ({ code, text })),
    succeeds,
  };
}

function objectJson({ path, object, lookup, lookups }: LoadedObject, process: Process): Json {
  return {
    path,
    soname: object.soname ?? null,
    rpath: object.rpath ?? null,
    runpath: object.runpath ?? null,
    name: lookup?.name ?? null,
    needs: lookups.map((each) => lookupJson(each, process)),
  };
}

function lookupJson({ name, kind, by, outcome, object, reason, attempts }: Lookup, process: Process): Json {
  return {
    name,
    kind,
    by: by === undefined || by.path === "" ? null : by.path,
    outcome,
    path: object?.path ?? null,
    reason: reason ?? null,
    attempts: attempts.map((attempt) => attemptJson(attempt, process)),
  };
}

function attemptJson({ via, path, hwcaps, isTried, candidate, noFolder }: Attempt, process: Process): Json {
  return {
    by: via.kind,
    where: viaText(via, process),
    path,
    hwcaps: hwcaps ?? null,
    tried: isTried,
    result: candidate.verdict,
    reason: candidate.verdict === "found" ? null : noFolder ? "no such folder" : candidate.reason || null,
  };
}
