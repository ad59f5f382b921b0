import type { VirtualRoot } from "../rootfs/virtual-root.ts";

/** Where images of other kinds than folders are kept while they are open, and what they are written with. */
export interface ImageSettings {
  /** A folder of the host for what is unpacked. */
  readonly temporaryFolder: string;
  /** `OS/ARCHITECTURE[/VARIANT]` of an image for several. */
  readonly platform?: string | undefined;
  /** Seconds since 1970 for whatever is new (SOURCE_DATE_EPOCH); the image's own time by default. */
  readonly time?: number | undefined;
  /** Told again and again which of how many archives is read. */
  readonly progress?: ((done: number, total: number, name: string) => void) | undefined;
  /** Told of a part of an image that cannot be read, while the rest can. */
  readonly complain?: ((message: string) => void) | undefined;
}

/** An image that is open until its root is closed. The root is changed in memory only, until it is written. */
export interface Image {
  readonly root: VirtualRoot;
  /** An archive is not changed where it is unless that is asked for. */
  readonly needsDestination: boolean;
  /**
   * Writes the image with what was changed in the root, whole and on the disk. `output` says where to: of an archive its
   * path; of an OCI layout the tag that the new image gets. By default the image is changed where it is. Answers with what
   * was written, for a message; undefined when nothing was changed and there is no `output`. Throws HookError.
   */
  write(output: string | undefined, message: string): string | undefined;
}
