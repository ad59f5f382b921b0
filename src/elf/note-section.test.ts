import * as fc from "fast-check";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  noteBytes,
  noteOwner,
  noteSection,
  SHT_NOTE,
  SHT_PROGBITS,
  strippedCompatLibrary,
  withSections,
  type ForgedSection,
} from "../../test/support/compat-library.ts";
import { program } from "../../test/support/debian-root.ts";
import { forgeElf, MACHINE, type ForgedElf } from "../../test/support/elf-forge.ts";
import { MemorySource } from "../../test/support/memory-source.ts";
import { scratchDirectory } from "../../test/support/scratch.ts";
import { readNoteSection, type Note } from "./note-section.ts";

const text = '{"CUDA Version":"13.1","Driver":[535,590]}';

function read(file: Uint8Array): Note | undefined {
  return readNoteSection(new MemorySource(file), noteSection, noteOwner);
}

function readSections(sections: readonly ForgedSection[], elf: ForgedElf = {}): Note | undefined {
  return read(withSections(forgeElf(elf), sections));
}

const note = (bytes: Uint8Array, more: Partial<ForgedSection> = {}): ForgedSection => ({
  name: noteSection,
  type: SHT_NOTE,
  bytes,
  ...more,
});

const kinds: readonly [string, ForgedElf][] = [
  ["64-bit", {}],
  ["32-bit", { bits: 32, machine: MACHINE.EM_386 }],
  ["64-bit, big endian", { bigEndian: true }],
  ["32-bit, big endian", { bits: 32, bigEndian: true, machine: MACHINE.EM_PPC64 }],
];

describe.each(kinds)("%s", (_, elf) => {
  const little = elf.bigEndian !== true;

  test.each([4, 8])("in its section, padded to %d", (align) => {
    const gnu = noteBytes("0123456789abcdefghij", { owner: "GNU", align, little });
    const bytes = Buffer.concat([gnu, noteBytes(text, { align, little })]);
    expect(readSections([note(bytes, { align })], elf)).toEqual({ description: text });
  });

  test("in a segment, where there are no section headers", () => {
    const notes = [
      { name: "GNU", type: 3, description: new Uint8Array(20) },
      { name: noteOwner, type: 1, description: new Uint8Array(Buffer.from(text)) },
    ];
    expect(read(forgeElf({ ...elf, notes }))).toEqual({ description: text });
    expect(read(forgeElf({ ...elf, notes, noteAlignment: 8 }))).toEqual({ description: text });
  });
});

describe("paddings that tools have made", () => {
  const file = (from: number, size = text.length): Uint8Array => {
    const bytes = Buffer.alloc(from + text.length);
    bytes.writeUInt32LE(noteOwner.length + 1, 0);
    bytes.writeUInt32LE(size, 4);
    bytes.write(noteOwner, 12, "latin1");
    bytes.write(text, from, "latin1");
    return bytes;
  };
  test.each([31, 32, 36])("a text at byte %d", (from) => {
    expect(readSections([note(file(from), { align: 8 })])).toEqual({ description: text });
  });

  test("a size that counts the padding, behind the end of the section", () => {
    expect(readSections([note(file(32, text.length + 6))])).toEqual({ description: text });
  });
});

describe("no note is", () => {
  test("a section of another name, or of another type", () => {
    expect(readSections([note(noteBytes(text), { name: ".note.other" })])).toBeUndefined();
    expect(readSections([note(noteBytes(text), { name: `${noteSection}.more` })])).toBeUndefined();
    expect(readSections([note(noteBytes(text), { type: SHT_PROGBITS })])).toBeUndefined();
  });

  test("one of another owner, or without a text", () => {
    expect(readSections([note(noteBytes(text, { owner: "GNU" }))])).toBeUndefined();
    expect(readSections([note(noteBytes(""))])).toBeUndefined();
  });

  test("whatever else a file may be", () => {
    const elf = forgeElf();
    for (const bytes of [
      new Uint8Array(0),
      elf.subarray(0, 63),
      Buffer.from("#!/bin/sh\n".repeat(20)),
      new Uint8Array(500),
    ])
      expect(read(bytes)).toBeUndefined();
    expect(read(forgeElf({ classByte: 3 }))).toBeUndefined();
    expect(read(forgeElf({ dataByte: 0 }))).toBeUndefined();
    expect(read(elf)).toBeUndefined();
  });
});

describe("bounds", () => {
  test("a note of 4 GiB is broken, and not read", () => {
    const bytes = Buffer.from(noteBytes(text));
    bytes.writeUInt32LE(0xffffffff, 4);
    const source = new MemorySource(withSections(forgeElf(), [note(bytes, { size: 2 ** 32 })]), 2 ** 33);
    expect(readNoteSection(source, noteSection, noteOwner)).toEqual({ broken: "of 4294967295 bytes" });
    expect(source.bytesRead).toBeLessThan(80 << 10);
  });

  test("a million notes before it hide it", () => {
    const padding = Buffer.concat(Array.from({ length: 5000 }, () => noteBytes("x", { owner: "GNU" })));
    expect(readSections([note(Buffer.concat([padding, noteBytes(text)]))])).toBeUndefined();
  });

  test("tables that say they have 4 billion headers, or are elsewhere", () => {
    const file = Buffer.from(withSections(forgeElf(), [note(noteBytes(text))]));
    const table = Number(file.readBigUInt64LE(40));
    file.writeUInt16LE(0, 60);
    file.writeBigUInt64LE(2n ** 62n, table + 32);
    expect(read(file)).toEqual({ description: text });
    for (const at of [1n, 2n ** 40n, 2n ** 63n, 2n ** 64n - 1n]) {
      file.writeBigUInt64LE(at, 40);
      expect(read(file)).toBeUndefined();
    }
    const stripped = Buffer.from(strippedCompatLibrary(text));
    stripped.writeUInt16LE(0xfffe, 56);
    expect(read(stripped)).toEqual({ description: text });
  });

  test("any bytes in the place of any others end in an answer", () => {
    const files = [withSections(forgeElf(), [note(noteBytes(text))]), strippedCompatLibrary(text)];
    const patch = fc.tuple(fc.constantFrom(...files), fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }))));
    fc.assert(
      fc.property(patch, ([file, changes]) => {
        const changed = Buffer.from(file);
        for (const [at, value] of changes) changed[at % changed.length] = value;
        const source = new MemorySource(changed);
        readNoteSection(source, noteSection, noteOwner);
        expect(source.reads).toBeLessThan(10_000);
      }),
      { numRuns: 500 },
    );
  });
});

test("what a compiler and a linker make", (context) => {
  if (program("gcc") === undefined) context.skip("needs gcc");
  const directory = scratchDirectory();
  const library = join(directory, "libcuda.so.590.44.01");
  writeFileSync(
    join(directory, "note.s"),
    [
      `.section ${noteSection},"a",${process.arch === "arm64" ? "%" : "@"}note`,
      ".balign 4",
      ".long 2f-1f, 4f-3f, 1",
      `1: .asciz "${noteOwner}"`,
      "2: .balign 4",
      `3: .ascii ${JSON.stringify(text)}`,
      "4: .balign 4",
      "",
    ].join("\n"),
  );
  execFileSync("gcc", ["-shared", "-nostdlib", "-o", library, join(directory, "note.s")]);
  expect(read(readFileSync(library))).toEqual({ description: text });
});
