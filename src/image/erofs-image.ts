import { HookError } from "../errors.ts";
import type { HostBytes } from "../host/host-bytes.ts";
import type { VirtualRoot } from "../rootfs/virtual-root.ts";
import { openErofsRoot } from "./erofs-root.ts";
import type { Image } from "./image.ts";

/** A root filesystem in an EROFS image, which is read where it stands and never written. */
export class ErofsImage implements Image {
  readonly root: VirtualRoot;
  readonly needsDestination = false;

  /** Takes over the open file. Throws HookError `root`. */
  constructor(file: HostBytes, complain: ((message: string) => void) | undefined) {
    this.root = openErofsRoot(file, { changeable: true, ...(complain === undefined ? {} : { complain }) });
  }

  /** Throws HookError `refused` unless there is nothing to write. */
  write(output: string | undefined): undefined {
    if (this.root.changes.length === 0 && output === undefined) return undefined;
    const ways = "--dry-run tells what would be changed, --output FILE writes the cache outside of it";
    throw new HookError("refused", "write image", this.root.hostPath, `EROFS images are only read: ${ways}`);
  }
}
