import { AT_FDCWD, O_APPEND, O_CLOEXEC, O_CREAT, O_NOCTTY, O_NONBLOCK, O_WRONLY } from "../kernel/constants.ts";
import { close, openat, writeAll } from "../kernel/files.ts";

/** Writes bytes behind what a file of the host has; makes it when it is missing. 0 or -errno. */
export function appendToHostFile(path: string, bytes: Uint8Array): number {
  const flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  const descriptor = openat(AT_FDCWD, path, flags, 0o644);
  if (descriptor < 0) return descriptor;
  const result = writeAll(descriptor, bytes);
  close(descriptor);
  return result;
}
