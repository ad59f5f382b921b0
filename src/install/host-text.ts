import { HookError } from "../errors.ts";
import { readHostFile } from "../host/file.ts";
import { hostFactsBehindLinks } from "../host/host-facts.ts";

const largest = 1 << 20;

/** A settings file's text, or a file's of /proc; undefined when there is none, or it cannot be read. */
export function hostText(path: string): string | undefined {
  try {
    if (hostFactsBehindLinks(path)?.type !== "file") return undefined;
    return readHostFile(path, "kernel", largest);
  } catch (error) {
    if (error instanceof HookError) return undefined;
    throw error;
  }
}
