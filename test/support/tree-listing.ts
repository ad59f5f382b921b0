import { createHash } from "node:crypto";
import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";

/** One file of a tree, whatever its type. */
export interface ListedFile {
  type: "file" | "directory" | "link" | "fifo" | "socket" | "device";
  mode: number;
  /** Of a link: its text, a byte string. */
  target?: string;
  /** Of a regular file: digest of its bytes. */
  content?: string;
  /** Of a regular file whose bytes were not asked for. */
  size?: bigint;
  owner?: string;
  inode?: bigint;
  /** Nanoseconds. */
  modified?: bigint;
}

/** Byte string of the path inside the tree (`/usr/lib/libz.so.1`) to what is there. */
export type Listing = Map<string, ListedFile>;

export interface ListingOptions {
  /** Also owner, inode number and time of modification. */
  identity?: boolean;
  /** Paths that are left out, with all below them. */
  without?: readonly string[];
  /** The bytes of files are compared only below these directories, elsewhere their sizes; everywhere unless given. */
  contentBelow?: readonly string[];
}

/** Lists a tree without following links. Names are byte strings (Latin-1). */
export function listTree(root: string, options: ListingOptions = {}): Listing {
  const listing: Listing = new Map();
  const without = new Set(options.without);
  const walk = (directory: string): void => {
    for (const name of readdirSync(bytes(root + directory), { encoding: "latin1" }).sort()) {
      const path = `${directory}/${name}`;
      if (without.has(path)) continue;
      const facts = lstatSync(bytes(root + path), { bigint: true });
      const type = typeOf(facts);
      listing.set(path, listed(root, path, type, facts, options));
      if (type === "directory") walk(path);
    }
  };
  walk("");
  return listing;
}

function listed(
  root: string,
  path: string,
  type: ListedFile["type"],
  facts: BigIntStats,
  options: ListingOptions,
): ListedFile {
  const read = options.contentBelow?.some((directory) => path.startsWith(`${directory}/`)) ?? true;
  return {
    type,
    mode: Number(facts.mode & 0o7777n),
    ...(type === "link" ? { target: readlinkSync(bytes(root + path), "latin1") } : {}),
    ...(type === "file" ? (read ? { content: contentOf(root + path) } : { size: facts.size }) : {}),
    ...(options.identity === true
      ? { owner: `${facts.uid}:${facts.gid}`, inode: facts.ino, modified: facts.mtimeNs }
      : {}),
  };
}

function contentOf(path: string): string {
  return createHash("sha256")
    .update(readFileSync(bytes(path)))
    .digest("hex")
    .slice(0, 24);
}

function typeOf(facts: BigIntStats): ListedFile["type"] {
  if (facts.isSymbolicLink()) return "link";
  if (facts.isDirectory()) return "directory";
  if (facts.isFile()) return "file";
  if (facts.isFIFO()) return "fifo";
  return facts.isSocket() ? "socket" : "device";
}

/** What differs, one line per path, `- ` of the first and `+ ` of the second listing; empty when nothing does. */
export function compareListings(first: Listing, second: Listing): string[] {
  const paths = [...new Set([...first.keys(), ...second.keys()])].sort();
  return paths.flatMap((path) => {
    const [before, after] = [first.get(path), second.get(path)].map((file) => file && describeFile(path, file));
    if (before === after) return [];
    return [...(before === undefined ? [] : [`- ${before}`]), ...(after === undefined ? [] : [`+ ${after}`])];
  });
}

function describeFile(path: string, file: ListedFile): string {
  const facts = Object.entries(file)
    .filter(([name]) => name !== "type")
    .map(([name, value]) =>
      name === "mode" ? `mode ${Number(value).toString(8)}` : `${name} ${JSON.stringify(String(value))}`,
    );
  return `${JSON.stringify(path)} ${file.type} ${facts.join(" ")}`;
}

function bytes(path: string): Buffer {
  return Buffer.from(path, "latin1");
}
