import { HookError } from "../errors.ts";
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  S_IFDIR,
  S_IFLNK,
  S_IFREG,
} from "../kernel/constants.ts";
import { EACCES, EINVAL, EISDIR, ELOOP, ENOTDIR, describeErrno } from "../kernel/errno.ts";
import { close, fstat, openat, statx, unlinkat } from "../kernel/files.ts";
import { Stat, type Identity } from "../kernel/stat.ts";
import type { Directory, FileFacts } from "./directory.ts";
import { kernelFailure } from "./failure.ts";
import { KernelDirectory, factsOf } from "./kernel-directory.ts";
import { KernelFile } from "./kernel-file.ts";
import { setModeAt } from "./mode.ts";
import type { OpenFile } from "./open-file.ts";
import { isProcfs, isReadOnly, refusesWrites } from "./pseudo-filesystem.ts";
import type { Root } from "./root.ts";
import { Walk } from "./walk.ts";

const DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

const stat = new Stat();
const NOTHING_KNOWN: ReadonlySet<Identity> = new Set();

/** What a walk's last component turned out to be, with links followed. */
interface Found {
  name: string;
  facts: FileFacts;
}

/** A root filesystem as the kernel shows it below one directory, which stays open. */
export class KernelRoot implements Root {
  /** O_PATH; for the files of this folder only. */
  readonly descriptor: number;
  /** Identities of directories; see Directory's constructor. */
  readonly #tidied: Set<Identity> = new Set();
  /** Serves one path after the other. */
  readonly #walk: Walk;
  /** A descriptor of the mount namespace that the root is seen in, when that is not ours. */
  namespace: number | undefined;
  readonly hostPath: string;
  readonly identity: Identity;

  private constructor(descriptor: number, hostPath: string, identity: Identity) {
    this.descriptor = descriptor;
    this.#walk = new Walk(descriptor);
    this.hostPath = hostPath;
    this.identity = identity;
  }

  /**
   * Opens the directory `hostPath`, a path of the host. Throws HookError `root` when it is missing, no directory, or, unless
   * `mayBeOwn`, the root directory of this process: a hook that is given that one would work on the host.
   */
  static open(hostPath: string, mayBeOwn = false): KernelRoot {
    const descriptor = hostPath === "" ? -EINVAL : openat(AT_FDCWD, hostPath, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
      throw new HookError("root", "open root", hostPath, describeErrno(descriptor), { errno: -descriptor });
    }
    return KernelRoot.adopt(descriptor, hostPath, mayBeOwn);
  }

  /** As `open`, of a directory that is open (O_PATH) already, and from now on the root's. */
  static adopt(descriptor: number, hostPath: string, mayBeOwn = false): KernelRoot {
    const own = statx(AT_FDCWD, "/", 0, stat);
    const hostIdentity = own < 0 ? "" : stat.identity;
    const result = fstat(descriptor, stat);
    if (result < 0 || (!mayBeOwn && stat.identity === hostIdentity)) {
      close(descriptor);
      const reason = result < 0 ? describeErrno(result) : "this is the host's own root directory";
      throw new HookError("root", "open root", hostPath, reason);
    }
    return new KernelRoot(descriptor, hostPath, stat.identity);
  }

  directory(path: string, from = "/"): Directory | number {
    const walk = this.#walk;
    try {
      const start = from === "/" || path.startsWith("/") ? 0 : walk.enter(from);
      if (start < 0) return start;
      let rest = path;
      for (;;) {
        const name = walk.enterParent(rest);
        if (typeof name === "number") return name;
        const descriptor = openat(walk.descriptor, name === "" ? "." : name, DIRECTORY);
        if (descriptor >= 0) return this.#adopt(descriptor, walk, name);
        if (descriptor !== -ENOTDIR && descriptor !== -ELOOP) return descriptor;
        const target = walk.readlink(name);
        if (typeof target === "number") return target === -EINVAL ? -ENOTDIR : target;
        rest = target;
      }
    } finally {
      walk.end();
    }
  }

  #adopt(descriptor: number, walk: Walk, name: string): Directory | number {
    const result = fstat(descriptor, stat);
    const parent = walk.path;
    const path = name === "" ? parent : parent === "/" ? `/${name}` : `${parent}/${name}`;
    // The walk keeps out of /proc and /sys; a last component that is one of them is kept out here.
    if (result < 0 || path === "/proc" || path === "/sys") {
      close(descriptor);
      return result < 0 ? result : -EACCES;
    }
    return new KernelDirectory(descriptor, path, stat.identity, walk.followed, this.#tidied);
  }

  stat(path: string, from = "/", links = 0): FileFacts | number {
    const walk = this.#walk;
    try {
      if (links > 0) walk.begin(links);
      const found = this.#find(walk, path, from);
      return typeof found === "number" ? found : found.facts;
    } finally {
      walk.end();
    }
  }

