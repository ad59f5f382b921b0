import { AT_FDCWD } from "../kernel/constants.ts";
import { statx } from "../kernel/files.ts";
import { Stat, type Identity } from "../kernel/stat.ts";

/** Device and inode number of what a path of the host leads to; undefined when it cannot be told. */
export function hostIdentity(hostPath: string): Identity | undefined {
  const stat = new Stat();
  return statx(AT_FDCWD, hostPath, 0, stat) < 0 ? undefined : stat.identity;
}
