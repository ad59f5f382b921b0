/** Everything that is in an image, as far as bounds go, for images that may be anything. */
import { FormatError } from "../../src/errors.ts";
import { Erofs, type Inode } from "../../src/erofs/erofs.ts";
import { EntryList } from "../../src/ldcache/entry-list.ts";
import { writeCache } from "../../src/ldcache/write.ts";
import { profileFor } from "../../src/ldconfig/profile.ts";
import { forgeElf } from "../support/elf-forge.ts";
import { forgedDirectory, forgeErofs, type ForgedFile, signErofs } from "../support/erofs-forge.ts";
import { MemorySource } from "../support/memory-source.ts";
import { SeededRandom } from "../support/seeded-random.ts";

/** Files that are visited, levels, and bytes read of a file. */
const MOST_STEPS = 300;
const MOST_DEPTH = 12;
const MOST_BYTES = 64 << 10;
const MOST_ENTRIES = 2_000;

export interface Walked {
  /** Files, directories and links that could be read. */
  readonly sound: number;
  /** What was broken. */
  readonly broken: number;
  readonly bytesRead: number;
}

/** What can be read of an image; throws whatever is not a FormatError. */
export function walkImage(bytes: Uint8Array): Walked {
  const source = new MemorySource(bytes);
  const walked = { sound: 0, broken: 0, bytesRead: 0 };
  let steps = 0;
  const attempt = <T>(use: () => T): T | undefined => {
    try {
      const result = use();
      walked.sound += 1;
      return result;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      walked.broken += 1;
      return undefined;
    }
  };
  const buffer = new Uint8Array(MOST_BYTES);
  const visit = (erofs: Erofs, inode: Inode, depth: number): void => {
    steps += 1;
    if (steps > MOST_STEPS || depth > MOST_DEPTH) return;
    if (inode.type === 0o120000) attempt(() => erofs.target(inode));
    if (inode.type === 0o100000) {
      const data = erofs.data(inode);
      attempt(() => data.readInto(buffer, 0));
      attempt(() => data.read(Math.max(0, data.size - 100), 200));
      attempt(() => data.read(Math.floor(data.size / 2), 4096));
    }
    if (inode.type !== 0o040000) return;
    attempt(() => erofs.lookUp(inode, "libc.so.6"));
    for (const { name, nid } of attempt(() => erofs.list(inode, MOST_ENTRIES).entries) ?? []) {
      const found = attempt(() => erofs.lookUp(inode, name)) ?? attempt(() => erofs.inode(nid));
      if (found !== undefined) visit(erofs, found, depth + 1);
    }
  };
  const image = attempt(() => Erofs.open(source));
  if (image !== undefined) visit(image, image.root, 0);
  return { ...walked, bytesRead: source.bytesRead };
}

/** Sound images to change: every layout, block sizes from 512 bytes on, most of them metadata. */
export function soundImages(): readonly Uint8Array[] {
  const random = new SeededRandom(11);
  return [9, 9, 10, 12, 12, 14].map((blockBits, index) => {
    const blockSize = 2 ** blockBits;
    const tree = (depth: number, own: Partial<ForgedFile> = {}): ForgedFile => {
      const children: [string, ForgedFile][] = [];
      for (const layout of ["plain", "inline", "block map", "chunk indexes"] as const) {
        const more = {
          layout,
          extended: random.chance(0.5),
          chunkBits: random.between(0, 2),
          ...(random.chance(0.3) ? { attributes: random.between(1, 9) } : {}),
        };
        const size = random.pick([0, 3, 100, blockSize - 150, blockSize + 10, 2 * blockSize + 33]);
        const data = Buffer.alloc(size, "\x7fELF data ");
        if (random.chance(0.3)) data.fill(0, 0, Math.min(blockSize, size));
        children.push([`lib${layout.length}.so.${random.between(0, 9)}`, { mode: 0o100644, data, ...more }]);
        children.push([`link-${layout}`, { mode: 0o120777, data: Buffer.from("../target"), ...more }]);
        if (depth < 2) children.push([`dir-${layout}`, tree(depth + 1, more)]);
      }
      const names = new Set<string>();
      return forgedDirectory(
        children.filter(([name]) => !names.has(name) && names.add(name)),
        own,
      );
    };
    return forgeErofs({ root: tree(0), blockBits, checksum: index % 2 === 0 }).bytes;
  });
}