  lstat(path: string, from = "/"): FileFacts | number {
    const walk = this.#walk;
    try {
      const start = from === "/" || path.startsWith("/") ? 0 : walk.enter(from);
      if (start < 0) return start;
      const name = walk.enterParent(path);
      if (typeof name === "number") return name;
      const result =
        name === "" ? fstat(walk.descriptor, stat) : statx(walk.descriptor, name, AT_SYMLINK_NOFOLLOW, stat);
      return result < 0 ? result : factsOf(stat);
    } finally {
      walk.end();
    }
  }

  open(path: string, from = "/"): OpenFile | number {
    const opened = this.openUnlessKnown(path, from, NOTHING_KNOWN, 0);
    return typeof opened === "number" || !("type" in opened) ? opened : -EINVAL;
  }

  openUnlessKnown(
    path: string,
    from: string,
    known: { has(identity: Identity): boolean },
    links: number,
  ): OpenFile | FileFacts | number {
    const walk = this.#walk;
    try {
      if (links > 0) walk.begin(links);
      const found = this.#find(walk, path, from);
      if (typeof found === "number") return found;
      const { facts } = found;
      if (facts.type !== S_IFREG) return facts.type === S_IFDIR ? -EISDIR : -EINVAL;
      return known.has(facts.identity) ? facts : KernelFile.open(walk.descriptor, found.name);
    } finally {
      walk.end();
    }
  }

  #find(walk: Walk, path: string, from: string): Found | number {
    const start = from === "/" || path.startsWith("/") ? 0 : walk.enter(from);
    if (start < 0) return start;
    let rest = path;
    let wantsDirectory = false;
    for (;;) {
      // As in Linux, a path that ends in a slash leads to directories only, however many links later.
      wantsDirectory ||= rest.endsWith("/") || rest.endsWith("/.");
      const name = walk.enterParent(rest);
      if (typeof name === "number") return name;
      const result =
        name === "" ? fstat(walk.descriptor, stat) : statx(walk.descriptor, name, AT_SYMLINK_NOFOLLOW, stat);
      if (result < 0) return result;
      if (stat.type !== S_IFLNK) {
        return wantsDirectory && stat.type !== S_IFDIR ? -ENOTDIR : { name, facts: factsOf(stat) };
      }
      const target = walk.readlink(name);
      if (typeof target === "number") return target;
      rest = target;
    }
  }

  read(path: string, limit: number): Uint8Array | number {
    const file = this.open(path);
    if (typeof file === "number") return file;
    using open = file;
    return open.readAll(limit);
  }

  makeParents(path: string): { directory: Directory; name: string } {
    const walk = this.#walk;
    try {
      const name = walk.makeParents(path);
      if (typeof name === "number") throw kernelFailure("make parents of", path, name);
      if (name === "") throw new HookError("kernel", "make parents of", path, "the path has no last component");
      const descriptor = openat(walk.descriptor, ".", DIRECTORY);
      const directory = descriptor < 0 ? descriptor : this.#adopt(descriptor, walk, "");
      if (typeof directory === "number") {
        throw kernelFailure("make parents of", path, directory);
      }
      return { directory, name };
    } finally {
      walk.end();
    }
  }

  replaceFile(path: string, bytes: Uint8Array, mode: number, durable = false): void {
    const { directory, name } = this.makeParents(path);
    using holder = directory;
    const result = holder.replaceFile(name, bytes, mode, durable);
    if (result < 0) throw kernelFailure("replace", path, result);
  }

  /**
   * A descriptor (O_PATH) of the root's /proc when a procfs is mounted there, -EACCES when it is something else; the
   * caller closes it. For mount.ts, which argues why it may: everything else keeps out of /proc.
   */
  procfs(): number {
    const descriptor = openat(this.descriptor, "proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0 || isProcfs(descriptor)) return descriptor;
    close(descriptor);
    return -EACCES;
  }

  unlink(path: string): number {
    const walk = this.#walk;
    try {
      const name = walk.enterParent(path);
      if (typeof name === "number") return name;
      if (name === "") return -EISDIR;
      return refusesWrites(walk.descriptor) ? -EACCES : unlinkat(walk.descriptor, name);
    } finally {
      walk.end();
    }
  }

  setMode(path: string, mode: number): boolean | number {
    const walk = this.#walk;
    try {
      return setModeAt(walk, path, mode);
    } finally {
      walk.end();
    }
  }

  /** Whether the mount that the root is on, or its file system, is read-only. */
  get readOnly(): boolean {
    return isReadOnly(this.descriptor);
  }

  get real(): Root {
    return this;
  }

  noteMount(): boolean {
    return false;
  }

  /**
   * Directories that a path led through stay open for the next path: for hooks, which look into a few of them again and
   * again. For a root whose directories nobody removes meanwhile, as such a removal would not be seen.
   */
  keepWays(): void {
    this.#walk.keep();
  }

  /** Closes what is kept: another file system is about to be mounted on the way. */
  forgetWays(): void {
    this.#walk[Symbol.dispose]();
  }

  close(): void {
    this.forgetWays();
    if (this.namespace !== undefined) close(this.namespace);
    close(this.descriptor);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
