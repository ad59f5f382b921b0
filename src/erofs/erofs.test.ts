import { describe, expect, test } from "vitest";
import {
  forgedDirectory,
  forgeErofs,
  type ForgedFile,
  type ForgedImage,
  signErofs,
} from "../../test/support/erofs-forge.ts";
import { MemorySource } from "../../test/support/memory-source.ts";
import { toText } from "../bytes/text.ts";
import { FormatError } from "../errors.ts";
import { Erofs, type Inode } from "./erofs.ts";

const FILE = 0o100644;
const LINK = 0o120777;

function text(value: string): Uint8Array {
  return new Uint8Array(Buffer.from(value, "latin1"));
}

function pattern(length: number, seed = 7): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (at * seed + (at >> 8)) & 0xff || 1);
}

function open(image: ForgedImage): Erofs {
  return Erofs.open(new MemorySource(forgeErofs(image).bytes));
}

/** All of a file, in pieces that do not fit the blocks. */
function contents(erofs: Erofs, file: Inode, piece = 1000): Uint8Array {
  const data = erofs.data(file);
  const all = new Uint8Array(data.size);
  for (let at = 0; at < data.size;) at += data.readInto(all.subarray(at, at + piece), at);
  return all;
}

function child(erofs: Erofs, name: string, directory: Inode = erofs.root): Inode {
  const found = erofs.lookUp(directory, name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

describe.each([9, 10, 12, 14, 16])("blocks of 2^%i bytes", (blockBits) => {
  const blockSize = 2 ** blockBits;
  const sizes = [0, 1, 31, blockSize - 65, blockSize - 1, blockSize, blockSize + 1, 3 * blockSize, 3 * blockSize + 17];

  test.each(["plain", "inline", "block map", "chunk indexes"] as const)("files: %s", (layout) => {
    const files = sizes.flatMap((size, index) =>
      [false, true].map((extended): [string, ForgedFile] => [
        `${size}-${extended}`,
        // A longer tail does not fit behind an inode, if it is not in the next block altogether.
        {
          mode: FILE,
          data: pattern(
            layout === "inline" && size > 0 && (size - 1) % blockSize >= blockSize - 128 ? size - 128 : size,
            index * 2 + 1,
          ),
          layout,
          extended,
          chunkBits: index % 3,
          ...(index % 2 === 0 ? {} : { attributes: 1 + index }),
        },
      ]),
    );
    const erofs = open({ root: forgedDirectory(files), blockBits, metadataBlock: blockBits % 2 });
    expect(erofs.blockSize).toBe(blockSize);
    for (const [name, file] of files) {
      expect(Buffer.compare(contents(erofs, child(erofs, name)), file.data ?? new Uint8Array(0)), name).toBe(0);
    }
  });

  test("a directory of 5,000 names", () => {
    const file: ForgedFile = { mode: FILE, data: text("x"), layout: "inline" };
    const names = Array.from({ length: 5_000 }, (_, index) => `lib${(index * 7919) % 5_000}.so.\xff`);
    const big = forgedDirectory(names.map((name) => [name, file]));
    const erofs = open({ root: forgedDirectory([["big", big]], { layout: "inline" }), blockBits });
    const directory = child(erofs, "big");
    expect(erofs.list(directory).entries.map(({ name }) => name)).toEqual(names.toSorted());
    expect(erofs.list(directory, 10).entries.length).toBeLessThanOrEqual(10);
    for (const name of names.slice(0, 200)) expect(erofs.lookUp(directory, name)?.size).toBe(1);
    for (const name of ["", "a", "lib", "lib1.so.\xfe", "lib999.so.\xff0", "z", "\xff"]) {
      expect(erofs.lookUp(directory, name)).toBeUndefined();
    }
  });
});

describe("inodes", () => {
  test("what a compact and an extended one can hold", () => {
    const erofs = open({
      root: forgedDirectory([
        ["compact", { mode: 0o104711, uid: 65_535, gid: 1000, links: 3, data: text("abc"), layout: "inline" }],
        [
          "extended",
          { mode: 0o100600, uid: 0xffff_fffe, gid: 70_000, links: 70_000, mtime: 5_000_000_000, extended: true },
        ],
        ["device", { mode: 0o020666, device: ((195 << 8) | 0xff | (0x12 << 20)) >>> 0 }],
        ["fifo", { mode: 0o010644 }],
        ["socket", { mode: 0o140755 }],
        ["disk", { mode: 0o060660, device: 8 << 8 }],
      ]),
      buildTime: 1_700_000_000,
    });
    expect(child(erofs, "compact")).toMatchObject({
      type: 0o100000,
      mode: 0o4711,
      uid: 65_535,
      gid: 1000,
      links: 3,
      size: 3,
      mtime: 1_700_000_000,
      device: undefined,
    });
    expect(child(erofs, "extended")).toMatchObject({
      mode: 0o600,
      uid: 0xffff_fffe,
      gid: 70_000,
      links: 70_000,
      mtime: 5_000_000_000,
    });
    expect(child(erofs, "device").device).toEqual({ major: 195, minor: 0x12ff });
    expect(child(erofs, "disk").device).toEqual({ major: 8, minor: 0 });
    expect(erofs.list(erofs.root).entries.map(({ name, type }) => [name, type])).toEqual([
      ["compact", 8],
      ["device", 2],
      ["disk", 6],
      ["extended", 8],
      ["fifo", 1],
      ["socket", 12],
    ]);
  });

  test("links, fast and slow", () => {
    const long = "x/".repeat(2047);
    const erofs = open({
      root: forgedDirectory([
        ["fast", { mode: LINK, data: text("libcuda.so.1"), layout: "inline" }],
        ["slow", { mode: LINK, data: text(long), layout: "plain" }],
        ["chunks", { mode: LINK, data: text("\xe9/a"), layout: "block map" }],
        ["zero", { mode: LINK, data: text("a\0b"), layout: "inline" }],
      ]),
    });
    expect(erofs.target(child(erofs, "fast"))).toBe("libcuda.so.1");
    expect(erofs.target(child(erofs, "slow"))).toBe(long);
    expect(erofs.target(child(erofs, "chunks"))).toBe("\xe9/a");
    expect(erofs.target(child(erofs, "zero")), "as in Linux, a zero byte ends it").toBe("a");
  });

  test("holes", () => {
    const sparse = new Uint8Array(40_000);
    sparse.set(pattern(5000), 20_000);
    const erofs = open({
      root: forgedDirectory([
        ["map", { mode: FILE, data: sparse, layout: "block map" }],
        ["indexes", { mode: FILE, data: sparse, layout: "chunk indexes", chunkBits: 1 }],
        ["nothing", { mode: FILE, data: new Uint8Array(9000), layout: "plain", wild: { block: 0xffff_ffff } }],
      ]),
    });
    expect(contents(erofs, child(erofs, "map"))).toEqual(sparse);
    expect(contents(erofs, child(erofs, "indexes"), 7)).toEqual(sparse);
    expect(contents(erofs, child(erofs, "nothing"))).toEqual(new Uint8Array(9000));
  });

  test("reading at and behind the end", () => {
    const data = forgedDirectory([["a", { mode: FILE, data: text("0123456789"), layout: "inline" }]]);
    const erofs = open({ root: data });
    const file = erofs.data(child(erofs, "a"));
    expect(toText(file.read(7, 100))).toBe("789");
    expect(file.read(10, 5).length).toBe(0);
    expect(file.read(2 ** 50, 5).length).toBe(0);
  });
});

/** What is said when `use` meets the image. */
function complaint(bytes: Uint8Array, use: (erofs: Erofs) => unknown = () => undefined): string {
  try {
    use(Erofs.open(new MemorySource(bytes)));
  } catch (error) {
    if (error instanceof FormatError) return error.message;
    throw error;
  }
  return "";
}

function forged(children: readonly (readonly [string, ForgedFile])[], more: Partial<ForgedImage> = {}): Uint8Array {
  return forgeErofs({ root: forgedDirectory(children), ...more }).bytes;
}

describe("hostile images", () => {
  const onlyChild = (erofs: Erofs): Inode => child(erofs, "a");
  const read = (erofs: Erofs): unknown => contents(erofs, onlyChild(erofs));

  test.each<[string, ForgedFile, string]>([
    ["compressed data", { mode: FILE, data: text("x"), wild: { format: 2 } }, "is compressed, which is not read"],
    ["compressed data, compact", { mode: FILE, data: text("x"), wild: { format: 6 } }, "is compressed"],
    ["a layout of tomorrow", { mode: FILE, wild: { format: 10 } }, "0xa is not known"],
    ["bits of tomorrow", { mode: FILE, wild: { format: 0x10 } }, "0x10 is not known"],
    ["no type", { mode: 0o644 }, "0o644 is no type of a file"],
    ["an unknown type", { mode: 0o170644 }, "is no type of a file"],
    ["a size of 2^63", { mode: FILE, extended: true, wild: { size: 2n ** 63n } }, "is beyond 2^53"],
    ["blocks far away", { mode: FILE, data: text("x"), wild: { block: 0xffff_fffe } }, "needs 1 bytes, there are 0"],
    ["more bytes than there are", { mode: FILE, extended: true, data: text("x"), wild: { size: 100_000n } }, "needs"],
    ["a chunk format of tomorrow", { mode: FILE, layout: "block map", wild: { block: 0x40 } }, "0x40 is not known"],
    [
      "chunks beyond the image",
      { mode: FILE, layout: "chunk indexes", data: text("x"), chunkBits: 20, wild: { size: 100_000n } },
      "needs 1000 bytes, there are",
    ],
    [
      "a tail beyond its block",
      { mode: FILE, layout: "inline", data: text("x"), wild: { size: 4090n } },
      "goes beyond the block of its inode",
    ],
    [
      "attributes beyond the image",
      { mode: FILE, layout: "inline", data: text("x"), wild: { attributes: 65_000 } },
      "needs 1",
    ],
  ])("a file with %s", (_, file, message) => {
    expect(complaint(forged([["a", file]]), read)).toContain(message);
  });

  test("a huge file of nothing costs nothing until it is read", () => {
    const file: ForgedFile = { mode: FILE, extended: true, wild: { size: 2n ** 53n - 1n, block: 0xffff_ffff } };
    const erofs = open({ root: forgedDirectory([["a", file]]) });
    const data = erofs.data(onlyChild(erofs));
    expect(data.size).toBe(2 ** 53 - 1);
    expect(data.read(2 ** 52, 2 ** 40).length).toBe(64 << 10);
  });

  test("a link that is longer than any path", () => {
    const bytes = forged([["a", { mode: LINK, data: pattern(4096) }]]);
    expect(complaint(bytes, (erofs) => erofs.target(onlyChild(erofs)))).toContain("a link of 4096 bytes");
    expect(complaint(bytes, (erofs) => erofs.target(erofs.root))).toContain("is no link");
    expect(complaint(bytes, (erofs) => erofs.list(onlyChild(erofs)).entries)).toContain("is no directory");
  });

  const listing = (data: Uint8Array, more: Partial<ForgedFile> = {}): string =>
    complaint(forged([["a", { mode: 0o040755, data, ...more }]]), (erofs) => erofs.list(onlyChild(erofs)).entries);
  const entries = (...names: string[]): Uint8Array => {
    const bytes = Buffer.alloc(names.length * 12);
    let at = bytes.length;
    for (const [index, name] of names.entries()) {
      bytes.writeUInt16LE(at, index * 12 + 8);
      at += name.length;
    }
    return new Uint8Array(Buffer.concat([bytes, Buffer.from(names.join(""), "latin1")]));
  };
  const patched = (bytes: Uint8Array, at: number, value: number): Uint8Array => bytes.with(at, value);

  test.each([
    ["fewer bytes than an entry has", text("short"), "names cannot begin at 0"],
    ["zeros", new Uint8Array(4096), "names cannot begin at 0"],
    ["names that begin at the end", patched(entries("a"), 8, 13), "names cannot begin at 13"],
    ["half an entry", patched(entries("a", "bcdefgh"), 8, 18), "names cannot begin at 18"],
    ["a slash", entries("a/b"), "a name has a slash or a zero byte in it"],
    ["a path upwards", entries("../../etc"), "a name has a slash"],
    ["a zero byte", entries("a\0b", "c"), "a name has a slash or a zero byte in it"],
    ["an empty name", entries("a", "", "c"), "a name cannot be at 37 to 37"],
    ["an empty last name", entries("a", "\0"), "a name cannot be at 25 to 25"],
    ["names in reverse", patched(entries("aa", "b", "c"), 20, 40), "a name cannot be at"],
    ["a name behind the end", patched(entries("a", "b"), 21, 0x10), "a name cannot be at"],
    ["a name within the entries", patched(entries("a", "b"), 20, 4), "a name cannot be at"],
    ["a name of 256 bytes", entries("n".repeat(256), "x"), "a name cannot be at 24 to 280"],
    ["a second block of zeros", new Uint8Array([...entries("a"), ...new Uint8Array(5000)]), "names cannot begin at 0"],
  ])("a directory with %s", (_, data, message) => {
    expect(listing(data)).toContain(message);
  });

  test("a directory that is a hole", () => {
    expect(listing(new Uint8Array(8192), { layout: "block map" })).toContain("names cannot begin at 0");
  });

  test("names in no order, names twice, dots twice: each is listed once", () => {
    const erofs = open({
      root: {
        mode: 0o040755,
        entries: ["c", ".", "a", "c", "..", ".", "b", "a"].map((name) => [name, { mode: FILE }]),
      },
    });
    expect(erofs.list(erofs.root).entries.map(({ name }) => name)).toEqual(["c", "a", "b"]);
    expect(erofs.list(erofs.root).inOrder).toBe(false);
    expect(erofs.lookUp(erofs.root, "zz")).toBeUndefined();
  });

  test("names in no order: what is found is what is listed", () => {
    const names = Array.from({ length: 3_000 }, (_, index) => `n${(index * 7919) % 3_000}`);
    const erofs = open({
      root: { mode: 0o040755, entries: names.map((name) => [name, { mode: FILE }]) },
      blockBits: 9,
    });
    const listed = new Map(erofs.list(erofs.root).entries.map(({ name, nid }) => [name, nid]));
    expect(listed.size).toBe(3_000);
    expect(erofs.list(erofs.root, 2).inOrder, "n0, n1919").toBe(true);
    const found = names.map((name) => erofs.lookUp(erofs.root, name)?.nid);
    expect(found.filter((nid, index) => nid !== undefined && nid !== listed.get(names[index] ?? ""))).toEqual([]);
  });

  test("many names, one after the other: a block is not read for each of them", () => {
    const names = Array.from({ length: 6000 }, (_, index) => `n${String(index).padStart(20, "0")}`);
    const root: ForgedFile = { mode: 0o040755, entries: names.map((name) => [name, { mode: FILE }]) };
    const source = new MemorySource(forgeErofs({ root, blockBits: 16 }).bytes);
    const erofs = Erofs.open(source);
    const before = source.bytesRead;
    for (const name of names) expect(erofs.lookUp(erofs.root, name)).toBeDefined();
    expect(source.bytesRead - before).toBeLessThan(2 * source.size);
  });

  test("a table of chunks beyond the image", () => {
    const file: ForgedFile = { mode: FILE, extended: true, layout: "block map", wild: { size: 2n ** 50n } };
    const data = open({ root: forgedDirectory([["a", file]]) });
    expect(complaintOf(() => data.data(onlyChild(data)).read(2 ** 49, 1))).toContain("chunks of inode");
  });

  test("a directory that holds itself", () => {
    const entry: [string, ForgedFile] = ["again", { mode: FILE }];
    const directory: ForgedFile = { mode: 0o040755, entries: [entry] };
    entry[1] = directory;
    const erofs = open({ root: forgedDirectory([["loop", directory]]) });
    let at = child(erofs, "loop");
    for (let depth = 0; depth < 100; depth += 1) at = child(erofs, "again", at);
    expect(at.nid).toBe(child(erofs, "loop").nid);
  });

  test("a directory of one block, twenty thousand times: a listing ends", () => {
    const names = Array.from({ length: 100 }, (_, index) => `lib${index}.so`);
    const small = forgedDirectory(names.map((name) => [name, { mode: FILE }]));
    const huge: ForgedFile = {
      mode: 0o040755,
      extended: true,
      layout: "block map",
      data: new Uint8Array(20_000 * 4096),
    };
    const root = forgedDirectory([
      ["huge", huge],
      ["small", small],
    ]);
    const { bytes, nids } = forgeErofs({ root });
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const block = view.getUint32((nids.get(small) ?? 0) * 32 + 16, true);
    const table = (nids.get(huge) ?? 0) * 32 + 64;
    for (let index = 0; index < 20_000; index += 1) {
      view.setUint32(table + index * 4, block, true);
    }
    signErofs(bytes);
    const erofs = Erofs.open(new MemorySource(bytes));
    const directory = child(erofs, "huge");
    const size = directory.size - 4096 + erofs.data(child(erofs, "small")).size;
    expect(erofs.list({ ...directory, size }).entries.map(({ name }) => name)).toEqual(names.toSorted());
  });

  test("an image that became shorter after it was opened", () => {
    const bytes = forged([["a", { mode: FILE, data: pattern(20_000) }]]);
    const erofs = Erofs.open(new MemorySource(bytes.subarray(0, 12_288), bytes.length));
    expect(complaintOf(() => contents(erofs, onlyChild(erofs)))).toContain("cannot be read");
  });
});

function complaintOf(use: () => unknown): string {
  try {
    use();
  } catch (error) {
    if (error instanceof FormatError) return error.message;
    throw error;
  }
  return "";
}
