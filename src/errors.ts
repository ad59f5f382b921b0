/**
 * Why an operation failed. The list is closed: a new reason gets a name of its own.
 *
 * - `usage`    the command line is malformed
 * - `state`    the OCI state or the bundle's config.json is missing, malformed or too large
 * - `root`     the container's root filesystem is missing, not a directory, or refused
 * - `kernel`   a system call failed; the message carries the errno's name
 * - `format`   bytes do not have the form that they should have
 * - `limit`    an input is larger than what this program is willing to read
 * - `program`  a program of the machine is missing, could not be started, or failed
 * - `refused`  the request is understood and will not be carried out
 */
export type ErrorCode = "usage" | "state" | "root" | "kernel" | "format" | "limit" | "program" | "refused";

/** A failure that is reported to the user as one line: `operation path: reason`. */
export class HookError extends Error {
  readonly code: ErrorCode;
  /** What was being done, as a verb: `create link`, `read`, `replace`. */
  readonly operation: string;
  /** The path as seen inside the container, or a host path for state and bundle; empty when there is none. */
  readonly path: string;
  /** The kernel's error number, positive; 0 when there is none. */
  readonly errno: number;

  constructor(
    code: ErrorCode,
    operation: string,
    path: string,
    reason: string,
    options: ErrorOptions & { errno?: number } = {},
  ) {
    super(`${operation}${path === "" ? "" : ` ${path}`}: ${reason}`, options);
    this.name = "HookError";
    this.code = code;
    this.operation = operation;
    this.path = path;
    this.errno = options.errno ?? 0;
  }
}

/** Bytes that break their format, with the field and the byte offset at which they do. */
export class FormatError extends HookError {
  readonly field: string;
  /** Byte offset from the start of the file. */
  readonly offset: number;

  constructor(format: string, field: string, offset: number, reason: string) {
    super("format", `parse ${format}`, "", `${field} at byte ${offset}: ${reason}`);
    this.name = "FormatError";
    this.field = field;
    this.offset = offset;
  }
}

/** Whether what was caught says more than that memory ran out: where there is none for an Error either, it is no Error. */
export function hasReason(caught: unknown): caught is Error {
  return caught instanceof Error && !caught.message.startsWith("out of memory");
}
