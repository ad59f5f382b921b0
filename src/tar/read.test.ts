import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, linkSync, writeFileSync, openSync, writeSync, closeSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { program } from "../../test/support/debian-root.ts";
import { MemorySource } from "../../test/support/memory-source.ts";
import { scratchDirectory } from "../../test/support/scratch.ts";
import { forgedMember, forgedTar, paxRecords, type ForgedMember } from "../../test/support/tar-forge.ts";
import type { ByteSource } from "../bytes/source.ts";
import { FormatError } from "../errors.ts";
import type { Member } from "./member.ts";
import { isTar, readTar } from "./read.ts";

const membersOf = (bytes: Uint8Array): Member[] => [...readTar(new MemorySource(bytes))];
const forged = (...members: readonly ForgedMember[]): Member[] => membersOf(forgedTar(members));

function contentOf(archive: Uint8Array, { size, pieces }: Member): string {
  const bytes = Buffer.alloc(size);
  for (const { at, offset, length } of pieces) bytes.set(archive.subarray(offset, offset + length), at);
  return bytes.toString("latin1");
}

/** Where the reader refuses an archive. */
function refusal(bytes: Uint8Array): string {
  try {
    membersOf(bytes);
  } catch (error) {
    return error instanceof FormatError ? `${error.field} at ${error.offset}` : String(error);
  }
  return "nothing";
}

const longName = `${"a".repeat(120)}/${"b".repeat(130)}`;

describe.each(["v7", "ustar", "gnu", "oldgnu", "posix"])("GNU tar's format %s", (format) => {
  function archive(options: readonly string[], make: (folder: string) => void): Buffer {
    const folder = scratchDirectory();
    make(folder);
    const path = join(scratchDirectory(), "made.tar");
    execFileSync("tar", ["-C", folder, `--format=${format}`, "--sort=name", ...options, "-cf", path, "."]);
    return readFileSync(path);
  }

  test("files, folders and links are read as they are", (ctx) => {
    if (program("tar") === undefined) return ctx.skip("needs tar");
    const bytes = archive(["--mtime=@1700000000", "--owner=1000", "--group=50"], (folder) => {
      mkdirSync(join(folder, "etc"), { mode: 0o750 });
      writeFileSync(join(folder, "etc/file"), "content of it");
      linkSync(join(folder, "etc/file"), join(folder, "etc/hard"));
      symlinkSync("../target", join(folder, "etc/link"));
      writeFileSync(Buffer.from(`${folder}/etc/\xff\xe9`, "latin1"), "");
    });
    const members = membersOf(bytes);
    const facts = members.map(({ type, name, linkName, size }) => [type, name, linkName, size]);
    expect(facts).toEqual([
      ["directory", "./", "", 0],
      ["directory", "./etc/", "", 0],
      ["file", "./etc/file", "", 13],
      ["hard link", "./etc/hard", "./etc/file", 0],
      ["symbolic link", "./etc/link", "../target", 0],
      ["file", "./etc/\xff\xe9", "", 0],
    ]);
    expect(members[1]).toMatchObject({ mode: 0o750, uid: 1000, gid: 50, mtime: 1_700_000_000 });
    expect(members.slice(2, 3).map((member) => contentOf(bytes, member))).toEqual(["content of it"]);
    expect(members.at(-1)?.end).toBeLessThan(bytes.length);
  });

  test("long names and targets", (ctx) => {
    if (format === "v7" || format === "ustar") return;
    if (program("tar") === undefined) return ctx.skip("needs tar");
    const bytes = archive([], (folder) => {
      mkdirSync(join(folder, "a".repeat(120)));
      writeFileSync(join(folder, longName), "x");
      symlinkSync(`/${longName}`, join(folder, "link"));
    });
    const members = membersOf(bytes);
    expect(members.map(({ name }) => name)).toContain(`./${longName}`);
    expect(members.find(({ type }) => type === "symbolic link")?.linkName).toBe(`/${longName}`);
  });

  test("a sparse file", (ctx) => {
    if (format === "v7" || format === "ustar") return;
    if (program("tar") === undefined) return ctx.skip("needs tar");
    const content = Buffer.alloc(900_000);
    const bytes = archive(["-S", "--hole-detection=raw"], (folder) => {
      const file = openSync(join(folder, "sparse"), "w");
      for (let at = 0; at < 30; at += 1) {
        content.write(`piece ${at}`, at * 30_000 + 700);
        writeSync(file, `piece ${at}`, at * 30_000 + 700);
      }
      content.write("end", 899_997);
      writeSync(file, "end", 899_997);
      closeSync(file);
      writeFileSync(join(folder, "tail"), "plain");
    });
    const members = membersOf(bytes);
    const sparse = members.find(({ name }) => name === "./sparse");
    expect(sparse?.pieces.length).toBeGreaterThan(20);
    expect(sparse !== undefined && contentOf(bytes, sparse) === content.toString("latin1")).toBe(true);
    expect(members.at(-1)?.name).toBe("./tail");
    expect(bytes.length).toBeLessThan(300_000);
  });
});

