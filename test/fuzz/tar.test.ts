/** Archives and layers that are made up and then changed: they are read or refused, in bounded work, and never a crash. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { HookError } from "../../src/errors.ts";
import { Tree } from "../../src/image/tree.ts";
import { VirtualRoot } from "../../src/rootfs/virtual-root.ts";
import { readTar } from "../../src/tar/read.ts";
import { forgeElf } from "../support/elf-forge.ts";
import { MemorySource } from "../support/memory-source.ts";
import { forgedTar, type ForgedMember } from "../support/tar-forge.ts";
import { Jail, whyNoJail } from "./jail.ts";
import { mutate, mutation } from "./mutation.ts";
import { seed, settings, timeout } from "./settings.ts";

const unavailable = whyNoJail();
let jail: Jail;

beforeAll(() => {
  if (unavailable === undefined) jail = new Jail();
});
afterAll(() => jail?.remove());

const folders = ["", "usr/", "usr/lib/", "lib/", "etc/", "/", "../", "a/../", "usr/lib/glibc-hwcaps/x86-64-v3/"];
const bases = ["libx.so.1", "liby.so", "ld.so.conf", "ld.so.cache", "lib", "usr", "etc", ".", "..", "", "x/", "\xff\n"];
const whiteouts = [".wh.libx.so.1", ".wh.usr", ".wh..wh..opq", ".wh.", ".wh..", ".wh...", ".wh..wh.plnk"];
const path = fc
  .tuple(fc.constantFrom(...folders), fc.constantFrom(...folders), fc.constantFrom(...bases, ...whiteouts))
  .map((parts) => parts.join(""));
const tamePath = fc
  .tuple(
    fc.constantFrom(...folders),
    fc.constantFrom("libx.so.1", "liby.so", "ld.so.conf", ".wh.libx.so.1", ".wh..wh..opq"),
  )
  .map((parts) => parts.join(""));
const number = fc.oneof(fc.nat(1000), fc.constantFrom(0, 1, 511, 512, 513, 2 ** 31, 2 ** 33 - 1, 8 ** 11 - 1));
const wildText = fc.oneof(
  fc.constantFrom("", "0", "-1", "1", "1e9", "1.5", "99999999999999999999", "\0", "x".repeat(5000), "../../x"),
  path,
);

const member: fc.Arbitrary<ForgedMember> = fc.record(
  {
    name: path,
    type: fc.constantFrom(
      "0",
      "\0",
      "1",
      "1",
      "2",
      "2",
      "3",
      "5",
      "5",
      "6",
      "7",
      "S",
      "D",
      "L",
      "K",
      "g",
      "V",
      "x",
      "Z",
    ),
    linkName: path,
    content: fc.oneof(
      fc.constantFrom("", "/usr/lib\n", "include *\n", "1\n0\n10\n".padEnd(600, "\0"), "13 path=usr/x\n", "6 a=b\n"),
      fc.constantFrom(forgeElf({ sonames: ["libx.so.1"] }), forgeElf({ sonames: [".wh.x"] }), forgeElf({})),
    ),
    mode: fc.nat(0o7777),
    size: number,
    pax: fc.dictionary(
      fc.constantFrom(
        "path",
        "linkpath",
        "size",
        "uid",
        "mtime",
        "hdrcharset",
        "GNU.sparse.major",
        "GNU.sparse.minor",
        "GNU.sparse.realsize",
        "GNU.sparse.name",
        "GNU.sparse.map",
        "SCHILY.xattr.user.x",
        "__proto__",
      ),
      wildText,
      { maxKeys: 4 },
    ),
  },
  { requiredKeys: ["name"] },
);
/** Mostly what a reader goes on with: another size, another type or a pax header would end most archives early. */
const tame = fc.record(
  {
    name: tamePath,
    type: fc.constantFrom("0", "0", "0", "2", "5"),
    linkName: fc.oneof(tamePath, path),
    content: fc.constantFrom("", "x", forgeElf({ sonames: ["libx.so.1"] })),
  },
  { requiredKeys: ["name"] },
);

/** An archive, changed in places, with checksums that fit again more often than not. */
const archive = fc
  .tuple(
    fc.array(fc.oneof({ weight: 12, arbitrary: tame }, { weight: 1, arbitrary: member }), { maxLength: 12 }),
    fc.array(mutation, { maxLength: 3 }),
    fc.integer({ min: 0, max: 9 }),
  )
  .map(([members, mutations, luck]) => {
    const bytes = mutate(forgedTar(members), luck < 6 ? [] : mutations);
    return luck === 9 ? bytes : withChecksums(bytes);
  });

/** Whatever looks like a header gets the checksum that it should have. */
function withChecksums(bytes: Uint8Array): Uint8Array {
  const fixed = Buffer.from(bytes);
  for (let at = 0; at + 512 <= fixed.length; at += 512) {
    if (fixed.toString("latin1", at + 257, at + 262) !== "ustar") continue;
    const sum = fixed
      .subarray(at, at + 512)
      .reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 0x20 : byte), 0);
    fixed.write(`${sum.toString(8).padStart(6, "0")}\0 `, at + 148, "latin1");
  }
  return fixed;
}

const MOST_READ = 4 << 20;

test(
  "layers, by the reader",
  () => {
    console.log(`fuzz: seed ${seed}`);
    let read = 0;
    let refused = 0;
    const property = fc.property(fc.array(archive, { minLength: 1, maxLength: 3 }), fc.boolean(), (layers, whited) => {
      const tree = new Tree();
      const sources = layers.map((bytes) => new MemorySource(bytes));
      try {
        for (const source of sources) tree.addLayer(readTar(source), source, whited);
        read += 1;
      } catch (error) {
        if (!(error instanceof HookError) || !/at byte \d+|deeper than|more than/.test(error.message)) throw error;
        refused += 1;
      }
      using root = new VirtualRoot("image", tree.root);
      for (const name of ["/etc/ld.so.conf", "/usr/lib/libx.so.1", "/lib/libx.so.1", "/x", "/usr/../lib/.."]) {
        root.stat(name);
        root.read(name, 1 << 20);
        root.directory(name);
      }
      for (const source of sources) expect(source.bytesRead).toBeLessThan(MOST_READ);
    });
    fc.assert(property, settings(1000));
    expect(read, "many are read").toBeGreaterThan(100);
    expect(refused, "many are refused").toBeGreaterThan(100);
  },
  timeout,
);

test(
  "archives, as the root of a command",
  (ctx) => {
    if (unavailable !== undefined) return ctx.skip(unavailable);
    console.log(`fuzz: seed ${seed}`);
    let worked = 0;
    const commands = [
      ["rebuild", "--glibc", "2.36", "--distro", "debian", "--to", "/root/out.tar", "--root", "/root/in.tar"],
      ["rebuild", "--in-place", "--root", "/root/in.tar"],
      ["print", "--root", "/root/in.tar"],
    ];
    const property = fc.property(archive, fc.constantFrom(...commands), (bytes, words) => {
      jail.clear();
      writeFileSync(join(jail.root, "in.tar"), bytes);
      const result = jail.run(["ldcache", ...words]);
      expect(jail.faultsOf(result)).toEqual([]);
      if (result.status !== 0 || words[0] !== "rebuild") return;
      worked += 1;
      const written = readFileSync(join(jail.root, words.includes("--to") ? "out.tar" : "in.tar"));
      expect([...readTar(new MemorySource(written))].length, "what is written is an archive").toBeGreaterThan(0);
    });
    fc.assert(property, settings(120));
    expect(worked, "some get a cache").toBeGreaterThan(5);
  },
  timeout,
);
