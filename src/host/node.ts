import { HookError } from "../errors.ts";
import { describeErrno } from "../kernel/errno.ts";
import { changeRoot } from "../kernel/seldom.ts";

/**
 * Goes on in another root filesystem, for good: that of a node which is mounted in the container that we run in. From now
 * on every path, a link's target too, means what it means there, and programs are started as they would be there. Needs
 * CAP_SYS_CHROOT. Throws HookError `root`.
 */
export function enterNode(directory: string): void {
  const result = changeRoot(directory);
  if (result < 0) throw new HookError("root", "enter", directory, describeErrno(result), { errno: -result });
}
