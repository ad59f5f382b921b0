import { describeFacts, type DescriptionRules } from "../../ldcache/describe.ts";
import type { CacheEntry } from "../../ldcache/entry.ts";
import type { Cache } from "../../ldcache/read.ts";
import { printable } from "../../logger.ts";
import { columnsOf, styled, type Terminal } from "../terminal.ts";
import { entryCount } from "./entry-count.ts";

/** The folder of a `glibc-hwcaps` library is shown below the one that it belongs to. */
const HWCAPS = "/glibc-hwcaps/";
/** Names are lined up to this width, in columns. */
const WIDEST_NAME = 48;

/**
 * The entries of a cache by folder, as lines: folders in bytewise order, `glibc-hwcaps` ones below their own, entries in
 * the cache's order.
 */
export function cacheTree(cache: Cache, rules: DescriptionRules, terminal: Terminal): string {
  const folders = new Map<string, CacheEntry[]>();
  for (const entry of cache.entries) {
    const folder = entry.value.slice(0, Math.max(0, entry.value.lastIndexOf("/")));
    const known = folders.get(folder);
    if (known === undefined) folders.set(folder, [entry]);
    else known.push(entry);
  }
  // A folder that has libraries in glibc-hwcaps only is shown as well.
  for (const folder of folders.keys()) {
    const parent = parentOf(folder);
    if (parent !== undefined && !folders.has(parent)) folders.set(parent, []);
  }
  const names = [...folders.keys()].sort();
  const top = names.filter((folder) => parentOf(folder) === undefined);
  const lines: string[] = [];
  for (const folder of top) {
    lines.push(heading(folder, folders.get(folder)?.length ?? 0, terminal));
    for (const below of names.filter((name) => parentOf(name) === folder)) {
      lines.push(`  ${heading(below.slice(folder.length + 1), folders.get(below)?.length ?? 0, terminal)}`);
      lines.push(...libraries(folders.get(below) ?? [], rules, "    "));
    }
    lines.push(...libraries(folders.get(folder) ?? [], rules, "  "));
  }
  if (cache.generator !== undefined) lines.push(printable(`generator: ${cache.generator}`));
  return lines.map((line) => `${line}\n`).join("");
}

function parentOf(folder: string): string | undefined {
  const at = folder.lastIndexOf(HWCAPS);
  return at < 0 || folder.includes("/", at + HWCAPS.length) ? undefined : folder.slice(0, at);
}

function heading(folder: string, count: number, terminal: Terminal): string {
  return `${styled(printable(folder === "" ? "/" : folder), "bold", terminal)}: ${entryCount(count)}`;
}

function libraries(entries: readonly CacheEntry[], rules: DescriptionRules, indent: string): string[] {
  const rows = entries.map((entry) => {
    const file = entry.value.slice(entry.value.lastIndexOf("/") + 1);
    const name = file === entry.key ? entry.key : `${entry.key} -> ${file}`;
    return { name: printable(name), facts: printable(describeFacts(entry, rules)) };
  });
  const width = Math.min(
    WIDEST_NAME,
    rows.reduce((widest, { name }) => Math.max(widest, columnsOf(name)), 0),
  );
  return rows.map(({ name, facts }) => `${indent}${name}${" ".repeat(Math.max(0, width - columnsOf(name)))}  ${facts}`);
}
