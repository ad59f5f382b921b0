import { describe, expect, test } from "vitest";
import { abiNote, forgeElf, type ForgedElf } from "../../test/support/elf-forge.ts";
import { abiNoteVersion, OUT_OF_BYTES } from "./notes.ts";
import { isaLevel } from "./properties.ts";
import { i386, library, on, read, rules17, rules35, rules36, soname } from "../../test/support/library-rules.ts";

describe("case 52: the ABI note", () => {
  const noted = (more: ForgedElf = {}): ForgedElf => ({ ...library, notes: [abiNote(0, 3, 2, 0)], ...more });
  const buildId = { name: "GNU", type: 3, description: new Uint8Array(20) };

  test("counts until 2.35", () => {
    expect(read(noted(), rules35)).toMatchObject({ osVersion: 0x30200 });
    expect(read(noted(), rules17)).toMatchObject({ osVersion: 0x30200 });
    expect(read(noted(), rules36)).toMatchObject({ osVersion: 0 });
  });

  test("behind other notes", () => {
    const notes = [buildId, { name: "Xen\0and more", type: 1, description: new Uint8Array(16) }, abiNote(3, 12, 1, 7)];
    expect(read(noted({ notes }), rules35)).toMatchObject({ osVersion: 0x030c_0107 });
    expect(read(noted({ notes }), rules17)).toMatchObject({ osVersion: 0x030c_0107 });
  });

  test("numbers above a byte are cut", () => {
    expect(read(noted({ notes: [abiNote(0x1ff, 0x103, 0x102, 0x1ff)] }), rules35)).toMatchObject({
      osVersion: 0xff0302ff,
    });
  });

  test("notes that are aligned to 8 are understood since 2.27, other alignments no longer", () => {
    const notes = [{ ...buildId, description: new Uint8Array(17) }, abiNote(0, 3, 2, 0)];
    expect(read(noted({ notes, noteAlignment: 8 }), rules35)).toMatchObject({ osVersion: 0x30200 });
    expect(read(noted({ notes, noteAlignment: 8 }), rules17)).toMatchObject({ osVersion: 0 });
    expect(read(noted({ noteAlignment: 16 }), rules35)).toMatchObject({ osVersion: 0 });
    expect(read(noted({ noteAlignment: 16 }), rules17)).toMatchObject({ osVersion: 0x30200 });
    expect(read(noted({ noteAlignment: 2 }), rules17)).toMatchObject({ osVersion: 0 });
  });

  test("big endian", () => {
    const notes = [buildId, abiNote(0, 3, 2, 0, false)];
    expect(read(noted({ notes, bigEndian: true }), on("s390x", rules35))).toMatchObject({ osVersion: 0x30200 });
  });

  test("a note that is longer than its segment ends the search", () => {
    const bytes = forgeElf(noted({ notes: [buildId, abiNote(0, 3, 2, 0)] }));
    const view = new DataView(bytes.buffer);
    const note = Buffer.from(bytes).indexOf("\x04\0\0\0\x14\0\0\0", "latin1");
    view.setUint32(note, 0xffff_fff0, true);
    expect(read(bytes, rules35)).toMatchObject({ soname, osVersion: 0 });
  });
});

test("a note of 2^32 bytes ends the search: it does not begin anew", () => {
  for (const [sizes, padding] of [
    [[0xffff_fff4, 0], 4],
    [[4, 0xffff_fff0], 4],
    [[0xffff_fff0, 0], 8],
  ] as const) {
    const words = new Uint32Array([...sizes, 5, 0x00554e47, 0, 0, 0, 0, 0, 0]);
    for (const separate of [false, true])
      expect([0, OUT_OF_BYTES]).toContain(abiNoteVersion(words, 2 ** 63, padding, separate, false));
    expect(isaLevel(words, 2 ** 63, padding, false)).toBe(OUT_OF_BYTES);
  }
});

describe("case 35: the ISA level", () => {
  test.each([
    [0x0, 0],
    [0x1, 0],
    [0x2, 1],
    [0x5, 2],
    [0x8, 3],
    [0x8000_0000, 31],
  ])("%i needs level %i", (isaNeeded, isa) => {
    expect(read({ ...library, isaNeeded })).toMatchObject({ isa });
    expect(read({ ...i386, isaNeeded })).toMatchObject({ isa });
  });

  test("is for x86, since 2.33, and for segments of the right alignment", () => {
    const elf: ForgedElf = { ...library, isaNeeded: 0x5 };
    expect(read(elf, { ...rules36, isa: false })).toMatchObject({ isa: 0 });
    expect(read(elf, on("aarch64"))).toMatchObject({ isa: 0 });
    expect(read({ ...elf, propertyAlignment: 4 })).toMatchObject({ isa: 0 });
    expect(read({ ...i386, isaNeeded: 0x5, propertyAlignment: 8 })).toMatchObject({ isa: 0 });
  });

  test("properties before it must ascend", () => {
    const bytes = forgeElf({ ...library, isaNeeded: 0x5 });
    const note = Buffer.from(bytes).indexOf("\x02\x80\0\xc0", "latin1");
    const view = new DataView(bytes.buffer);
    view.setUint32(note, 0xc000_0002, true);
    expect(read(bytes)).toMatchObject({ isa: 0 });
    view.setUint32(note, 0xc000_8003, true);
    expect(read(bytes)).toMatchObject({ isa: 0 });
    view.setUint32(note, 0xc000_8002, true);
    view.setUint32(note + 4, 400, true);
    expect(read(bytes)).toMatchObject({ soname, isa: 0 });
  });
});
