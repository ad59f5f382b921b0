import { describe, expect, test } from "vitest";
import { forgeElf, type ForgedElf } from "../../test/support/elf-forge.ts";
import {
  i386,
  library,
  on,
  read,
  rules17,
  rules35,
  rules36,
  rules37,
  rules42,
  soname,
} from "../../test/support/library-rules.ts";
import { MemorySource } from "../../test/support/memory-source.ts";
import { readLibrary } from "./library.ts";

describe("case 56: broken files", () => {
  const far = [1n << 20n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];

  test.each(["phoff", "stringTable", "sonameOffset", "neededOffset", "interpreterOffset"] as const)(
    "%s behind the end",
    (field) => {
      for (const value of far) {
        const elf: ForgedElf = { ...library, needed: ["a"], interpreter: "/lib/ld.so", wild: { [field]: value } };
        for (const rules of [rules17, rules36]) {
          const found = read(elf, rules);
          // The last of these lies within the file where it is added to another one.
          const wraps = value === 2n ** 64n - 1n && (field === "sonameOffset" || field === "neededOffset");
          expect("skip" in found ? found.skip : "read").toBe(wraps ? "read" : "truncated");
        }
      }
    },
  );

  test("the offset of the dynamic section counts modulo 2^32", () => {
    for (const dynamicOffset of [1n << 20n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 63n + 2n ** 31n]) {
      expect(read({ ...library, wild: { dynamicOffset } })).toEqual({ skip: "truncated" });
    }
    const bytes = forgeElf(library);
    const view = new DataView(bytes.buffer);
    view.setUint32(64 + 56 + 8 + 4, 0x1234, true);
    expect(read(bytes)).toMatchObject({ soname });
  });

  test("a 32-bit segment with a larger offset than address is beyond the reach of 64-bit pointers", () => {
    // The string table lies behind two program headers; its segment begins at byte 16, and at address 0.
    const bytes = forgeElf({ ...i386, wild: { stringTable: 52n + 2n * 32n - 16n } });
    new DataView(bytes.buffer).setUint32(52 + 4, 16, true);
    for (const machine of ["x86-64", "aarch64"] as const) {
      expect(read(bytes, on(machine))).toEqual({ skip: "truncated" });
      expect(read(bytes, on(machine, rules42))).toEqual({ skip: "truncated" });
    }
    for (const machine of ["i386", "x32", "armhf"] as const) expect(read(bytes, on(machine))).toMatchObject({ soname });
  });

  test("a property note may go on behind its segment", () => {
    for (const padding of [0, 5000]) {
      const bytes = forgeElf({ ...library, isaNeeded: 4, padding });
      new DataView(bytes.buffer).setBigUint64(64 + 56 + 32, 14n, true);
      expect(read(bytes)).toMatchObject({ soname, isa: 2 });
    }
  });

  test("a bad DT_NEEDED is fatal until 2.36, unless everything is known before it", () => {
    const elf: ForgedElf = { ...library, needed: ["libz.so.1"], wild: { neededOffset: 1n << 40n } };
    expect(read(elf)).toEqual({ skip: "truncated" });
    expect(read({ ...elf, neededLast: true })).toEqual({ skip: "truncated" });
    expect(read({ ...elf, neededLast: true, interpreter: "/lib64/ld-linux-x86-64.so.2" })).toMatchObject({ soname });
    expect(read(elf, rules37)).toMatchObject({ soname });
  });

  test("nothing in it", () => {
    expect(read({ ...library, noDynamic: true })).toEqual({ skip: "no-dynamic" });
    expect(read({ ...library, wild: { dynamicSize: 0n } })).toEqual({ skip: "no-dynamic" });
    expect(read({ ...library, wild: { phnum: 0 } })).toEqual({ skip: "no-dynamic" });
    expect(read({ ...library, noStringTable: true })).toEqual({ skip: "no-strings" });
    expect(read(forgeElf(library).subarray(0, 64))).toEqual({ skip: "truncated" });
  });

  test("more program headers than bytes", () => {
    expect(read({ ...library, wild: { phnum: 65_535 } })).toEqual({ skip: "truncated" });
  });

  test("as many program headers as Linux loads, and as there can be", () => {
    const headers = (phnum: number): Uint8Array => {
      const bytes = new Uint8Array(64 + phnum * 56);
      bytes.set(forgeElf({ ...library, wild: { phnum } }).subarray(0, 64));
      return bytes;
    };
    expect(read(headers(1170))).toEqual({ skip: "no-dynamic" });
    expect(read(headers(1171))).toEqual({ skip: "unreasonable" });
    expect(read(headers(65_535))).toEqual({ skip: "unreasonable" });
  });

  test("a thousand segments of notes: no more than 64 KiB of them are looked at", () => {
    const notes = Array.from({ length: 4000 }, () => ({ name: "GNU", type: 5, description: new Uint8Array(0) }));
    for (const forged of [{ notes }, { isaNeeded: 1 }] satisfies ForgedElf[]) {
      const one = forgeElf({ ...library, ...forged });
      const view = new DataView(one.buffer);
      const count = view.getUint16(56, true);
      const bytes = new Uint8Array(one.length + 1000 * 56 + (256 << 10));
      bytes.set(one);
      for (let at = 0; at < 1000; at += 1) {
        const from = 64 + (at < count ? at : 1) * 56;
        bytes.set(one.subarray(from, from + 56), one.length + at * 56);
      }
      const grown = new DataView(bytes.buffer);
      grown.setBigUint64(32, BigInt(one.length), true);
      grown.setUint16(56, 1000, true);
      for (let at = 0; at < 1000; at += 1) {
        const header = one.length + at * 56;
        const type = grown.getUint32(header, true);
        // All that is behind the headers is zero, which are notes of 12 bytes.
        if (type === 0x6474e553) {
          grown.setBigUint64(header + 8, BigInt(one.length + 1000 * 56), true);
          grown.setBigUint64(header + 32, 200_000n, true);
        }
      }
      const source = new MemorySource(bytes);
      expect(readLibrary(source, "notes" in forged ? rules35 : rules36)).toMatchObject({ soname });
      expect(source.bytesRead).toBeLessThan(200_000);
    }
  });

  test("a dynamic section without an end", () => {
    const bytes = forgeElf({ ...library, padding: 1 << 20 });
    const end = bytes.length - (1 << 20);
    // Tag and value 0x07070707…: nothing that is known.
    bytes.fill(7, end - 16);
    const source = new MemorySource(bytes);
    expect(readLibrary(source, rules36)).toEqual({ skip: "unreasonable" });
    expect(source.bytesRead).toBeLessThan(200_000);
    expect(read(bytes.subarray(0, Math.ceil(end / 4096) * 4096 + 4096), rules36)).toEqual({ skip: "outside" });
    // Since 2.37 nobody looks behind soname and string table.
    expect(read(bytes, rules42)).toMatchObject({ soname });
  });

  test("the last page reads as zero behind the end of the file, and ends names and dynamic sections", () => {
    const bytes = forgeElf(library);
    // Without DT_NULL.
    expect(read(bytes.subarray(0, bytes.length - 16))).toMatchObject({ soname });
    const name = forgeElf({ ...library, noLoad: true, wild: { stringTable: 0n, sonameOffset: 8190n } });
    const whole = new Uint8Array(8192).fill(0x61);
    whole.set(name);
    expect(read(whole.subarray(0, 8191))).toMatchObject({ soname: "a" });
    expect(read(whole.subarray(0, 8190))).toMatchObject({ soname: "" });
    expect(read(whole.subarray(0, 8189))).toEqual({ skip: "truncated" });
    // The file ends with its page: ldconfig would crash.
    expect(read(whole)).toEqual({ skip: "outside" });
  });

  test("a file that shrinks while it is read", () => {
    const bytes = forgeElf({ ...library, needed: ["libc.so.6"] });
    for (let length = 0; length < bytes.length; length += 1) {
      const found = readLibrary(new MemorySource(bytes.subarray(0, length), bytes.length + 5000), rules36);
      expect("skip" in found || found.soname === soname || found.soname === undefined || length > 200).toBe(true);
    }
  });
});
