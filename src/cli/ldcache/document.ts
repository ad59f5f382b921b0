/** Entries and caches as the JSON that docs/ldcache.md describes. */
import { abiOf, kernelOf, legacyBitsOf, typeOf, type DescriptionRules } from "../../ldcache/describe.ts";
import type { CacheEntry } from "../../ldcache/entry.ts";
import type { Cache } from "../../ldcache/read.ts";
import type { Json } from "../json.ts";

export function entryDocument(entry: CacheEntry, rules: DescriptionRules): Json {
  return {
    name: entry.key,
    path: entry.value,
    flags: entry.flags,
    type: typeOf(entry.flags, rules),
    abi: abiOf(entry.flags),
    hwcaps: entry.hwcaps ?? null,
    isaLevel: entry.hwcaps === undefined ? null : entry.isa,
    legacyHwcaps: legacyBitsOf(entry) ?? null,
    kernel: kernelOf(entry.osVersion) ?? null,
  };
}

export function cacheDocument(cache: Cache, bytes: number): { readonly [name: string]: Json } {
  return {
    bytes,
    format: cache.format,
    byteOrder: cache.bigEndian ? "big" : "little",
    endianByte: cache.endianByte,
    generator: cache.generator ?? null,
  };
}