describe("forged archives", () => {
  test("ustar's prefix stands before the name", () => {
    expect(forged({ name: "b", raw: { 345: "some/folder" } })[0]?.name).toBe("some/folder/b");
    expect(forged({ name: "b", raw: { 257: "ustar  \0", 345: "times" } })[0]?.name).toBe("b");
  });

  test("numbers in base 256", () => {
    const [member] = forged({ name: "a", raw: { 108: "\x80\0\0\0\x80\0\0\x01", 136: `\xff${"\xff".repeat(11)}` } });
    expect([member?.uid, member?.mtime]).toEqual([2 ** 31 + 1, -1]);
  });

  test("pax records count more than the header, and an empty one not at all", () => {
    const pax = {
      path: "\xe4\xff/long",
      uid: "3000000000",
      mtime: "1.5",
      linkpath: "target",
      gid: "",
      comment: "=\n=",
    };
    const [member] = forged({ name: "short", type: "2", pax });
    expect(member).toMatchObject({ name: "\xe4\xff/long", uid: 3e9, gid: 0, mtime: 1.5, linkName: "target" });
  });

  test("a size in a pax record is the one that counts", () => {
    const bytes = forgedTar([{ name: "a", content: "12345", size: 0, pax: { size: "5" } }, { name: "b" }]);
    const members = membersOf(bytes);
    expect(members.map(({ name, size }) => [name, size])).toEqual([
      ["a", 5],
      ["b", 0],
    ]);
  });

  test("a global header is a default", () => {
    const global = { name: "g", type: "g", content: paxRecords({ uid: "7", comment: "x" }) };
    const members = forged(global, { name: "a", uid: 1 }, { name: "b", pax: { uid: "8" } });
    expect(members.map(({ uid }) => uid)).toEqual([7, 8]);
  });

  test("a file whose name ends in a slash is a folder, as in v7", () => {
    expect(forged({ name: "a/" })[0]?.type).toBe("directory");
    expect(forged({ name: "a/", raw: { 156: "\0", 257: "\0".repeat(8) } })[0]?.type).toBe("directory");
  });

  test("what follows a link's header is the next header, whatever size it tells, as for Go's reader", () => {
    expect(forged({ name: "a", type: "1", linkName: "b", size: 4096 }, { name: "c" })).toHaveLength(2);
  });

  test("a checksum of signed bytes", () => {
    const name = "\xff\xfe";
    const header = forgedMember({ name });
    const signed = header.subarray(0, 512).reduce((total, byte, at) => {
      return total + (at >= 148 && at < 156 ? 0x20 : byte > 127 ? byte - 256 : byte);
    }, 0);
    const checksum = `${signed.toString(8).padStart(6, "0")}\0 `;
    expect(forged({ name, checksum })[0]?.name).toBe(name);
  });

  test("an archive may end without its blocks of zeros, with one, or with any number", () => {
    const member = forgedMember({ name: "a", content: "x" });
    for (const blocks of [0, 1, 2, 20]) {
      expect(membersOf(Buffer.concat([member, Buffer.alloc(512 * blocks)]))).toHaveLength(1);
    }
    expect(membersOf(member.subarray(0, 513))).toHaveLength(1);
    expect(membersOf(Buffer.alloc(0))).toEqual([]);
  });

  test("GNU's volume labels are passed over", () => {
    expect(forged({ name: "label", type: "V" }, { name: "a" }).map(({ name }) => name)).toEqual(["a"]);
  });
});

