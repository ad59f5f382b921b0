export { EBADF, EINVAL } from "../../src/kernel/errno.ts";
/** Errors that only a wrong use of the primitive gives. */
export const EFAULT = 14;
export const ENOSYS = 38;
