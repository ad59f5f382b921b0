/** Small roots in which `explain` is asked, and its answer in lines that a test can name. */
import type { CacheEntry } from "../../src/ldcache/entry.ts";
import { EntryList } from "../../src/ldcache/entry-list.ts";
import { type CacheLayout, writeCache } from "../../src/ldcache/write.ts";
import { profileFor } from "../../src/ldconfig/profile.ts";
import { cpusOf } from "../../src/loader/cpu.ts";
import { deciding, explain, type Explanation, type ExplainRequest, viaText } from "../../src/loader/explain.ts";
import { KernelRoot } from "../../src/rootfs/kernel-root.ts";
import { scratchDirectory } from "./scratch.ts";
import { entriesOf, type Files } from "./small-root.ts";
import { writeTree } from "./tree-entries.ts";

export const linkerPath = "/lib64/ld-linux-x86-64.so.2";

export interface Asked extends Partial<Omit<ExplainRequest, "cpuFor">> {
  /** By name; `x86-64-v3` unless told. */
  readonly cpu?: string;
}

/** What a cache has: `[key, value, more]`. */
export type CacheLine = readonly [key: string, value: string, more?: Partial<CacheEntry>];

/** A cache as Debian 12 writes it, unless told otherwise. */
export function cacheOf(lines: readonly CacheLine[], more: Partial<CacheLayout> = {}): Uint8Array {
  const { layout } = profileFor({ glibc: "2.36", distribution: "debian", architecture: "x86-64" });
  const entries = lines.map(([key, value, facts]): CacheEntry => {
    return { key, value, flags: 0x303, osVersion: 0, hwcapLow: 0, hwcapHigh: 0, hwcaps: undefined, isa: 0, ...facts };
  });
  return writeCache(EntryList.of(entries), [], { ...layout, ...more });
}

/** Makes the root, Debian's by its banner unless `/etc/os-release` is among the files, and asks. */
export function ask(files: Files, { cpu = "x86-64-v3", ...request }: Asked): Explanation {
  const path = scratchDirectory();
  const release = new TextEncoder().encode('ID=debian\nVERSION_ID="12"\n');
  writeTree(path, entriesOf({ "/etc/os-release": release, ...files }));
  using root = KernelRoot.open(path);
  const log = { debugging: false, debug: () => undefined, warn: () => undefined };
  const missing = {
    name: undefined,
    from: undefined,
    libraryPath: undefined,
    preload: undefined,
    architecture: undefined,
  };
  return explain(
    root,
    {
      ...missing,
      ...request,
      cpuFor: (architecture) => {
        const found = cpusOf(architecture).find(({ name }) => name === cpu) ?? cpusOf(architecture)[0];
        if (found === undefined) throw new Error(`no processor ${cpu}`);
        return { cpu: found, why: "as told" };
      },
    },
    log,
  );
}

/** `path (place)` of what was found, or why it was not. */
export function answer({ lookup, process }: Explanation): string {
  if (lookup === undefined) return "nothing was asked";
  const decided = deciding(lookup.attempts);
  if (lookup.outcome === "missing") return "missing";
  if (lookup.outcome === "refused") return `${decided?.path}: ${lookup.reason}`;
  return `${lookup.object?.path} (${decided === undefined ? lookup.outcome : viaText(decided.via, process)})`;
}

/** The paths that were tried, in order. */
export function tried({ lookup }: Explanation): string[] {
  return (lookup?.attempts ?? []).filter(({ isTried }) => isTried).map(({ path }) => path);
}

/** `code: text` of all notes. */
export function notes({ notes: all }: Explanation): string[] {
  return all.map(({ code, text }) => `${code}: ${text}`);
}
