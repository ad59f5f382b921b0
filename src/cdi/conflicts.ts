import type { Problem } from "./document.ts";
import type { SpecFile } from "./read.ts";

/** A problem of a device. */
export interface Conflict extends Problem {
  /** Its name in its spec. */
  readonly device: string;
}

/** A device of a spec, with its name as a user gives it. */
interface Definition {
  readonly file: SpecFile;
  readonly line: number;
  readonly device: string;
  /** The directory's place in the order of directories; a later one wins. */
  readonly priority: number;
}

/**
 * Devices that several specs define. In one directory that is an error, and no reader uses any of them, not even where a
 * directory of higher priority defines the device as well; of several directories the last one counts (pkg/cdi/cache.go).
 * Specs that were named as files count to the directory in which they are.
 */
export function conflictsOf(files: readonly SpecFile[]): ReadonlyMap<SpecFile, readonly Conflict[]> {
  const found = new Map<SpecFile, Conflict[]>();
  const tell = ({ file, line, device }: Definition, severity: Problem["severity"], message: string): void => {
    const problems = found.get(file) ?? [];
    found.set(file, [...problems, { severity, line, column: 1, message, device }]);
  };
  for (const [name, definitions] of definitionsOf(files)) {
    const last = definitions.reduce((highest, { priority }) => Math.max(highest, priority), 0);
    for (const definition of definitions) {
      const others = definitions.filter(({ file }) => file !== definition.file);
      const beside = others.find(({ priority }) => priority === definition.priority);
      const winner = others.find(({ priority }) => priority === last);
      if (beside !== undefined) {
        const reason = `in ${beside.file.path}, too: no reader uses either`;
        tell(definition, "error", `device ${name} is defined ${reason}`);
      } else if (definition.priority < last && winner !== undefined) {
        tell(definition, "warning", `device ${name} is defined in ${winner.file.path}, too, which takes precedence`);
      }
    }
  }
  return found;
}

function definitionsOf(files: readonly SpecFile[]): ReadonlyMap<string, readonly Definition[]> {
  const priorities = new Map<string, number>();
  const definitions = new Map<string, Definition[]>();
  for (const file of files) {
    const folder = (file.directory ?? file.path.replace(/\/?[^/]*$/, "")).replace(/(?<=.)\/+$/, "");
    const priority = priorities.get(folder) ?? priorities.size;
    priorities.set(folder, priority);
    for (const { name, line } of new Set(file.spec?.devices)) {
      const qualified = `${file.spec?.kind ?? ""}=${name}`;
      const others = definitions.get(qualified) ?? [];
      // A name that comes twice in one file is told by validateDocument.
      if (others.some((other) => other.file === file)) continue;
      definitions.set(qualified, [...others, { file, line, device: name, priority }]);
    }
  }
  return definitions;
}
