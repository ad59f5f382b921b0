import { KernelRoot } from "../../rootfs/kernel-root.ts";
import { overlayOf } from "../../rootfs/overlay.ts";
import type { Root } from "../../rootfs/root.ts";

/** A root to try things on: what is changed in it is changed in memory. What is no folder of the kernel's is so already. */
export function simulated(root: Root): Root {
  return root instanceof KernelRoot ? overlayOf(root) : root;
}
