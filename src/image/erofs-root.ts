import { FormatError, HookError } from "../errors.ts";
import { EROFS } from "../rootfs/constants.ts";
import { VirtualRoot } from "../rootfs/virtual-root.ts";
import { type Complaint, type ErofsFile, erofsTree } from "./erofs-source.ts";

export interface ErofsOptions {
  /** What is changed is changed in memory, and can be asked for. Without it every change is refused, as by a kernel. */
  readonly changeable?: boolean;
  /** Told of what cannot be read; each message once. */
  readonly complain?: Complaint;
}

/** Messages that are told of one image: a hostile one could give reason for any number. */
const MOST_COMPLAINTS = 8;

/**
 * Opens an EROFS image as a root; the file is closed with it, and when this fails. No kernel parses the image, no mount
 * is made. Throws HookError `root` when it is broken, or of a kind that is not read.
 */
export function openErofsRoot(file: ErofsFile & Disposable, options: ErofsOptions = {}): VirtualRoot {
  const { changeable = false, complain = ignore } = options;
  const told = new Set<string>();
  const refusal = changeable ? 0 : -EROFS;
  try {
    const top = erofsTree(file, refusal, (message) => {
      if (told.size >= MOST_COMPLAINTS || told.has(message)) return;
      told.add(message);
      complain(`${file.path}: ${message}`);
    });
    return new VirtualRoot(file.path, top, file);
  } catch (error) {
    file[Symbol.dispose]();
    if (!(error instanceof FormatError)) throw error;
    throw new HookError("root", "open root", file.path, error.message, { cause: error });
  }
}

function ignore(): void {}
