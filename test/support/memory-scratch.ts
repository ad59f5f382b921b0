import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";

/** KiB that such a file system may take, and that have to be free beside it. */
const SIZE = 8 << 20;
const SPARE = 2 << 20;

/**
 * Scratch directories of the calling test file are in memory, where the machine has enough of it and we may mount: whole root
 * filesystems are copied in a third of the time.
 */
export function scratchInMemory(): void {
  const before = process.env["TMPDIR"];
  let mounted: string | undefined;

  beforeAll(() => {
    const available = Number(/^MemAvailable:\s*(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1] ?? 0);
    if (available < SIZE + SPARE) return;
    const path = mkdtempSync(join(tmpdir(), "cdi-hook-memory-"));
    if (spawnSync("mount", ["-t", "tmpfs", "-o", `size=${SIZE}k,mode=1777`, "cdi-hook-test", path]).status !== 0) {
      rmdirSync(path);
      return;
    }
    mounted = path;
    process.env["TMPDIR"] = path;
  });

  afterAll(() => {
    if (mounted === undefined) return;
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
    spawnSync("umount", ["--lazy", mounted]);
    rmdirSync(mounted);
  });
}
