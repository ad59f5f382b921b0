/**
 * A root filesystem as another process sees it: before a container's process has made the root its own, its mounts are in
 * its mount namespace only, below the path that the root has on the host.
 *
 * `/proc/PID` is opened once, and a descriptor of it stays that process': when it ends, and its number is given to another
 * one, what is asked through the descriptor fails. Links on the way to the root are resolved inside that process' root, by
 * walk.ts. Whether it is the container's process at all is for the caller to find out, by what is mounted there.
 */
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH, O_RDONLY } from "../kernel/constants.ts";
import { describeErrno } from "../kernel/errno.ts";
import { close, openat, readlinkat } from "../kernel/files.ts";
import { KernelRoot } from "./kernel-root.ts";
import { isProcfs } from "./pseudo-filesystem.ts";
import { Walk } from "./walk.ts";

const FOLDER = O_PATH | O_DIRECTORY | O_CLOEXEC;

/**
 * The root `here`, which has the absolute path `hostPath`, as process `pid` of our pid namespace sees it. Why not, in
 * words, when that is not another view of the same folder.
 */
export function openProcessRoot(pid: number, hostPath: string, here: KernelRoot): KernelRoot | string {
  const process = openat(AT_FDCWD, `/proc/${pid}`, FOLDER);
  if (process < 0) return `/proc/${pid}: ${describeErrno(process)}`;
  const own = openat(AT_FDCWD, "/proc/self", FOLDER);
  const top = isProcfs(process) ? openat(process, "root", FOLDER) : -1;
  try {
    if (!isProcfs(process)) return "/proc is no procfs";
    if (top < 0) return `/proc/${pid}/root: ${describeErrno(top)}`;
    const namespace = readlinkat(process, "ns/mnt");
    if (typeof namespace === "number") return `/proc/${pid}/ns/mnt: ${describeErrno(namespace)}`;
    if (own < 0) return `/proc/self: ${describeErrno(own)}`;
    if (readlinkat(own, "ns/mnt") === namespace) return `process ${pid} sees the mounts that we see`;
    using walk = new Walk(top);
    const result = walk.enter(hostPath);
    const root = result < 0 ? result : openat(walk.descriptor, ".", FOLDER);
    if (root < 0) return `${hostPath} of process ${pid}: ${describeErrno(root)}`;
    const opened = KernelRoot.adopt(root, hostPath);
    if (opened.identity === here.identity) {
      const mountNamespace = openat(process, "ns/mnt", O_RDONLY | O_CLOEXEC);
      if (mountNamespace >= 0) opened.namespace = mountNamespace;
      return opened;
    }
    opened.close();
    return `${hostPath} of process ${pid} is another folder`;
  } finally {
    for (const descriptor of [process, own, top]) if (descriptor >= 0) close(descriptor);
  }
}
