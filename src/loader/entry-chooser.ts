import { DL_CACHE_HWCAP_EXTENSION, DL_CACHE_HWCAP_ISA_LEVEL_MASK } from "../ldcache/constants.ts";
import { legacyBitsOf } from "../ldcache/describe.ts";
import { ARCHITECTURES } from "../ldconfig/architecture.ts";
import { legacyHwcaps } from "../ldconfig/legacy-hwcaps.ts";
import type { CacheFile, FoundEntry } from "./cache-file.ts";
import type { Cpu } from "./cpu.ts";
import type { DynamicLinker } from "./dynamic-linker.ts";

/** An entry of the cache under the name that is looked up, and what becomes of it. */
export interface ConsideredEntry {
  readonly entry: FoundEntry;
  /** Its `glibc-hwcaps` subfolder, or its legacy capabilities, for a person. */
  readonly hwcaps: string | undefined;
  /** Undefined for the one that is taken; else why it is not. */
  readonly rejected: string | undefined;
}

/** One cache, seen by one dynamic linker on one processor. */
export class EntryChooser {
  readonly cache: CacheFile;
  readonly #linker: DynamicLinker;
  readonly #cpu: Cpu;
  readonly #priorities: ReadonlyMap<number, number>;
  readonly #legacy: (bits: bigint) => string | undefined;

  constructor(cache: CacheFile, linker: DynamicLinker, cpu: Cpu) {
    this.cache = cache;
    this.#linker = linker;
    this.#cpu = cpu;
    this.#priorities = prioritiesOf(cache.folders, cpu);
    this.#legacy = legacyFilter(linker, cpu);
  }

  /**
   * The entries of a name, and which of them the dynamic linker takes (glibc's elf/dl-cache.c, search_cache): of those with
   * its own flags the one of the best `glibc-hwcaps` subfolder that the processor can use, else the first that has no such
   * folder and no capabilities that the processor lacks.
   */
  consider(name: string): ConsideredEntry[] {
    let best = -1;
    let bestPriority = UNTAGGED;
    let isSettled = false;
    const considered: { entry: FoundEntry; hwcaps: string | undefined; rejected: string | undefined }[] = [];
    for (const entry of this.cache.lookup(name)) {
      const folder = this.#folderOf(entry);
      const bits = (BigInt(entry.hwcapHigh) << 32n) | BigInt(entry.hwcapLow);
      const hwcaps = folder ?? legacyBitsOf(entry);
      let rejected = this.#unusable(entry, folder, bits);
      if (rejected === undefined) {
        const priority = folder === undefined ? UNTAGGED : (this.#priorities.get(entry.hwcapLow) ?? UNTAGGED);
        const isBetter = best < 0 || (folder === undefined ? bestPriority === UNTAGGED : priority < bestPriority);
        if (isSettled || !isBetter) rejected = "another entry is better, or comes first";
        else {
          const before = considered[best];
          if (before !== undefined) before.rejected = "another entry is better";
          best = considered.length;
          bestPriority = priority;
        }
        // An entry of no subfolder ends the search, unless entries with better flags may follow.
        isSettled ||= folder === undefined && (bestPriority !== UNTAGGED || entry.flags === this.#linker.entryFlags[0]);
      }
      considered.push({ entry, hwcaps, rejected });
    }
    return considered;
  }

  /** The `glibc-hwcaps` subfolder of an entry, where the linker knows of such. */
  #folderOf({ hwcapHigh, hwcapLow }: FoundEntry): string | undefined {
    const isTagged = (hwcapHigh & ~DL_CACHE_HWCAP_ISA_LEVEL_MASK) === DL_CACHE_HWCAP_EXTENSION;
    if (!isTagged || !this.#linker.features.hwcapsFolders) return undefined;
    return this.cache.folders[hwcapLow] ?? `subfolder ${hwcapLow}`;
  }

  #unusable({ flags, hwcapHigh, hwcapLow }: FoundEntry, folder: string | undefined, bits: bigint): string | undefined {
    if (!this.#linker.entryFlags.includes(flags)) return `of another ABI: flags 0x${(flags >>> 0).toString(16)}`;
    if (folder === undefined) return this.#legacy(bits);
    const isa = hwcapHigh & DL_CACHE_HWCAP_ISA_LEVEL_MASK;
    if (isa > this.#cpu.isa) return `needs x86-64-v${isa + 1}, which ${this.#cpu.name} has not`;
    return this.#priorities.has(hwcapLow) ? undefined : `${folder} is not for ${this.#cpu.name}`;
  }
}

/** Entries without a `glibc-hwcaps` subfolder. */
const UNTAGGED = Number.POSITIVE_INFINITY;

/**
 * By number in the cache's list of folder names, the place in the processor's own. Both lists are walked at once, as if
 * they were sorted: in a cache where the list is not, names are missed.
 */
function prioritiesOf(folders: readonly string[], cpu: Cpu): Map<number, number> {
  const wanted = [...cpu.hwcaps].sort();
  const found = new Map<number, number>();
  for (let at = 0, own = 0; at < folders.length && own < wanted.length;) {
    const folder = folders[at] ?? "";
    const name = wanted[own] ?? "";
    if (folder === name) found.set(at, cpu.hwcaps.indexOf(name));
    if (folder <= name) at += 1;
    if (folder >= name) own += 1;
  }
  return found;
}

/** Why legacy capabilities keep an entry from being taken, if they do. */
function legacyFilter(linker: DynamicLinker, cpu: Cpu): (bits: bigint) => string | undefined {
  if (!linker.features.legacyEntries) {
    return (bits) => (bits === 0n ? undefined : "legacy capabilities, which this glibc has not");
  }
  const table = legacyHwcaps(ARCHITECTURES[linker.architecture].legacyFamily, linker.minor);
  let usable = 1n << 63n;
  for (const [name, bit] of table.capabilities) {
    if (name === "tls" || (table.important.has(name) && cpu.capabilities.includes(name))) usable |= 1n << BigInt(bit);
  }
  const platforms = [...table.platforms.values()].reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n);
  const platformBit = table.platforms.get(cpu.platform ?? "");
  const own = platformBit === undefined ? -1n : 1n << BigInt(platformBit);
  return (bits) => {
    if ((bits & ~(usable | platforms)) !== 0n) return `capabilities that ${cpu.name} has not`;
    return (bits & platforms) !== 0n && (bits & platforms) !== own ? `not for the platform of ${cpu.name}` : undefined;
  };
}
