import { readHostFile } from "../host/file.ts";
import type { HostFacts } from "../host/host-facts.ts";

/** More than any version of ours has, bytes. */
const largest = 64 << 20;

/** A message that bin/host.c has had in every version, with the byte before it: the end of another text. */
const mark = "\0cdi-hook: internal error: ";

/** Whether a file is an executable of ours, of any version: it is never started to find that out. Throws HookError `kernel`. */
export function isOurExecutable(path: string, facts: HostFacts): boolean {
  if (facts.type !== "file" || facts.size > largest) return false;
  return isOurs(readHostFile(path, "kernel", largest));
}

/** The same of a file's bytes, as a byte string. */
export function isOurs(text: string): boolean {
  return text.startsWith("\x7fELF") && text.includes(mark);
}
