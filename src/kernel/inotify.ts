/** inotify(7). As in files.ts: a number >= 0, or -errno. */

import { toText } from "../bytes/text.ts";
import { O_CLOEXEC, O_NONBLOCK } from "./constants.ts";
import { EAGAIN } from "./errno.ts";
import { read, restarted } from "./files.ts";
import * as NR from "./syscalls.ts";

/** Events, as they are asked for and told (linux/inotify.h). */
export const IN_MODIFY = 0x2;
export const IN_ATTRIB = 0x4;
export const IN_CLOSE_WRITE = 0x8;
export const IN_MOVED_FROM = 0x40;
export const IN_MOVED_TO = 0x80;
export const IN_CREATE = 0x100;
export const IN_DELETE_SELF = 0x400;
export const IN_MOVE_SELF = 0x800;
export const IN_UNMOUNT = 0x2000;
/** Told only: events were lost. */
export const IN_Q_OVERFLOW = 0x4000;
/** Told only: the watch is gone. */
export const IN_IGNORED = 0x8000;
/** Asked for only: add to what is watched already. */
export const IN_MASK_ADD = 0x2000_0000;
/** Asked for only: watch nothing but a directory. */
export const IN_ONLYDIR = 0x0100_0000;

export interface InotifyEvent {
  /** The watch's number; -1 with IN_Q_OVERFLOW. */
  readonly watch: number;
  readonly mask: number;
  /** What the two halves of one rename have in common; 0 for other events. */
  readonly cookie: number;
  /** The name within the watched directory; "" when the event is about the directory itself. */
  readonly name: string;
}

/** inotify_init1(2): a descriptor whose reads never wait. */
export function inotifyInit(): number {
  return syscall(NR.inotify_init1, O_NONBLOCK | O_CLOEXEC);
}

/** inotify_add_watch(2): the watch's number, the same for the same directory, whose mask is then set anew. */
export function inotifyAddWatch(descriptor: number, path: string, mask: number): number {
  return restarted(() => syscall(NR.inotify_add_watch, descriptor, path, mask));
}

/** inotify_rm_watch(2). */
export function inotifyRemoveWatch(descriptor: number, watch: number): number {
  return syscall(NR.inotify_rm_watch, descriptor, watch);
}

/** Size of `struct inotify_event` before its name. */
const HEADER = 16;
const bytes = new Uint8Array(32 << 10);
const words = new Uint32Array(bytes.buffer);

/** The next events, a bounded number of them; none when there are none now; -errno. */
export function readEvents(descriptor: number): readonly InotifyEvent[] | number {
  const used = read(descriptor, bytes);
  if (used < 0) return used === -EAGAIN ? [] : used;
  const events: InotifyEvent[] = [];
  for (let at = 0; at < used;) {
    const word = at >> 2;
    const length = words[word + 3] ?? 0; // of the name, with NULs up to a multiple of the header's size
    const padded = toText(bytes, at + HEADER, at + HEADER + length);
    const end = padded.indexOf("\0");
    events.push({
      watch: (words[word] ?? 0) | 0,
      mask: words[word + 1] ?? 0,
      cookie: words[word + 2] ?? 0,
      name: end < 0 ? padded : padded.slice(0, end),
    });
    at += HEADER + length;
  }
  return events;
}
