import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { program } from "./debian-root.ts";
import { output } from "./packages.ts";

/** Images and containers of podman, in a folder of their own. */
export class ImageStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  /** Why there is none here, or undefined. */
  static missing(): string | undefined {
    if (process.getuid?.() !== 0) return "needs root";
    const absent = ["podman", "conmon", "crun", "unshare"].find((name) => program(name) === undefined);
    return absent === undefined ? undefined : `needs ${absent}`;
  }

  /**
   * The command line of podman. It runs in namespaces of its own, so that its mounts and processes end with it; in the
   * hybrid mode of cgroups crun and podman find the second hierarchy and fail on it, so it is not mounted there.
   */
  command(...words: readonly string[]): readonly string[] {
    const script = 'if mountpoint -q /sys/fs/cgroup/unified; then umount /sys/fs/cgroup/unified; fi; exec "$@"';
    const places = ["root", "runroot", "tmpdir"].map((name) => `--${name}=${join(this.#folder, name)}`);
    const drivers = ["--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--events-backend=none", "--runtime=crun"];
    const namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
    return [...namespaces, "sh", "-c", script, "sh", "podman", ...places, ...drivers, ...words];
  }

  /** Runs podman to its end; gives what it printed, throws when it fails. */
  run(...words: readonly string[]): string {
    const [file = "", ...args] = this.command(...words);
    return output(file, args);
  }

  /** The words for a container that is removed when it ends, from an image of the store and never another. */
  static readonly container: readonly string[] = [
    "run",
    "--rm",
    "--pull=never",
    "--network=none",
    "--log-driver=none",
    "--ulimit=nofile=1024:1024",
    "--ulimit=nproc=1000:1000",
  ];
}
