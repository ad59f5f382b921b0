import { HookError } from "../errors.ts";
import { hostFolder } from "../host/folder.ts";
import { hostFacts } from "../host/host-facts.ts";
import { readRegularFile } from "../host/regular-file.ts";
import { parseDocument, type Problem, type SpecDocument } from "./document.ts";
import { readSpec, type Spec } from "./spec.ts";

/** Where CDI's readers look when they are not told otherwise; the later one wins. */
export const cdiDirectories: readonly string[] = ["/etc/cdi", "/var/run/cdi"];

/** Bytes of a spec that is read. */
export const largestSpec = 4 << 20;
/** Names in a directory of specs. */
const mostNames = 10_000;

/** A file that was to be read as a spec. */
export interface SpecFile {
  readonly path: string;
  /** Where it is when links are followed. */
  readonly realPath: string;
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
  try {
    const { text, realPath } = readRegularFile(path, largestSpec);
    return parseSpecFile(path, directory, text, realPath);
  } catch (error) {
    return unread(path, directory, error);
  }
}

/** Reads the bytes of a file of that name. */
export function parseSpecFile(path: string, directory: string | undefined, text: string, realPath = path): SpecFile {
  const { document, problems: reasons } = parseDocument(text);
  if (document === undefined) return { path, realPath, directory, document, spec: undefined, problems: reasons };
  const { spec, problems } = readSpec(document);
  const wrong = problems.some(({ severity }) => severity === "error");
  return {
    path,
    realPath,
    directory,
    document,
    spec: wrong ? undefined : spec,
    problems: [...problems, ...document.warnings],
  };
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
      const specs = names.filter(isSpecName).map((name) => ({ path: join(folder, name), directory: path }));
      return specs.filter((spec) => hostFacts(spec.path)?.type !== "directory");
    } catch (error) {
      return [unread(path, path, error)];
    }
  });
}

const ENOENT = 2;

function join(folder: string, name: string): string {
  return folder === "/" ? `/${name}` : `${folder}/${name}`;
}

function missing(path: string): SpecFile {
  return withProblem(path, path, "warning", "no such directory");
}

/** A file that was in a directory a moment ago may be gone. */
function unread(path: string, directory: string | undefined, error: unknown): SpecFile {
  if (!(error instanceof HookError)) throw error;
  const gone = error.errno === ENOENT && directory !== undefined && directory !== path;
  return withProblem(path, directory, gone ? "warning" : "error", error.message);
}

function withProblem(path: string, directory: string | undefined, severity: Problem["severity"], message: string) {
  const problems: readonly Problem[] = [{ severity, line: 0, column: 0, message }];
  return { path, realPath: path, directory, document: undefined, spec: undefined, problems };
}
