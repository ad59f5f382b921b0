import { conflictsOf } from "../../cdi/conflicts.ts";
import type { Problem } from "../../cdi/document.ts";
import { isSpecName, readSpecs, type SpecFile } from "../../cdi/read.ts";
import { validateDocument } from "../../cdi/validate.ts";
import type { Logger } from "../../logger.ts";
import { printable } from "../../logger.ts";
import { exitStatusOf, failure, success } from "../exit.ts";
import { writeJson } from "../json.ts";
import { writeOutput } from "../output.ts";
import { styled, terminalOf, type Terminal } from "../terminal.ts";
import { counted, problemDocument } from "./problems.ts";

export interface ValidateFlags {
  readonly json?: boolean;
}

interface Validated {
  readonly path: string;
  readonly version: string;
  readonly minimumVersion: string;
  readonly problems: readonly Problem[];
}

/** `cdi validate`: the exit status, 1 when a CDI reader would refuse a spec. */
export function validate(paths: readonly string[], flags: ValidateFlags, log: Logger): number {
  let failed = false;
  const status = exitStatusOf(
    () => {
      const files = readSpecs(paths.length === 0 ? undefined : paths);
      const conflicts = conflictsOf(files);
      const specs = files.map((file) => validated(file, conflicts.get(file) ?? []));
      failed = specs.some(({ problems }) => isWrong(problems));
      if (flags.json === true) {
        writeJson({
          valid: !failed,
          specs: specs.map(({ problems, ...spec }) => ({
            ...spec,
            valid: !isWrong(problems),
            problems: problems.map(problemDocument),
          })),
        });
      } else writeOutput(told(specs, terminalOf(1)));
    },
    "cdi validate",
    log,
  );
  return status === success && failed ? failure : status;
}

function validated(file: SpecFile, conflicts: readonly Problem[]): Validated {
  const { path, document, spec } = file;
  const named = isSpecName(path) || document === undefined ? [] : [unreadName];
  if (document === undefined) return { path, version: "", minimumVersion: "", problems: file.problems };
  const { problems, minimumVersion } = validateDocument(document);
  const all = [...named, ...problems, ...conflicts].sort((one, other) => one.line - other.line);
  return { path, version: spec?.cdiVersion ?? "", minimumVersion, problems: all };
}

const unreadName: Problem = {
  severity: "warning",
  line: 0,
  column: 0,
  message: "no CDI reader reads a file whose name ends in neither .json nor .yaml",
};

function isWrong(problems: readonly Problem[]): boolean {
  return problems.some(({ severity }) => severity === "error");
}

function told(specs: readonly Validated[], terminal: Terminal): string {
  if (specs.length === 0) return "no CDI specs found\n";
  const lines = specs.flatMap(({ path, version, minimumVersion, problems }) => [
    ...problems.map((problem) => lineOf(path, problem, terminal)),
    ...(isWrong(problems) || version === ""
      ? []
      : [`${printable(path)}: ${styled("valid", "green", terminal)}: ${versions(version, minimumVersion)}`]),
  ]);
  const all = specs.flatMap(({ problems }) => problems);
  const errors = all.filter(({ severity }) => severity === "error").length;
  const warnings = counted(all.length - errors, "warning");
  lines.push(`${counted(specs.length, "spec")}, ${counted(errors, "error")}, ${warnings}`);
  return lines.map((line) => `${line}\n`).join("");
}

/** As compilers have it, so that editors find the place. */
function lineOf(path: string, { severity, line, column, message }: Problem, terminal: Terminal): string {
  const place = line === 0 ? path : `${path}:${line}:${column}`;
  const word = styled(severity, severity === "error" ? "red" : "yellow", terminal);
  return `${printable(place)}: ${word}: ${printable(message)}`;
}

function versions(version: string, minimum: string): string {
  return version.replace(/^v/, "") === minimum ? version : `${version}, and ${minimum} would do`;
}
