import { describe, expect, test } from "vitest";
import { forgedDirectory, forgeErofs, signErofs } from "../../test/support/erofs-forge.ts";
import { MemorySource } from "../../test/support/memory-source.ts";
import { FormatError } from "../errors.ts";
import { Erofs, isErofs } from "./erofs.ts";

/** What is said of the image; nothing when it opens. */
function complaint(bytes: Uint8Array): string {
  try {
    Erofs.open(new MemorySource(bytes));
  } catch (error) {
    if (error instanceof FormatError) return error.message;
    throw error;
  }
  return "";
}

describe("superblocks", () => {
  const root = forgedDirectory([]);
  const sound = forgeErofs({ root }).bytes;
  const changed = (at: number, value: number, sign = true): Uint8Array => {
    const bytes = sound.slice();
    bytes[at] = value;
    if (sign) signErofs(bytes);
    return bytes;
  };

  test("are recognized by their magic number", () => {
    expect(isErofs(new MemorySource(sound))).toBe(true);
    expect(isErofs(new MemorySource(changed(1024, 0)))).toBe(false);
    expect(isErofs(new MemorySource(sound.subarray(0, 1100)))).toBe(false);
    expect(isErofs(new MemorySource(new Uint8Array(0)))).toBe(false);
    expect(isErofs(new MemorySource(new Uint8Array(10), 5000)), "shorter than it says").toBe(false);
  });

  test.each([
    ["no magic number", changed(1024, 0), "magic at byte 1024: this is no EROFS image"],
    ["cut short", sound.subarray(0, 1100), "superblock at byte 1024: needs 128 bytes, there are 76"],
    ["a changed byte", changed(1024 + 48, 1, false), "checksum at byte 1028: is 0x"],
    ["blocks of 256 bytes", changed(1036, 8), "blkszbits at byte 1036: is 8"],
    ["blocks of 128 KiB", changed(1036, 17, false), "blkszbits at byte 1036: is 17"],
    ["compressed", changed(1104, 2), "its data is compressed, which is not read"],
    ["compressed tails", changed(1104, 0x10), "its data is compressed (ztailpacking)"],
    ["fragments", changed(1104, 0x20), "its data is compressed (fragments)"],
    ["a table of devices", changed(1104, 8), "its data is on several devices, or compressed"],
    ["devices without their feature", changed(1110, 1), "its data is on 1 more devices"],
    ["addresses of 48 bits", changed(1104, 0x80), "it has block addresses of 48 bits"],
    ["a metabox", changed(1105, 1), "its metadata is compressed (metabox)"],
    ["a feature of tomorrow", changed(1107, 0x40), "unknown features 0x40000000"],
    ["the highest bit", changed(1107, 0x80), "unknown features 0x80000000"],
    ["blocks of directories", changed(1114, 1), "dirblkbits at byte 1114"],
    ["metadata far away", changed(1024 + 43, 0xff), "inode 36 at byte"],
    ["a root that is not there", changed(1039, 0xff), "inode 65316 at byte 2090112: needs 32 bytes, there are 0"],
  ])("%s", (_, bytes, message) => {
    expect(complaint(bytes)).toContain(message);
  });

  test("a root that is a file", () => {
    expect(complaint(forgeErofs({ root: { mode: 0o100644 } }).bytes)).toContain(
      "root inode at byte 0: is no directory",
    );
  });

  test("no checksum, and features that do not matter", () => {
    expect(complaint(forgeErofs({ root, checksum: false, incompatible: 0x45 }).bytes)).toBe("");
  });
});
