import { HookError } from "../errors.ts";
import { EACCES, describeErrno } from "../kernel/errno.ts";

/** Paths below which nothing is made or changed. */
const ofTheKernel = /^\/*(?:proc|sys)(?:\/|$)/;

/** The failure that a system call's `result`, -errno, is told as. */
export function kernelFailure(operation: string, path: string, result: number): HookError {
  const why = result === -EACCES && ofTheKernel.test(path) ? "/proc and /sys are left alone: " : "";
  return new HookError("kernel", operation, path, why + describeErrno(result), { errno: -result });
}
