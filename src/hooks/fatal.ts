import { HookError } from "../errors.ts";
import type { Log } from "../logger.ts";
import { EBUSY, ELOOP, ENOENT, ENOTDIR, EPERM, EROFS } from "../rootfs/constants.ts";
import type { Hook, HookCall } from "./hook.ts";

/** What becomes of a system call that failed, by hook and error number. */
export interface KernelFailures {
  readonly hook: string;
  /** Error numbers that end the hook with status 1; the others are warnings. */
  readonly fatal: "every" | "none" | readonly number[];
  /** Error numbers that are told with `--debug` only. */
  readonly untold: readonly number[];
  /** What the container lacks then. */
  readonly without: string;
}

/**
 * The one place where it is decided which failure keeps a container from starting: those without which a program would
 * not load its driver, and no others. A malformed command line, a state that cannot be read and a root that is none are
 * fatal for every hook.
 */
export const kernelFailures = (): readonly KernelFailures[] => [
  { hook: "create-symlinks", fatal: "every", untold: [], without: "links by which libraries are loaded" },
  { hook: "update-ldcache", fatal: "every", untold: [], without: "the driver in the linker's cache" },
  {
    hook: "enable-cuda-compat",
    fatal: "none",
    untold: [],
    without: "the image's newer libcuda; the driver's own is loaded",
  },
  {
    hook: "disable-device-node-modification",
    fatal: "none",
    untold: [],
    without: "params that keep the driver from making device nodes",
  },
  {
    hook: "update-application-profile",
    fatal: "none",
    untold: [],
    without: "the list of GPUs that EGL and Vulkan are to show",
  },
  { hook: "chmod", fatal: "none", untold: [ENOENT, ENOTDIR, ELOOP, EPERM], without: "modes for users other than root" },
  { hook: "apply-cuda-memory-limits", fatal: "none", untold: [], without: "nothing" },
  { hook: "noop", fatal: "none", untold: [], without: "nothing" },
];

/** Whether the failure of a hook ends it with status 1. A hook that the table does not name forgives nothing. */
export function isFatal(hook: string, error: unknown): boolean {
  if (!(error instanceof HookError) || error.code !== "kernel") return true;
  const fatal = rowOf(hook)?.fatal ?? "every";
  return fatal === "every" || (fatal !== "none" && fatal.includes(error.errno));
}

/** Runs a hook; forgiven failures are told to its log. Throws the others: a HookError, or an AggregateError of several. */
export function runForgiving(hook: Hook, call: HookCall): void {
  try {
    runAgain(hook, call);
  } catch (error) {
    const errors = errorsOf(error);
    const forgiven = (each: unknown): boolean =>
      !isFatal(hook.name, each) || (call.forgivesReadOnly === true && isReadOnly(each));
    const fatal = errors.filter((each) => !forgiven(each));
    for (const each of errors) if (!fatal.includes(each)) tell(hook.name, each, call.log);
    if (fatal.length === errors.length) throw error;
    if (fatal.length > 0) throw new AggregateError(fatal, undefined, { cause: error });
  }
}

/**
 * Makes up for what hooks only pretended to change. When that fails it is the failure of those that need it: it is fatal
 * where one of theirs would be, and told otherwise. Throws HookError.
 */
export function settleFor(hooks: readonly string[], settle: () => void, log: Log): void {
  try {
    settle();
  } catch (error) {
    if (!(error instanceof HookError) || hooks.some((name) => isFatal(name, error))) throw error;
    log.warn(`${hooks.join(", ")}: ${error.message}`);
  }
}

/** A mode cannot be pretended: what has it is what is read-only. */
function runAgain(hook: Hook, call: HookCall): void {
  try {
    hook.run(call);
  } catch (error) {
    const unchangeable = errorsOf(error).some((each) => isReadOnly(each) || isMountedFile(each));
    if (hook.name === "chmod" || !unchangeable || call.pretend?.() !== true) throw error;
    hook.run(call);
  }
}

function errorsOf(error: unknown): readonly unknown[] {
  return error instanceof AggregateError ? error.errors : [error];
}

function isReadOnly(error: unknown): boolean {
  return error instanceof HookError && error.code === "kernel" && error.errno === EROFS;
}

/** A file cannot be replaced where another one is mounted. */
function isMountedFile(error: unknown): boolean {
  return error instanceof HookError && error.errno === EBUSY && error.operation === "replace";
}

function tell(hook: string, error: unknown, log: Log): void {
  if (!(error instanceof HookError)) return;
  const untold = rowOf(hook)?.untold.includes(error.errno) === true;
  if (untold) log.debug(`${hook}: ${error.message}`);
  else log.warn(`${hook}: ${error.message}`);
}

function rowOf(hook: string): KernelFailures | undefined {
  return kernelFailures().find((row) => row.hook === hook);
}
