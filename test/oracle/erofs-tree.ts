/** Trees for mkfs.erofs, and what is in a tree, as the kernel shows it and as the reader has it. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  closeSync,
  fstatSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  opendirSync,
  readFileSync,
  readlinkSync,
  readSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import type { ByteSource } from "../../src/bytes/source.ts";
import type { Erofs, Inode } from "../../src/erofs/erofs.ts";
import type { SeededRandom } from "../support/seeded-random.ts";

/** Paths are byte strings. */
function bytePath(path: string): Buffer {
  return Buffer.from(path, "latin1");
}

/** One line for each path, which tells all that is compared. */
export type Tree = ReadonlyMap<string, string>;

interface Facts {
  readonly type: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly links: number;
  readonly mtime: number;
  readonly nid: number;
  readonly device: { readonly major: number; readonly minor: number } | undefined;
}

/**
 * What only a mounted image has: the number of a file, how many names it has, a directory's size, bits that a change of
 * owner takes away.
 */
function line(facts: Facts, content: string, mounted: boolean): string {
  const { type, mode, uid, gid, size, links, mtime, nid, device } = facts;
  const numbers = device === undefined ? "" : ` ${device.major}:${device.minor}`;
  const common = `${uid}:${gid}${numbers} at ${mtime} ${content}`;
  if (!mounted) return `${(type | (mode & 0o777)).toString(8)} ${common}`;
  return `${(type | mode).toString(8)} ${common} size ${size} links ${links} number ${nid}`;
}

/** The tree below a directory of this machine; `mounted` when it is an EROFS image that the kernel shows. */
export function treeOf(top: string, mounted: boolean): Tree {
  const tree = new Map<string, string>();
  const visit = (path: string): void => {
    const own = bytePath(top + path);
    const stat = lstatSync(own);
    const type = stat.mode & 0o170000;
    let content = "";
    if (stat.isSymbolicLink()) content = `-> ${readlinkSync(own, "latin1")}`;
    else if (stat.isFile()) content = digest(readFileSync(own));
    const isDevice = type === 0o020000 || type === 0o060000;
    tree.set(
      path,
      line(
        {
          type,
          mode: stat.mode & 0o7777,
          uid: stat.uid,
          gid: stat.gid,
          size: stat.size,
          links: stat.nlink,
          mtime: Math.floor(stat.mtimeMs / 1000),
          nid: stat.ino,
          device: isDevice ? deviceNumbers(stat.rdev) : undefined,
        },
        content,
        mounted,
      ),
    );
    if (!stat.isDirectory()) return;
    const directory = opendirSync(own, { encoding: "latin1" as BufferEncoding });
    for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) visit(`${path}/${entry.name}`);
    directory.closeSync();
  };
  visit("");
  return tree;
}

/** As glibc takes `st_rdev` apart (sys/sysmacros.h). */
function deviceNumbers(packed: number): { major: number; minor: number } {
  const value = BigInt(packed);
  return {
    major: Number(((value >> 8n) & 0xfffn) | ((value >> 32n) & ~0xfffn)),
    minor: Number((value & 0xffn) | ((value >> 12n) & ~0xffn)),
  };
}

/** The same of an image, by the reader: every name is listed, looked up, and read. */
export function treeOfImage(erofs: Erofs, mounted: boolean): Tree {
  const tree = new Map<string, string>();
  const visit = (path: string, inode: Inode): void => {
    let content = "";
    if (inode.type === 0o120000) content = `-> ${erofs.target(inode)}`;
    else if (inode.type === 0o100000) content = digest(readAll(erofs.data(inode)));
    tree.set(path, line(inode, content, mounted));
    if (inode.type !== 0o040000) return;
    for (const { name, nid, type } of erofs.list(inode).entries) {
      const found = erofs.lookUp(inode, name);
      if (found?.nid !== nid) throw new Error(`${path}/${name}: listed as ${nid}, found as ${found?.nid}`);
      if (found.type >> 12 !== type) throw new Error(`${path}/${name}: listed as type ${type}, is ${found.type >> 12}`);
      visit(`${path}/${name}`, found);
    }
  };
  visit("", erofs.root);
  return tree;
}

function readAll(data: ByteSource): Uint8Array {
  const bytes = new Uint8Array(data.size);
  for (let used = 0; used < bytes.length;) used += data.readInto(bytes.subarray(used), used);
  return bytes;
}

function digest(bytes: Uint8Array): string {
  return createHash("sha1").update(bytes).digest("hex");
}

/** Where two trees differ, a few lines of it. */
export function differences(real: Tree, own: Tree): string[] {
  const lines: string[] = [];
  for (const [path, value] of real) {
    if (own.get(path) !== value) lines.push(`${path}: ${value} | ${own.get(path) ?? "missing"}`);
  }
  for (const [path, value] of own) if (!real.has(path)) lines.push(`${path}: only in ours: ${value}`);
  return lines.slice(0, 10);
}

/** An image file, read in place. */
export class ImageFile implements ByteSource, Disposable {
  readonly #descriptor: number;
  readonly #scratch = new Uint8Array(64 << 10);
  readonly size: number;

