import { O_CLOEXEC, O_NOFOLLOW, O_PATH, S_IFDIR, S_IFLNK } from "../kernel/constants.ts";
import { EACCES, ENOTDIR } from "../kernel/errno.ts";
import { close, fstat, openat } from "../kernel/files.ts";
import { chmodDescriptor } from "../kernel/mode.ts";
import { Stat } from "../kernel/stat.ts";
import { refusesWrites } from "./pseudo-filesystem.ts";
import type { Walk } from "./walk.ts";

const stat = new Stat();

/**
 * Sets the mode, 0..0o7777, of what `path` leads to from where `walk` stands, links followed. Whether it was another mode
 * before, or -errno; -EACCES on the kernel's own file systems.
 *
 * The last name is opened with O_PATH | O_NOFOLLOW, which has no effect on a device, and what is behind that descriptor is
 * looked at and changed: exchanging the name for another file meanwhile changes neither.
 */
export function setModeAt(walk: Walk, path: string, mode: number): boolean | number {
  let rest = path;
  let wantsDirectory = false;
  for (;;) {
    wantsDirectory ||= rest.endsWith("/") || rest.endsWith("/.");
    const name = walk.enterParent(rest);
    if (typeof name === "number") return name;
    const descriptor = openat(walk.descriptor, name === "" ? "." : name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0) return descriptor;
    const result = fstat(descriptor, stat);
    const isLink = result === 0 && stat.type === S_IFLNK;
    const done = result < 0 || isLink ? result : setMode(descriptor, mode, wantsDirectory);
    close(descriptor);
    if (!isLink) return done;
    const target = walk.readlink(name);
    if (typeof target === "number") return target;
    rest = target;
  }
}

/** As setModeAt, for the file that `descriptor` and `stat` tell of. */
function setMode(descriptor: number, mode: number, wantsDirectory: boolean): boolean | number {
  if (wantsDirectory && stat.type !== S_IFDIR) return -ENOTDIR;
  if (stat.mode === mode) return false;
  if (refusesWrites(descriptor)) return -EACCES;
  const result = chmodDescriptor(descriptor, mode);
  return result === 0 ? true : result;
}
