import { expect, test } from "vitest";
import { S_IFREG } from "./constants.ts";
import { Stat } from "./stat.ts";

/** As the kernel fills it: `struct statx` of linux/stat.h. */
function filled(inode: bigint, size: bigint, major: number, minor: number): Stat {
  const stat = new Stat();
  const view = new DataView(stat.buffer.buffer);
  view.setUint32(16, 3, true);
  view.setUint32(20, 1000, true);
  view.setUint32(24, 0xffffffff, true);
  view.setUint16(28, S_IFREG | 0o4751, true);
  view.setBigUint64(32, inode, true);
  view.setBigUint64(40, size, true);
  view.setUint32(136, major, true);
  view.setUint32(140, minor, true);
  return stat;
}

test("fields are read from their places", () => {
  const stat = filled(7n, 0x1_0000_0005n, 8, 1);
  expect([stat.type, stat.mode, stat.links, stat.uid, stat.gid]).toEqual([S_IFREG, 0o4751, 3, 1000, 0xffffffff]);
  expect(stat.size).toBe(0x1_0000_0005);
});

test("different inodes and devices have different identities, above 2^53 too", () => {
  const inodes = [0n, 1n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 64n - 1n, 2n ** 64n - 2n];
  const devices = [
    [0, 0],
    [0, 1],
    [1, 0],
    [8, 0xfffff],
    [259, 7],
    [0xfff, 0xfffff],
  ] as const;
  const identities = devices.flatMap(([major, minor]) =>
    inodes.map((inode) => filled(inode, 0n, major, minor).identity),
  );
  expect(new Set(identities).size).toBe(identities.length);
  expect(filled(5n, 1n, 8, 1).identity).toBe(filled(5n, 2n, 8, 1).identity);
});

test("the version differs when device, inode, size, mtime or ctime do, and the time of change is milliseconds", () => {
  const stat = filled(7n, 5n, 8, 1);
  const before = stat.version;
  const view = new DataView(stat.buffer.buffer);
  for (const [at, bytes] of [
    [32, 8],
    [40, 8],
    [96, 8],
    [104, 4],
    [112, 8],
    [120, 4],
    [136, 4],
    [140, 4],
  ] as const) {
    for (const byte of [at, at + bytes - 1]) {
      view.setUint8(byte, view.getUint8(byte) + 1);
      expect(stat.version, `byte ${byte}`).not.toBe(before);
      view.setUint8(byte, view.getUint8(byte) - 1);
    }
  }
  const { content } = stat;
  view.setUint8(64, 1); // atime
  expect(stat.version).toBe(before);
  view.setUint8(96, 1); // ctime
  expect(stat.content).toBe(content);
  view.setBigUint64(96, 1_700_000_000n, true);
  view.setUint32(104, 250_000_000, true);
  expect(stat.changed).toBe(1_700_000_000_250);
});
