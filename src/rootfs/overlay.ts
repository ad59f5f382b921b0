import { HookError } from "../errors.ts";
import { describeErrno } from "../kernel/errno.ts";
import type { KernelRoot } from "./kernel-root.ts";
import { KernelSource } from "./kernel-source.ts";
import { VirtualRoot } from "./virtual-root.ts";

/**
 * A tree in memory over a root as it is: what is changed in it stays in it, until `carryOut` does it to the root. The root
 * has to stay open as long. Throws HookError `root` when it cannot be read.
 */
export function overlayOf(root: KernelRoot): VirtualRoot {
  const source = new KernelSource();
  const top = source.below(root.descriptor);
  if (typeof top === "number") throw new HookError("root", "read", root.hostPath, describeErrno(top));
  return new VirtualRoot(root.hostPath, top, source);
}
