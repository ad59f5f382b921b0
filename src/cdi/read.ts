import { HookError } from "../errors.ts";
import { readHostFile } from "../host/file.ts";
import { hostFolder } from "../host/folder.ts";
import { parseDocument, type Problem, type SpecDocument } from "./document.ts";
import { readSpec, type Spec } from "./spec.ts";

/** Where CDI's readers look when they are not told otherwise; the later one wins. */
export const cdiDirectories: readonly string[] = ["/etc/cdi", "/var/run/cdi"];

/** Bytes of a spec that is read. */
export const largestSpec = 16 << 20;
/** Names in a directory of specs. */
const mostNames = 10_000;

/** A file that was to be read as a spec. */
export interface SpecFile {
  readonly path: string;
  /** The directory in which it was found, as it was given; undefined for a file that was named itself. */
  readonly directory: string | undefined;
  /** Undefined when it cannot be read or parsed. */
  readonly document: SpecDocument | undefined;
  /** Undefined when there are errors. */
  readonly spec: Spec | undefined;
  /** Why there is no spec, and warnings. Problems of the file itself are on line 0. */
  readonly problems: readonly Problem[];
}

/**
 * Reads CDI specs: files as they are named, and of directories each file that a CDI reader would read, sorted by name. A
 * directory that does not exist has no specs. Never throws; what is wrong stands with its file or directory.
 */
export function readSpecs(paths: readonly string[] = cdiDirectories): readonly SpecFile[] {
  return specPaths(paths).map((found) => ("problems" in found ? found : readSpecFile(found.path, found.directory)));
}

/** Reads one file. */
export function readSpecFile(path: string, directory?: string): SpecFile {
  let text: string;
  try {
    text = readHostFile(path, "kernel", largestSpec);
  } catch (error) {
    return unread(path, directory, error);
  }
  return parseSpecFile(path, directory, text);
}

/** Reads the bytes of a file of that name. */
export function parseSpecFile(path: string, directory: string | undefined, text: string): SpecFile {
  const { document, problems: reasons } = parseDocument(text);
  if (document === undefined) return { path, directory, document, spec: undefined, problems: reasons };
  const { spec, problems } = readSpec(document);
  const wrong = problems.some(({ severity }) => severity === "error");
  return { path, directory, document, spec: wrong ? undefined : spec, problems: [...problems, ...document.warnings] };
}

/** Whether a CDI reader reads a file of that name. `.yml` is not read. */
export function isSpecName(name: string): boolean {
  return /\.(?:json|yaml)$/.test(name);
}

/** A file of a path's; one with problems cannot be looked at. */
type SpecPath = { readonly path: string; readonly directory: string | undefined } | SpecFile;

/** The files that paths name: of a directory, those that a CDI reader reads. */
export function specPaths(paths: readonly string[]): readonly SpecPath[] {
  return paths.flatMap((path): readonly SpecPath[] => {
    try {
      const names = hostFolder(path, "kernel", mostNames);
      if (names === "no folder" || (names === "nothing" && isSpecName(path))) return [{ path, directory: undefined }];
      if (names === "nothing") return cdiDirectories.includes(path) ? [] : [missing(path)];
      const folder = path.replace(/(?<=.)\/+$/, "");
      return names.filter(isSpecName).map((name) => ({ path: join(folder, name), directory: path }));
    } catch (error) {
      return [unread(path, path, error)];
    }
  });
}

function join(folder: string, name: string): string {
  return folder === "/" ? `/${name}` : `${folder}/${name}`;
}

function missing(path: string): SpecFile {
  const problem: Problem = { severity: "warning", line: 0, column: 0, message: "no such directory" };
  return { path, directory: path, document: undefined, spec: undefined, problems: [problem] };
}

function unread(path: string, directory: string | undefined, error: unknown): SpecFile {
  if (!(error instanceof HookError)) throw error;
  const problem: Problem = { severity: "error", line: 0, column: 0, message: error.message };
  return { path, directory, document: undefined, spec: undefined, problems: [problem] };
}
