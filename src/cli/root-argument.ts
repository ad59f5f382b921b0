import { KernelRoot } from "../rootfs/kernel-root.ts";
import type { Root } from "../rootfs/root.ts";

/** Opens the root filesystem that a person names on the command line. Throws HookError `root`. */
export function openRootArgument(text: string): Root {
  return KernelRoot.open(text);
}
