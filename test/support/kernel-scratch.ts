import { onTestFinished } from "vitest";
import { toText } from "../../src/bytes/text.ts";
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  O_WRONLY,
} from "../../src/kernel/constants.ts";
import { close, getdents64, mkdirat, openat, unlinkat, writeAll } from "../../src/kernel/files.ts";
import { getpid } from "../../src/kernel/process.ts";

const DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
const NAME = 19;

let made = 0;

/**
 * The descriptor of an empty directory that is removed when the running test ends. By system calls alone, as the same
 * tests run on the product's engine.
 */
export function scratchDescriptor(): number {
  made += 1;
  const path = `/tmp/cdi-hook-kernel-${getpid()}-${made}`;
  const result = mkdirat(AT_FDCWD, path, 0o700);
  const descriptor = openat(AT_FDCWD, path, DIRECTORY);
  if (result < 0 || descriptor < 0) throw new Error(`${path}: ${result}, ${descriptor}`);
  onTestFinished(() => {
    close(descriptor);
    remove(AT_FDCWD, path);
  });
  return descriptor;
}

/** A new file with these bytes; its descriptor is closed again. */
export function makeFile(directory: number, name: string, bytes: Uint8Array): void {
  const descriptor = openat(directory, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644);
  const result = descriptor < 0 ? descriptor : writeAll(descriptor, bytes);
  if (result < 0 || close(descriptor) < 0) throw new Error(`${name}: ${result}`);
}

/** The names in a directory but `.` and `..`, sorted; `chunk` bytes of entries at a time. */
export function namesIn(directory: number, chunk = 32_768): string[] {
  const descriptor = openat(directory, ".", DIRECTORY);
  const bytes = new Uint8Array(chunk);
  const names: string[] = [];
  for (let used = getdents64(descriptor, bytes); used > 0; used = getdents64(descriptor, bytes)) {
    for (let at = 0; at < used; at += (bytes[at + 16] ?? 0) + (bytes[at + 17] ?? 0) * 256) {
      names.push(toText(bytes, at + NAME, bytes.indexOf(0, at + NAME)));
    }
  }
  close(descriptor);
  return names.filter((name) => name !== "." && name !== "..").sort();
}

function remove(directory: number, name: string): void {
  if (unlinkat(directory, name) >= 0) return;
  const descriptor = openat(directory, name, DIRECTORY);
  if (descriptor >= 0) {
    for (const entry of namesIn(descriptor)) remove(descriptor, entry);
    close(descriptor);
  }
  unlinkat(directory, name, AT_REMOVEDIR);
}
