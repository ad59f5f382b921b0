import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";

/** One file of a tree to be made; paths and targets are byte strings, paths begin with `/`. */
export type TreeEntry =
  | { kind: "directory"; path: string }
  | { kind: "file"; path: string; bytes: Uint8Array; mode?: number; note?: string }
  | { kind: "link"; path: string; target: string }
  | { kind: "hard-link"; path: string; to: string }
  | { kind: "fifo"; path: string };

/** Makes the tree below `root`, an existing directory, as this user. Devices are never made. */
export function writeTree(root: string, entries: readonly TreeEntry[]): void {
  const at = (path: string): Buffer => Buffer.from(root + path, "latin1");
  for (const entry of entries) {
    if (entry.kind === "directory") mkdirSync(at(entry.path));
    else if (entry.kind === "file") writeFileSync(at(entry.path), entry.bytes, { mode: entry.mode ?? 0o644 });
    else if (entry.kind === "link") symlinkSync(Buffer.from(entry.target, "latin1"), at(entry.path));
    else if (entry.kind === "hard-link") linkSync(at(entry.to), at(entry.path));
    else execFileSync("mkfifo", [root + entry.path]);
  }
}

/** One line per entry, for a report; sizes and what was forged in place of bytes. */
export function describeTree(entries: readonly TreeEntry[]): string[] {
  return entries.map((entry) => {
    const path = JSON.stringify(entry.path);
    if (entry.kind === "link") return `link ${path} -> ${JSON.stringify(entry.target)}`;
    if (entry.kind === "hard-link") return `hard-link ${path} = ${JSON.stringify(entry.to)}`;
    if (entry.kind !== "file") return `${entry.kind} ${path}`;
    const what = entry.note ?? JSON.stringify(Buffer.from(entry.bytes).toString("latin1"));
    return `file ${path} ${entry.bytes.length} bytes: ${what}`;
  });
}

/** Leaves out entries whose parent directory is not among them, so that any subset of a tree can be made. */
export function completeTree(entries: readonly TreeEntry[]): TreeEntry[] {
  const present = new Set<string>([""]);
  const files = new Set<string>();
  return entries.filter((entry) => {
    const parent = entry.path.slice(0, entry.path.lastIndexOf("/"));
    if (!present.has(parent) || (entry.kind === "hard-link" && !files.has(entry.to))) return false;
    if (entry.kind === "directory") present.add(entry.path);
    if (entry.kind === "file") files.add(entry.path);
    return true;
  });
}
