import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { scratchDirectory } from "../../test/support/scratch.ts";
import { EBADF, EINVAL, ENOENT } from "./errno.ts";
import { close } from "./files.ts";
import {
  IN_CREATE,
  IN_IGNORED,
  IN_MOVED_FROM,
  IN_MOVED_TO,
  inotifyAddWatch,
  inotifyInit,
  inotifyRemoveWatch,
  readEvents,
} from "./inotify.ts";
import { POLLIN, poll } from "./poll.ts";

test("events with the names that they are about, the halves of a rename with one cookie; nothing when nothing happens", () => {
  const top = scratchDirectory();
  const descriptor = inotifyInit();
  onTestFinished(() => void close(descriptor));
  const watch = inotifyAddWatch(descriptor, top, IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO);
  expect(watch).toBeGreaterThan(0);
  expect(readEvents(descriptor)).toEqual([]);
  expect(poll([[descriptor, POLLIN]], 0)).toEqual([0]);
  const names = ["a", "sixteen-letters!", "\u00e9"];
  for (const name of names) writeFileSync(Buffer.from(join(top, name), "latin1"), "");
  renameSync(join(top, "a"), join(top, "b"));
  expect(poll([[descriptor, POLLIN]], 1000)).toEqual([POLLIN]);
  const events = readEvents(descriptor);
  if (typeof events === "number") throw new Error(`read: ${events}`);
  const cookie = events[3]?.cookie ?? 0;
  expect(cookie).not.toBe(0);
  expect(events).toEqual([
    ...names.map((name) => ({ watch, mask: IN_CREATE, cookie: 0, name })),
    { watch, mask: IN_MOVED_FROM, cookie, name: "a" },
    { watch, mask: IN_MOVED_TO, cookie, name: "b" },
  ]);
  expect(inotifyRemoveWatch(descriptor, watch)).toBe(0);
  expect(readEvents(descriptor)).toEqual([{ watch, mask: IN_IGNORED, cookie: 0, name: "" }]);
});

test("errors are told", () => {
  const top = scratchDirectory();
  const descriptor = inotifyInit();
  rmSync(top, { recursive: true });
  expect(inotifyAddWatch(descriptor, top, IN_CREATE)).toBe(-ENOENT);
  expect(inotifyRemoveWatch(descriptor, 1)).toBe(-EINVAL);
  close(descriptor);
  expect(readEvents(descriptor)).toBe(-EBADF);
});
