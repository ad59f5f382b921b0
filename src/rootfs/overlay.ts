import { HookError } from "../errors.ts";
import { describeErrno } from "../kernel/errno.ts";
import type { KernelRoot } from "./kernel-root.ts";
import { KernelSource } from "./kernel-source.ts";
import type { SourceNode } from "./source.ts";
import { VirtualRoot } from "./virtual-root.ts";

/**
 * A tree in memory over a root as it is: what is changed in it stays in it, until `carryOut` does it to a root. The root
 * has to stay open as long; with `owned` it is closed with the tree. Throws HookError `root` when it cannot be read.
 */
export function overlayOf(root: KernelRoot, owned = false): VirtualRoot {
  const source = new KernelSource();
  return new VirtualRoot(root.hostPath, topOf(root, source), owned ? both(source, root) : source);
}

/**
 * A tree in memory over a root, whose changes are made in the root as well; where that is read-only they are in the tree
 * only. The root is closed with it. Throws HookError `root` when it cannot be read.
 */
export function pretendingOverlayOf(root: KernelRoot): VirtualRoot {
  const source = new KernelSource();
  const tree = new VirtualRoot(root.hostPath, topOf(root, source), both(source, root), root);
  tree.pretend();
  tree.real = root;
  return tree;
}

/** The same, and no change is made in the root. */
export function frozenOverlayOf(root: KernelRoot): VirtualRoot {
  const tree = overlayOf(root, true);
  tree.pretend("everywhere", true);
  tree.real = root;
  return tree;
}

/** What a runtime is going to mount on a root, or to make in it. Destinations are container paths. */
export interface RuntimeMounts {
  readonly mounts: readonly {
    readonly destination: string;
    /** A path of the host; undefined for an empty folder. */
    readonly source: string | undefined;
  }[];
  readonly devices: readonly {
    readonly path: string;
    readonly mode: number;
    readonly major: number;
    readonly minor: number;
  }[];
}

/**
 * A root as it will be seen once a runtime has mounted on it: a mount's source stands for its destination, each laid over
 * those before it. What is changed is changed in the root itself unless `writes` is false, never in a source. The root is
 * closed with it. `failed` is told of each mount that cannot be shown, with -errno. Throws HookError `root` when the root
 * cannot be read.
 */
export function mountedOverlayOf(
  root: KernelRoot,
  planned: RuntimeMounts,
  failed: (destination: string, result: number) => void,
  writes = true,
): VirtualRoot {
  const source = new KernelSource();
  const tree = new VirtualRoot(root.hostPath, topOf(root, source), both(source, root), writes ? root : undefined);
  show(tree, source, planned, failed);
  return tree;
}

/** Lays what a runtime is going to mount over a tree; what is open for that is closed with the tree. */
export function layMounts(
  tree: VirtualRoot,
  planned: RuntimeMounts,
  failed: (destination: string, result: number) => void,
): void {
  const source = new KernelSource();
  tree.keep(source);
  show(tree, source, planned, failed);
}

function show(
  tree: VirtualRoot,
  source: KernelSource,
  { mounts, devices }: RuntimeMounts,
  failed: (destination: string, result: number) => void,
): void {
  for (const { destination, source: hostPath } of mounts) {
    const mounted = hostPath === undefined ? undefined : source.at(hostPath);
    const result = typeof mounted === "number" ? mounted : tree.mount(destination, mounted);
    if (result < 0) failed(destination, result);
  }
  for (const { path, mode, major, minor } of devices) {
    const result = tree.makeDevice(path, mode, { major, minor });
    if (result < 0) failed(path, result);
  }
}

function topOf(root: KernelRoot, source: KernelSource): SourceNode {
  const top = source.below(root.descriptor);
  if (typeof top === "number") throw new HookError("root", "read", root.hostPath, describeErrno(top));
  return top;
}

function both(one: Disposable, other: Disposable): Disposable {
  return {
    [Symbol.dispose]() {
      one[Symbol.dispose]();
      other[Symbol.dispose]();
    },
  };
}