const sparse10 = (map: string, pax: Readonly<Record<string, string>> = {}): Buffer =>
  forgedTar([
    {
      name: "a",
      content: map.padEnd(512, "\0"),
      pax: { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "1000", ...pax },
    },
  ]);

describe("what is malformed is refused, with its place", () => {
  const cases: readonly (readonly [string, Uint8Array, string])[] = [
    ["no header", Buffer.alloc(512, "x"), "checksum at 148"],
    ["a wrong checksum", forgedTar([{ name: "a" }, { name: "b", checksum: "0000001\0" }]), "checksum at 660"],
    ["cut within a header", forgedMember({ name: "a" }).subarray(0, 300), "header at 0"],
    [
      "cut within the content",
      forgedMember({ name: "a", content: "x".repeat(2000) }).subarray(0, 1000),
      "content at 512",
    ],
    ["a size beyond the end", forgedTar([{ name: "a", size: 8 ** 11 - 1 }]), "content at 512"],
    ["a size of 2^63", forgedTar([{ name: "a", raw: { 124: "\x80\0\0\0\x80\0\0\0\0\0\0\0" } }]), "size at 124"],
    ["a negative size", forgedTar([{ name: "a", raw: { 124: "\xff".repeat(12) } }]), "size at 124"],
    ["letters for a number", forgedTar([{ name: "a", raw: { 108: "nobody" } }]), "uid at 108"],
    ["a negative owner", forgedTar([{ name: "a", raw: { 108: `${"\xff".repeat(7)}\xfb` } }]), "uid at 0"],
    ["an owner of 2^40", forgedTar([{ name: "a", raw: { 116: "\x80\0\x01\0\0\0\0\0" } }]), "gid at 0"],
    ["an owner who is nobody", forgedTar([{ name: "a", pax: { uid: String(2 ** 32 - 1) } }]), "uid at 1024"],
    [
      "a sparse file of negative size",
      forgedTar([{ name: "a", type: "S", raw: { 257: "ustar  \0", 483: `${"\xff".repeat(11)}\xfb` } }]),
      "real size at 483",
    ],
    ["an unknown type", forgedTar([{ name: "a", type: "Q" }]), "type at 0"],
    ["one block of zeros between", Buffer.concat([Buffer.alloc(512), forgedTar([{ name: "a" }])]), "header at 0"],
    ["an extended header and no member", forgedTar([{ name: "p", type: "x", content: "6 a=b\n" }]), "header at 1024"],
    ["a long name and no member", forgedTar([{ name: "p", type: "L", content: "n" }]), "header at 1024"],
    ["an extended header at the end", forgedMember({ name: "p", type: "x", content: "6 a=b\n" }), "header at 1024"],
    ["an extension of 1 GiB", forgedTar([{ name: "p", type: "x", size: 2 ** 30 }]), "size at 124"],
    ["a record that is too long", forgedTar([{ name: "p", type: "x", content: "99 a=b\n" }]), "extended header at 512"],
    ["a record of length 0", forgedTar([{ name: "p", type: "x", content: "0 a=b\n" }]), "extended header at 512"],
    ["a record of length 1", forgedTar([{ name: "p", type: "x", content: "1 a=b\n" }]), "extended header at 512"],
    ["no length of a record", forgedTar([{ name: "p", type: "x", content: "a=b\n" }]), "extended header at 512"],
    ["a record without =", forgedTar([{ name: "p", type: "x", content: "4 a\n" }]), "extended header at 512"],
    ["a record without an end", forgedTar([{ name: "p", type: "x", content: "6 a=bc" }]), "extended header at 512"],
    [
      "a path for all",
      forgedTar([{ name: "p", type: "g", content: paxRecords({ path: "x" }) }]),
      "global header at 512",
    ],
    ["a number that is none", forgedTar([{ name: "a", pax: { size: "1e3" } }]), "size at 0"],
    ["a name of 5,000 bytes", forgedTar([{ name: "a", pax: { path: "n".repeat(5000) } }]), "name at 5632"],
    ["a NUL in a name", forgedTar([{ name: "a", pax: { path: "n\0m" } }]), "name at 1024"],
    [
      "a sparse file of version 0.1",
      forgedTar([{ name: "a", pax: { "GNU.sparse.map": "0,1" } }]),
      "extended header at 0",
    ],
    ["a sparse map that does not end", sparse10("1\n0\n"), "sparse map at 2048"],
    ["a sparse map of a million pieces", sparse10("1000000\n"), "sparse map at 1536"],
    ["sparse pieces that overlap", sparse10("2\n0\n10\n5\n10\n"), "sparse map at 1536"],
    ["a sparse piece beyond the file", sparse10("1\n999\n2\n"), "sparse map at 1536"],
    ["a sparse piece without its bytes", sparse10("1\n0\n500\n"), "sparse map at 1024"],
    ["a sparse map of letters", sparse10("x\n"), "sparse map at 1536"],
  ];
  test.each(cases)("%s", (_, bytes, place) => {
    expect(refusal(bytes)).toBe(place);
  });
});

