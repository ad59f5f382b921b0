import { execFileSync } from "node:child_process";
import { lstatSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { program } from "../../test/support/debian-root.ts";
import { MemorySource } from "../../test/support/memory-source.ts";
import { scratchDirectory } from "../../test/support/scratch.ts";
import { readTar } from "./read.ts";
import { endOfArchive, memberBytes, type NewMember } from "./write.ts";

const values = { mode: 0o644, uid: 0, gid: 0, mtime: 1_700_000_000 };
const long = `${"n".repeat(98)}/${"m".repeat(200)}`;

const members: readonly NewMember[] = [
  { ...values, type: "directory", name: "etc", mode: 0o1755, uid: 12, gid: 34 },
  { ...values, type: "file", name: "etc/ld.so.cache", bytes: Buffer.from("x".repeat(513)) },
  { ...values, type: "file", name: "etc/empty" },
  { ...values, type: "symbolic link", name: "etc/link", mode: 0o777, linkName: "../lib/\xff" },
  { ...values, type: "directory", name: "n".repeat(98) },
  { ...values, type: "file", name: long, bytes: Buffer.from("long") },
  { ...values, type: "symbolic link", name: "far", mode: 0o777, linkName: `/${long}` },
  { ...values, type: "directory", name: "n".repeat(100), mode: 0o755 },
];
const archive = (list: readonly NewMember[]): Buffer =>
  Buffer.concat([...list.map((member) => memberBytes(member)), endOfArchive()]);

describe("an archive of ours", () => {
  test("is read as it was written", () => {
    const bytes = archive(members);
    const read = [...readTar(new MemorySource(bytes))].map((member) => {
      const [piece = { offset: 0, length: 0 }] = member.pieces;
      const content = bytes.subarray(piece.offset, piece.offset + piece.length).toString();
      const { type, name, linkName, mode, uid, gid, mtime } = member;
      return { type, name: name.replace(/\/$/, ""), linkName, mode, uid, gid, mtime, content };
    });
    expect(read).toEqual(
      members.map(({ bytes: content = Buffer.alloc(0), linkName = "", ...rest }) => ({
        ...rest,
        linkName,
        content: Buffer.from(content).toString(),
      })),
    );
  });

  test("numbers that do not fit are told by a pax header", () => {
    const large = { ...values, type: "file" as const, name: "a", uid: 3_000_000_000, gid: 2_097_152, mtime: 8 ** 11 };
    const [member] = readTar(new MemorySource(archive([large])));
    expect(member).toMatchObject({ uid: 3_000_000_000, gid: 2_097_152, mtime: 8 ** 11 });
  });

  test("is unpacked by tar without a warning", (ctx) => {
    if (program("tar") === undefined) return ctx.skip("needs tar");
    const folder = scratchDirectory();
    writeFileSync(join(folder, "made.tar"), archive(members));
    const told = execFileSync("tar", ["-C", folder, "--no-same-owner", "-xpf", join(folder, "made.tar")], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    expect(told.length).toBe(0);
    expect(readFileSync(join(folder, "etc/ld.so.cache"), "utf8")).toBe("x".repeat(513));
    expect(readFileSync(join(folder, long), "utf8")).toBe("long");
    expect(readlinkSync(join(folder, "far"))).toBe(`/${long}`);
    expect(readlinkSync(join(folder, "etc/link"), "latin1")).toBe("../lib/\xff");
    expect(lstatSync(join(folder, "etc")).mode & 0o7777).toBe(0o1755);
    expect(lstatSync(join(folder, "etc/empty")).mtimeMs).toBe(1_700_000_000_000);
  });
});
