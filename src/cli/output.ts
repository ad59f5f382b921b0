import { fromText } from "../bytes/text.ts";
import { HookError } from "../errors.ts";
import { EPIPE, describeErrno } from "../kernel/errno.ts";
import { writeAll } from "../kernel/files.ts";
import { exit } from "../kernel/process.ts";

const FAILURE = 1;

/** Writes a byte string to standard error. A reader that is gone is no reason to stop. */
export function writeError(text: string): void {
  writeAll(2, fromText(text));
}

/**
 * Writes a byte string to standard output. Throws HookError `kernel`. A reader that has seen enough (`| head`) ends the
 * process: there is nobody to tell anything.
 */
export function writeOutput(text: string): void {
  const result = writeAll(1, fromText(text));
  if (result === -EPIPE) exit(FAILURE);
  if (result < 0) throw new HookError("kernel", "write to", "stdout", describeErrno(result));
}