test("a hundred thousand records for all members are no burden of each", () => {
  const records = paxRecords(Object.fromEntries(Array.from({ length: 60_000 }, (_, at) => [`k${at}`, "v"])));
  const members = Array.from({ length: 1000 }, () => ({ name: "a", content: "x", pax: { comment: "x" } }));
  const bytes = forgedTar([{ name: "p", type: "g", content: records }, ...members]);
  const before = performance.now();
  expect(membersOf(bytes)).toHaveLength(1000);
  expect(performance.now() - before).toBeLessThan(2000);
});

test("an archive is told from whatever else", () => {
  expect(isTar(new MemorySource(forgedTar([{ name: "a" }])))).toBe(true);
  expect(isTar(new MemorySource(Buffer.alloc(1024)))).toBe(true);
  expect(isTar(new MemorySource(Buffer.from("PK\x03\x04".padEnd(600))))).toBe(false);
  expect(isTar(new MemorySource(Buffer.alloc(100)))).toBe(false);
});

test("the source is read forwards, no byte twice, and contents are passed over", () => {
  const bytes = forgedTar([
    ...Array.from({ length: 200 }, (_, at) => ({
      name: `small${at}`,
      content: "x".repeat(100),
      pax: { comment: "c".repeat(at) },
    })),
    { name: "large", content: new Uint8Array(5_000_000) },
    { name: "last", pax: { comment: "c".repeat(900_000) } },
  ]);
  let end = 0;
  let read = 0;
  const inner = new MemorySource(bytes);
  const source: ByteSource = {
    size: bytes.length,
    read: () => new Uint8Array(0),
    readInto: (into, offset) => {
      if (offset < end) throw new Error(`${offset} is before ${end}`);
      const length = inner.readInto(into, offset);
      end = offset + length;
      read += length;
      return length;
    },
  };
  expect([...readTar(source)]).toHaveLength(202);
  expect(read).toBeLessThan(bytes.length - 4_900_000);
});
