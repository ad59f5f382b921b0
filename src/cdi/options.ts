import { HookError } from "../errors.ts";

/** A stage to which hooks are moved, for runtimes that run none in the container's mount namespace. */
export type Stage = "createRuntime" | "prestart";

/** What is to be changed in a spec. */
export interface RewriteRules {
  /** Absolute; the folder of the executable's names. */
  readonly hookDirectory: string;
  readonly stage?: Stage | undefined;
  /** Whether the hooks of one list become one. */
  readonly chain?: boolean | undefined;
}

/** Where the executable is installed unless it is said otherwise. */
export const defaultHookDirectory = "/opt/cdi-hook/bin";

/** A folder of the host as it is written into specs. Throws HookError `usage` when it is not absolute. */
export function hookDirectoryOf(text: string): string {
  // oxlint-disable-next-line no-control-regex -- a path in a spec is text
  if (!text.startsWith("/") || /[\x00-\x1f\x7f]/.test(text)) {
    throw new HookError("usage", "parse --hook-dir", text, "not an absolute path");
  }
  return text.replace(/(?<=.)\/+$/, "");
}

/** A hook's program in our folder. */
export function pathOf({ hookDirectory }: RewriteRules, program: string): string {
  return hookDirectory === "/" ? `/${program}` : `${hookDirectory}/${program}`;
}

/** Stages whose hooks may be moved: those before the container's own program that see its files. */
export function stageOf({ stage }: RewriteRules, hookName: string): string {
  return stage !== undefined && /^(?:createContainer|createRuntime|prestart)$/.test(hookName) ? stage : hookName;
}
