import { fromText } from "../bytes/text.ts";
import { HookError } from "../errors.ts";
import { describeErrno } from "../kernel/errno.ts";
import { writeAll } from "../kernel/files.ts";

/** Writes a byte string to standard error. A reader that is gone is no reason to stop. */
export function writeError(text: string): void {
  writeAll(2, fromText(text));
}

/** Writes a byte string to standard output. Throws HookError `kernel`. */
export function writeOutput(text: string): void {
  const result = writeAll(1, fromText(text));
  if (result < 0) throw new HookError("kernel", "write to", "stdout", describeErrno(result));
}
