import { copyFileSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { program } from "../../test/support/debian-root.ts";
import { forgeElf } from "../../test/support/elf-forge.ts";
import type { Launch } from "./launcher.ts";
import { median } from "./statistics.ts";
import { countCalls } from "./syscalls.ts";

const counts = [2_500, 5_000, 10_000, 20_000] as const;
const runs = 3;
const folder = "usr/lib/x86_64-linux-gnu";

/** What a rebuild of a root with so many libraries takes. */
export interface Growth {
  libraries: number;
  /** KiB of the cache. */
  cache: number;
  /** Milliseconds of processor time. */
  ours: number;
  ldconfig: number;
  /** KiB */
  peak: number;
  ldconfigPeak: number;
  /** openat calls for each library file; undefined without strace. */
  opens: number | undefined;
}

/** Measures `ldcache rebuild` and `ldconfig -r ROOT -X -i` on made-up roots; empty where there is no ldconfig. */
export function measureGrowth(executable: string, launch: Launch, work: string): Growth[] {
  const ldconfig = program("ldconfig");
  if (ldconfig === undefined) return [];
  return counts.map((libraries) => {
    process.stderr.write(`\rbench: ${libraries} made-up libraries `);
    const root = join(work, "growth");
    makeRoot(root, libraries, ldconfig);
    const rebuild = [executable, "ldcache", "rebuild", "--root", root];
    launch("/dev/null", rebuild);
    const [ours, theirs] = [rebuild, [ldconfig, "-r", root, "-X", "-i"]].map((words) => {
      const costs = Array.from({ length: runs }, () => launch("/dev/null", words));
      return {
        processor: median(costs.map(({ processor }) => processor)),
        peak: Math.max(...costs.map(({ peak }) => peak)),
      };
    });
    const calls = countCalls(rebuild, join(work, "strace.txt"));
    const opens = calls?.get("openat");
    const cache = statSync(join(root, "etc/ld.so.cache")).size / 1024;
    rmSync(root, { recursive: true });
    return {
      libraries,
      cache,
      ours: ours?.processor ?? Number.NaN,
      ldconfig: theirs?.processor ?? Number.NaN,
      peak: ours?.peak ?? Number.NaN,
      ldconfigPeak: theirs?.peak ?? Number.NaN,
      opens: opens === undefined ? undefined : opens / libraries,
    };
  });
}

/** Libraries with a soname link each, in one folder: one entry of the cache for each. */
function makeRoot(root: string, libraries: number, ldconfig: string): void {
  for (const path of [folder, "etc", "sbin"]) mkdirSync(join(root, path), { recursive: true });
  symlinkSync("usr/lib", join(root, "lib"));
  copyFileSync(ldconfig, join(root, "sbin/ldconfig"));
  for (let index = 0; index < libraries; index += 1) {
    const soname = `libmade-up${index}.so.${index % 9}`;
    const file = `${soname}.${index % 7}.${index % 11}`;
    writeFileSync(join(root, folder, file), forgeElf({ sonames: [soname], needed: ["libc.so.6"] }));
    symlinkSync(file, join(root, folder, soname));
  }
}
