import { HookError } from "../errors.ts";
import { describeErrno } from "../kernel/errno.ts";

/** The failure that a system call's `result`, -errno, is told as. */
export function kernelFailure(operation: string, path: string, result: number): HookError {
  return new HookError("kernel", operation, path, describeErrno(result), { errno: -result });
}
