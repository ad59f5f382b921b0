/**
 * Images by mkfs.erofs with its options, and forged ones, as the kernel's mount shows them and as the reader has them: every
 * name, type, mode, owner, size, number, time, target and byte. Where the kernel has no EROFS, or nothing may be mounted,
 * fsck.erofs extracts the images instead.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Erofs } from "../../src/erofs/erofs.ts";
import { program } from "../support/debian-root.ts";
import { forgedDirectory, forgeErofs, type ForgedFile } from "../support/erofs-forge.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { differences, ImageFile, makeMixedTree, makeRandomTree, type Tree, treeOf, treeOfImage } from "./erofs-tree.ts";

const unavailable =
  process.getuid?.() !== 0
    ? "needs root (owners, devices, mounts)"
    : program("mkfs.erofs") === undefined
      ? "needs mkfs.erofs (erofs-utils)"
      : program("setfattr") === undefined
        ? "needs setfattr (attr)"
        : undefined;

let scratch = "";
/** Whether the kernel mounts EROFS images here. */
let mounts = false;

function run(command: string, ...args: string[]): { ok: boolean; output: string } {
  const done = spawnSync(command, args, { encoding: "latin1", maxBuffer: 64 << 20 });
  return { ok: done.status === 0, output: `${done.stdout}${done.stderr}` };
}

/** Shows what `use` makes of the directory at which the kernel mounts an image; undefined when it does not. */
function mounted<T>(image: string, use: (place: string) => T): T | undefined {
  const place = mkdtempSync(join(scratch, "mount-"));
  if (!run("mount", "-o", "loop,ro", "-t", "erofs", image, place).ok) return undefined;
  try {
    return use(place);
  } finally {
    run("umount", place);
  }
}

beforeAll(() => {
  if (unavailable !== undefined) return;
  scratch = mkdtempSync(join(tmpdir(), "cdi-hook-erofs-"));
  makeMixedTree(join(scratch, "mixed"));
  mkdirSync(join(scratch, "small"));
  mounts = run("mkfs.erofs", join(scratch, "small.img"), join(scratch, "small")).ok;
  mounts = mounted(join(scratch, "small.img"), () => true) === true;
  if (!mounts) console.log("the kernel mounts no EROFS image here: fsck.erofs extracts them instead");
});
afterAll(() => {
  if (scratch !== "") rmSync(scratch, { recursive: true, force: true });
});

/** The tree of an image by another program than ours. */
function realTree(image: string): Tree {
  const shown = mounts ? mounted(image, (place) => treeOf(place, true)) : undefined;
  if (shown !== undefined) return shown;
  const place = mkdtempSync(join(scratch, "extracted-"));
  const extracted = run("fsck.erofs", `--extract=${place}`, "--overwrite", "--preserve", image);
  if (!extracted.ok) throw new Error(extracted.output);
  const tree = treeOf(place, false);
  rmSync(place, { recursive: true });
  return tree;
}

const options: readonly (readonly string[])[] = [
  [],
  ["-Enoinline_data"],
  ["-Eforce-inode-compact", "-T1234567890", "--force-uid=65535", "--force-gid=65535"],
  ["-Eforce-inode-extended"],
  ["-Eforce-inode-extended,noinline_data"],
  ["-Eforce-inode-compact,noinline_data", "-T0", "--all-root"],
  ["--chunksize=4096"],
  ["--chunksize=8192", "-Eforce-inode-extended"],
  ["--chunksize=65536"],
  ["--chunksize=1048576"],
  ["--chunksize=4096", "-Eforce-chunk-indexes"],
  ["--chunksize=16384", "-Eforce-chunk-indexes"],
  ["--chunksize=4096", "-Eforce-inode-blockmap"],
  ["--chunksize=65536", "-Eforce-inode-blockmap,noinline_data"],
  ["--chunksize=4096", "-Eforce-inode-compact,force-chunk-indexes", "-T1", "--all-root"],
  ["-x-1"],
  ["-x1"],
  ["-x-1", "-Eforce-inode-compact", "-T2000000000", "--all-root"],
  ["-T4294967295"],
  ["--all-root"],
  ["--force-uid=123", "--force-gid=70000"],
  ["--ignore-mtime"],
  ["--preserve-mtime"],
  ["-Enosbcrc"],
  ["-Elegacy-compress", "-U12345678-1234-1234-1234-123456789abc"],
];

