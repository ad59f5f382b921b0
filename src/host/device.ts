import { AT_FDCWD, S_IFBLK, S_IFCHR, S_IFIFO } from "../kernel/constants.ts";
import { EINVAL } from "../kernel/errno.ts";
import { statx } from "../kernel/files.ts";
import { Stat } from "../kernel/stat.ts";

/** What a device node of the host is, in the words of config.json. */
export interface HostDevice {
  readonly type: "b" | "c" | "p";
  readonly major: number;
  readonly minor: number;
}

/** The device node that a path of the host leads to; -errno, -EINVAL for what is none. */
export function hostDevice(path: string): HostDevice | number {
  const stat = new Stat();
  const result = statx(AT_FDCWD, path, 0, stat);
  if (result < 0) return result;
  const type = types.get(stat.type);
  return type === undefined ? -EINVAL : { type, major: stat.major, minor: stat.minor };
}

const types: ReadonlyMap<number, HostDevice["type"]> = new Map([
  [S_IFBLK, "b"],
  [S_IFCHR, "c"],
  [S_IFIFO, "p"],
]);