  constructor(path: string) {
    this.#descriptor = openSync(path, "r");
    this.size = fstatSync(this.#descriptor).size;
  }

  read(offset: number, length: number): Uint8Array {
    const wanted = this.#scratch.subarray(0, length);
    return wanted.subarray(0, this.readInto(wanted, offset));
  }

  readInto(bytes: Uint8Array, offset: number): number {
    return readSync(this.#descriptor, bytes, 0, bytes.length, offset);
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }
}

/** One file of every kind, sizes around the ends of blocks, names of all bytes, a directory of 5,000 names. */
export function makeMixedTree(top: string): void {
  const file = (name: string, bytes: Uint8Array | string, mode = 0o644): string => {
    const path = `${top}/${name}`;
    writeFileSync(bytePath(path), bytes);
    chmodSync(bytePath(path), mode);
    return path;
  };
  mkdirSync(`${top}/sizes`, { recursive: true });
  for (const size of [0, 1, 100, 2000, 4000, 4063, 4064, 4065, 4095, 4096, 4097, 8191, 8192, 8193, 70_000, 1_100_000]) {
    file(`sizes/${size}`, Buffer.alloc(size, `${size}\xe9 ${"x".repeat(size % 97)}`, "latin1"));
  }
  file("suid", "x", 0o4755);
  file("sticky", "x", 0o1777);
  chownSync(file("owned", "mine"), 12, 34);
  chownSync(file("owned-high", "mine"), 100_000, 4_000_000_000);
  linkSync(`${top}/owned`, `${top}/hard-1`);
  linkSync(`${top}/owned`, `${top}/hard-2`);
  truncateSync(file("sparse", Buffer.alloc(10_000, 1)), 3_000_000);
  truncateSync(file("all-hole", ""), 1_000_000);
  lutimesSync(file("old", "old"), 1_000_000_000, 1_000_000_001);
  symlinkSync("libcuda.so.1", `${top}/link`);
  symlinkSync(`/${"long/".repeat(800)}end`, `${top}/long-link`);
  symlinkSync(Buffer.from("\xff\xfe", "latin1"), bytePath(`${top}/link-\xff`));
  symlinkSync("nowhere", `${top}/dangling`);
  for (const [name, ...node] of [
    ["fifo", "p"],
    ["null", "c", "1", "3"],
    ["nvidia", "c", "195", "255"],
    ["wide", "c", "511", "1048575"],
    ["disk", "b", "8", "1"],
  ] as const) {
    execFileSync("mknod", ["-m", "0640", `${top}/${name}`, ...node]);
  }
  file("caf\xe9", "latin1");
  file("\x01\x7f\n\xff", "bytes");
  // mkfs.erofs 1.5 takes no longer one.
  file("n".repeat(254), "long name");
  mkdirSync(`${top}/empty`, { mode: 0o700 });
  mkdirSync(`${top}/${"d/".repeat(60)}`, { recursive: true });
  file("with-attributes", "x");
  execFileSync("setfattr", ["-n", "user.a", "-v", "b".repeat(300), `${top}/with-attributes`]);
  execFileSync("setfattr", [
    "-n",
    "security.capability",
    "-v",
    "0x0100000200200000000000000000000000000000",
    `${top}/suid`,
  ]);
  execFileSync("setfattr", ["-n", "user.d", "-v", "c", `${top}/empty`]);
  mkdirSync(`${top}/many`);
  const first = file("many/lib0.so", "many");
  for (let index = 1; index < 5_000; index += 1) linkSync(first, `${top}/many/lib${index}.so.${index % 7}`);
}

/** A tree of some hundred files by chance. */
export function makeRandomTree(top: string, random: SeededRandom): void {
  const directories = [top];
  mkdirSync(top, { recursive: true });
  const used = new Set<string>();
  for (let count = random.between(20, 200); count > 0; count -= 1) {
    const length = random.weighted([
      [8, random.between(1, 20)],
      [1, random.between(1, 254)],
    ]);
    const codes = Array.from({ length }, () => random.pick([random.between(97, 122), random.between(1, 255)]));
    const name = String.fromCharCode(...codes.map((code) => (code === 0x2f ? 0x5f : code)));
    const path = `${random.pick(directories)}/${name}`;
    if (name === "." || name === ".." || used.has(path) || path.length > 3000) continue;
    used.add(path);
    const kind = random.between(0, 9);
    if (kind < 2) {
      mkdirSync(bytePath(path), { mode: random.between(0o500, 0o777) });
      directories.push(path);
    } else if (kind === 2) {
      symlinkSync(bytePath(name.repeat(random.between(1, 8))), bytePath(path));
    } else {
      const size = random.weighted([
        [3, random.between(0, 300)],
        [3, 4096 * random.between(0, 4) + random.between(-40, 40)],
        [1, random.between(0, 200_000)],
      ]);
      const bytes = Buffer.alloc(Math.max(size, 0), random.word().toString(36));
      // Blocks of zeros become holes where chunks are asked for.
      if (random.chance(0.3)) bytes.fill(0, random.between(0, bytes.length));
      writeFileSync(bytePath(path), bytes);
      chmodSync(bytePath(path), random.between(0, 0o7777));
      if (random.chance(0.3)) chownSync(bytePath(path), random.between(0, 70_000), random.word());
    }
  }
}
