import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH } from "../../src/kernel/constants.ts";
import { close, openat } from "../../src/kernel/files.ts";
import { scratchDirectory } from "./scratch.ts";

/** Folders to walk in; gone when the running test ends. */
export interface WalkScratch {
  /** Has `outside/etc` besides `base`. */
  top: string;
  /** The root, which has `a/b/c`. */
  base: string;
  /** The same, open (O_PATH). */
  root: number;
}

export function walkScratch(): WalkScratch {
  const top = scratchDirectory();
  const base = join(top, "root");
  mkdirSync(join(base, "a/b/c"), { recursive: true });
  mkdirSync(join(top, "outside/etc"), { recursive: true });
  const root = openat(AT_FDCWD, base, O_PATH | O_DIRECTORY | O_CLOEXEC);
  onTestFinished(() => {
    close(root);
  });
  return { top, base, root };
}

/** How many descriptors this process has open. */
export function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}
