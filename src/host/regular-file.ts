/** Regular files of the host, read whole, and the directories for them. */

import { toText } from "../bytes/text.ts";
import { HookError } from "../errors.ts";
import { AT_FDCWD, O_CLOEXEC, O_NOCTTY, O_NONBLOCK, O_PATH, O_RDONLY, S_IFREG } from "../kernel/constants.ts";
import { describeErrno } from "../kernel/errno.ts";
import { close, fstat, openat, read, readlinkat } from "../kernel/files.ts";
import { Stat } from "../kernel/stat.ts";
import { makeHostDirectory } from "./host-directory.ts";
import { hostFactsBehindLinks } from "./host-facts.ts";

/** A file as it was read. */
export interface RegularFile {
  /** Its bytes, as a byte string. */
  readonly text: string;
  /** Its path without links, where /proc tells it; else the path that was given. */
  readonly realPath: string;
}

/**
 * Reads a regular file of the host, following links; nothing else is opened in a way that waits or does anything. Throws
 * HookError `kernel`, `refused` for what is no regular file, or `limit` above `limit` bytes.
 */
export function readRegularFile(path: string, limit: number): RegularFile {
  const fd = openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) throw failure("open", path, fd);
  try {
    const stat = new Stat();
    const looked = fstat(fd, stat);
    if (looked < 0) throw failure("look at", path, looked);
    if (stat.type !== S_IFREG) throw new HookError("refused", "read", path, "not a regular file");
    if (stat.size > limit) throw tooLarge(path, limit);
    const real = readlinkat(AT_FDCWD, `/proc/self/fd/${fd}`);
    return { text: wholeOf(fd, path, stat.size, limit), realPath: typeof real === "number" ? path : real };
  } finally {
    close(fd);
  }
}

function wholeOf(fd: number, path: string, size: number, limit: number): string {
  const buffer = new Uint8Array(size + 1);
  let text = "";
  for (;;) {
    const length = read(fd, buffer);
    if (length < 0) throw failure("read", path, length);
    if (length === 0) return text;
    text += toText(buffer, 0, length);
    if (text.length > limit) throw tooLarge(path, limit);
  }
}

/** A path of the host without links, its last name may be missing; as it was given where that cannot be told. */
export function realHostPath(path: string): string {
  const whole = withoutLinks(path);
  if (whole !== undefined) return whole;
  const slash = path.lastIndexOf("/");
  const folder = slash < 0 ? undefined : withoutLinks(path.slice(0, slash + 1));
  return folder === undefined ? path : `${folder === "/" ? "" : folder}/${path.slice(slash + 1)}`;
}

function withoutLinks(path: string): string | undefined {
  const fd = openat(AT_FDCWD, path, O_PATH | O_CLOEXEC);
  if (fd < 0) return undefined;
  const real = readlinkat(AT_FDCWD, `/proc/self/fd/${fd}`);
  close(fd);
  return typeof real === "number" ? undefined : real;
}

/** Makes a directory of the host, and those above it that are missing. Throws HookError `kernel`. */
export function makeHostDirectories(path: string, mode: number): void {
  if (hostFactsBehindLinks(path)?.type === "directory") return;
  const above = path.replace(/\/+[^/]*\/*$/, "");
  if (above !== "" && above !== path) makeHostDirectories(above, 0o755);
  makeHostDirectory(path, mode);
}

function tooLarge(path: string, limit: number): HookError {
  return new HookError("limit", "read", path, `larger than ${limit} bytes`);
}

function failure(operation: string, path: string, result: number): HookError {
  return new HookError("kernel", operation, path, describeErrno(result), { errno: -result });
}
