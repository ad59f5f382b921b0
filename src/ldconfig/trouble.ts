import { EIO, EMFILE, ENFILE, ENOMEM, ESTALE, EUCLEAN } from "../rootfs/constants.ts";

/** Errors that say nothing of what an image holds: the disk, or this process, is short of something. */
const TROUBLE: ReadonlySet<number> = new Set([EIO, EMFILE, ENFILE, ENOMEM, ESTALE, EUCLEAN]);

/**
 * Whether a file that could not be opened (-errno) may well be there. What an image lacks, or made unreadable itself, is
 * left out in silence, as ldconfig does; what was left out for these reasons has to be told.
 */
export function isTrouble(result: number): boolean {
  return TROUBLE.has(-result);
}
