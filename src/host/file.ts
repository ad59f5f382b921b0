/**
 * The host's own files: the runtime's state and the bundle's configuration. Their paths come from the runtime, which is
 * trusted, so the kernel resolves them; their size and content are bounded all the same.
 */

import { toText } from "../bytes/text.ts";
import { HookError, type ErrorCode } from "../errors.ts";
import { AT_FDCWD, O_CLOEXEC, O_NOCTTY, O_PATH, O_RDONLY } from "../kernel/constants.ts";
import { ENOENT, ENOTDIR, describeErrno } from "../kernel/errno.ts";
import { close, openat, read } from "../kernel/files.ts";

/** Most states and configurations come whole in the first read. */
const chunkSize = 32 * 1024;

/** Something that is read from its start, once: an open file of the host, or stdin. */
export interface HostInput {
  /** For messages: `stdin`, or the path. */
  readonly name: string;
  /** At least one further byte as a byte string; "" at the end. Throws HookError. */
  next(): string;
}

/** Reads standard input; nothing is closed. */
export function standardInput(code: ErrorCode): HostInput {
  return new Descriptor(0, "stdin", code);
}

/**
 * Opens a file of the host, hands it to `use`, and closes it. Not only regular files: a state may be in a FIFO. Throws
 * HookError of the given code.
 */
export function withHostFile<T>(path: string, code: ErrorCode, use: (input: HostInput) => T): T {
  const fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) throw new HookError(code, "open", path, describeErrno(fd));
  try {
    return use(new Descriptor(fd, path, code));
  } finally {
    close(fd);
  }
}

/** Whether the host has something of that path; true as well when that cannot be found out. */
export function hostHas(path: string): boolean {
  const fd = openat(AT_FDCWD, path, O_PATH | O_CLOEXEC);
  if (fd >= 0) close(fd);
  return fd !== -ENOENT && fd !== -ENOTDIR;
}

/** A whole file of the host as a byte string. Throws HookError of the given code, or `limit` above `limit` bytes. */
export function readHostFile(path: string, code: ErrorCode, limit: number): string {
  return withHostFile(path, code, (input) => {
    let text = "";
    for (let chunk = input.next(); chunk !== ""; chunk = input.next()) {
      text += chunk;
      if (text.length > limit) throw new HookError("limit", "read", path, `larger than ${limit} bytes`);
    }
    return text;
  });
}

/** Nothing stays in it from one read to the next. */
const buffer = new Uint8Array(chunkSize);

class Descriptor implements HostInput {
  readonly name: string;
  readonly #fd: number;
  readonly #code: ErrorCode;

  constructor(fd: number, name: string, code: ErrorCode) {
    this.#fd = fd;
    this.name = name;
    this.#code = code;
  }

  next(): string {
    const length = read(this.#fd, buffer);
    if (length < 0) throw new HookError(this.#code, "read", this.name, describeErrno(length));
    return toText(buffer, 0, length);
  }
}