/** Root filesystems with some libraries and a cache, in images of several layouts and block sizes. */
export function rootImages(): readonly Uint8Array[] {
  const folder = "usr/lib/x86_64-linux-gnu";
  const { layout } = profileFor({ glibc: "2.36", distribution: "debian", architecture: "x86-64" });
  const entry = { flags: 0x303, osVersion: 0, hwcapLow: 0, hwcapHigh: 0, hwcaps: undefined, isa: 0 };
  const cache = writeCache(EntryList.of([{ ...entry, key: "libx.so.1", value: `/${folder}/libx.so.1` }]), [], layout);
  const layouts = ["plain", "inline", "block map", "chunk indexes"] as const;
  return [9, 10, 12, 12].map((blockBits, index) => {
    const more = { layout: layouts[index] ?? "plain", extended: index % 2 === 1 };
    const file = (data: Uint8Array | string): ForgedFile => ({
      mode: 0o100644,
      data: typeof data === "string" ? Buffer.from(data) : data,
      // A tail has to fit behind its inode.
      ...(data.length % 2 ** blockBits > 2 ** blockBits - 100 ? {} : more),
    });
    const link = (target: string): ForgedFile => ({ mode: 0o120777, data: Buffer.from(target), ...more });
    const libraries: [string, ForgedFile][] = [
      ["ld-linux-x86-64.so.2", file(forgeElf({ sonames: ["ld-linux-x86-64.so.2"] }))],
      ["libc.so.6", file(forgeElf({ sonames: ["libc.so.6"], needed: ["ld-linux-x86-64.so.2"] }))],
      ["libx.so.1", link("libx.so.1.2.3")],
      ["libx.so.1.2.3", file(forgeElf({ sonames: ["libx.so.1"], needed: ["libc.so.6"] }))],
    ];
    for (let count = 0; count < 40; count += 1) {
      libraries.push([`lib${count}.so.1`, file(forgeElf({ sonames: [`lib${count}.so.1`], padding: count * 20 }))]);
    }
    const directory = (children: [string, ForgedFile][]): ForgedFile => forgedDirectory(children, { layout: "plain" });
    const root = directory([
      [
        "etc",
        directory([
          ["ld.so.cache", file(cache)],
          ["ld.so.conf", file("include ld.so.conf.d/*.conf\n/opt/lib\n")],
          ["ld.so.conf.d", directory([["a.conf", file("/usr/local/lib\n")]])],
          ["debian_version", file("12\n")],
        ]),
      ],
      ["lib", link("usr/lib")],
      ["lib64", link("/usr/lib/x86_64-linux-gnu")],
      ["opt", directory([["lib", link("../usr/lib/x86_64-linux-gnu")]])],
      ["usr", directory([["lib", directory([["x86_64-linux-gnu", directory(libraries)]])]])],
    ]);
    return forgeErofs({ root, blockBits }).bytes;
  });
}

/** A sound image, changed in a few places: in what looks like metadata mostly, and with a right checksum mostly. */
export function changedImage(images: readonly Uint8Array[], random: SeededRandom): Uint8Array {
  const bytes = random.pick(images).slice();
  const view = new DataView(bytes.buffer);
  for (let count = random.between(1, 8); count > 0; count -= 1) {
    const at = random.weighted([
      [1, random.between(1024, 1024 + 127)],
      [5, random.between(1152, Math.min(bytes.length - 9, 12_000))],
      [3, random.between(0, bytes.length - 9)],
    ]);
    const wild = random.pick([
      0,
      1,
      2,
      0x7f,
      0x80,
      0xff,
      0x7fff,
      0xffff,
      0x10000,
      0x7fff_ffff,
      0xffff_ffff,
      random.word(),
    ]);
    const kind = random.between(0, 6);
    if (kind < 2) view.setUint8(at, wild & 0xff);
    else if (kind === 2) view.setUint16(at & ~1, wild & 0xffff, true);
    else if (kind === 3) view.setUint32(at & ~3, wild, true);
    else if (kind === 4) view.setUint32(at & ~3, (view.getUint32(at & ~3, true) + random.between(-40, 40)) >>> 0, true);
    // An inode or an entry in the place of another one.
    else if (kind === 5) bytes.copyWithin(at & ~31, random.between(36, 400) * 32, random.between(36, 400) * 32 + 64);
    else bytes.copyWithin(at & ~3, random.between(0, bytes.length - 13) & ~3, bytes.length - 12);
  }
  if (random.chance(0.05)) return bytes.subarray(0, random.between(0, bytes.length));
  const bits = bytes[1036] ?? 0;
  const canBeSigned = bits >= 9 && bits <= 16 && bytes.length >= 2 ** bits + 1024;
  if (canBeSigned && random.chance(0.9)) signErofs(bytes);
  return bytes;
}