const cases = options.flatMap((one, index) => [
  { name: `${one.join(" ") || "no option"}, the mixed tree`, one, treeFor: () => join(scratch, "mixed") },
  {
    name: `${one.join(" ") || "no option"}, a tree by chance`,
    one,
    treeFor: () => {
      const tree = join(scratch, `tree-${index}`);
      makeRandomTree(tree, new SeededRandom(index + 1));
      return tree;
    },
  },
]);

/** Makes an image of a tree. */
function makeImage(tree: string, ...one: readonly string[]): string {
  const image = join(scratch, "image");
  rmSync(image, { force: true });
  const made = run("mkfs.erofs", "--quiet", ...one, image, tree);
  if (!made.ok) throw new Error(made.output.slice(-500));
  return image;
}

test.for(cases)("mkfs.erofs: $name", ({ one, treeFor }, ctx) => {
  if (unavailable !== undefined) return ctx.skip(unavailable);
  const image = makeImage(treeFor(), ...one);
  using file = new ImageFile(image);
  const own = treeOfImage(Erofs.open(file), mounts);
  expect(own.size).toBeGreaterThan(5);
  expect(differences(realTree(image), own)).toEqual([]);
});

test.for([
  ["-zlz4"],
  ["-zlz4hc", "-C65536"],
  ["-zlz4", "-Eztailpacking"],
  ["-zlz4", "-Efragments"],
  ["-zlz4", "-Ededupe"],
])("compressed images are refused, at the latest where a compressed file is read: %s", (one, ctx) => {
  if (unavailable !== undefined) return ctx.skip(unavailable);
  using file = new ImageFile(makeImage(join(scratch, "mixed"), ...one));
  expect(() => treeOfImage(Erofs.open(file), mounts)).toThrow(/^parse EROFS image: .*compressed/);
});

test("an image on two devices is refused", (ctx) => {
  if (unavailable !== undefined) return ctx.skip(unavailable);
  const blob = join(scratch, "blob");
  using file = new ImageFile(makeImage(join(scratch, "mixed"), "--chunksize=4096", `--blobdev=${blob}`));
  expect(() => Erofs.open(file)).toThrow("its data is on several devices");
});

const layouts = ["plain", "inline", "block map", "chunk indexes"] as const;

/** Files of each layout around the ends of blocks; chunks with holes among them. */
function forgedTree(blockSize: number, random: SeededRandom): ForgedFile {
  const files: [string, ForgedFile][] = [["n".repeat(255), { mode: 0o100000 }]];
  for (const layout of layouts) {
    for (const size of [0, 1, blockSize - 200, blockSize, 2 * blockSize + 5, 9 * blockSize - 300]) {
      const data = Buffer.alloc(size, random.word().toString(36));
      if (size > 4 * blockSize) data.fill(0, blockSize, 4 * blockSize);
      const attributes = random.chance(0.5) ? {} : { attributes: random.between(1, 20) };
      const extended = random.chance(0.5);
      const tooLong = layout === "inline" && size % blockSize === 0 && size > 0;
      files.push([
        `${layout}-${size}`,
        {
          mode: 0o100600,
          data,
          layout: tooLong ? "plain" : layout,
          extended,
          chunkBits: random.between(0, 2),
          ...attributes,
        },
      ]);
    }
    files.push([`link-${layout}`, { mode: 0o120777, data: Buffer.from(`/etc/${layout}`), layout }]);
    const names = Array.from({ length: 300 }, (_, index) => `name-${index}`);
    files.push([
      `dir-${layout}`,
      forgedDirectory(
        names.map((name) => [name, { mode: 0o100644 }]),
        { layout },
      ),
    ]);
  }
  return forgedDirectory(files);
}

test.for([9, 10, 11, 12])("forged images of every layout, blocks of 2^%s bytes", (blockBits, ctx) => {
  if (unavailable !== undefined) return ctx.skip(unavailable);
  if (!mounts) return ctx.skip("absent peer: the kernel mounts no EROFS image here");
  const root = forgedTree(2 ** blockBits, new SeededRandom(blockBits));
  const image = join(scratch, "image");
  writeFileSync(image, forgeErofs({ root, blockBits, metadataBlock: blockBits % 2 }).bytes);
  using file = new ImageFile(image);
  expect(differences(realTree(image), treeOfImage(Erofs.open(file), true))).toEqual([]);
});
