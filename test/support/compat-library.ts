/** Libraries as the CUDA forward compatibility package brings them: a libcuda with a note that names the drivers it is for. */
import { forgeElf, type ForgedElf } from "./elf-forge.ts";

export const noteOwner = "NVIDIA Corporation";
export const noteSection = ".note.cuda.fwd_compatibility";

/** One section to be appended to a file: what is already in it, or bytes of its own. */
export interface ForgedSection {
  readonly name: string;
  readonly type: number;
  readonly bytes: Uint8Array;
  readonly align?: number;
  /** Wild values that replace the right ones. */
  readonly offset?: number;
  readonly size?: number;
}

const SHT_STRTAB = 3;
export const SHT_NOTE = 7;
export const SHT_PROGBITS = 1;

/** The note as it is in a file, its owner's name and its text padded to `align` bytes. */
export function noteBytes(text: string | Uint8Array, { align = 4, owner = noteOwner, little = true } = {}): Uint8Array {
  const payload = Buffer.from(text);
  const name = Buffer.from(`${owner}\0`);
  const start = Math.ceil((12 + name.length) / align) * align;
  const bytes = Buffer.alloc(Math.ceil((start + payload.length) / align) * align);
  [name.length, payload.length, 1].forEach((value, index) =>
    little ? bytes.writeUInt32LE(value, 4 * index) : bytes.writeUInt32BE(value, 4 * index),
  );
  name.copy(bytes, 12);
  payload.copy(bytes, start);
  return bytes;
}

/** A file with a table of sections at its end: the null section, the given ones, and that of their names. */
export function withSections(file: Uint8Array, sections: readonly ForgedSection[]): Uint8Array {
  const wide = file[4] === 2;
  const little = file[5] === 1;
  const names = Buffer.from(`\0${sections.map(({ name }) => `${name}\0`).join("")}.shstrtab\0`);
  const all: readonly ForgedSection[] = [...sections, { name: ".shstrtab", type: SHT_STRTAB, bytes: names, align: 1 }];
  const chunks: Buffer[] = [Buffer.from(file)];
  let end = file.length;
  const place = (bytes: Uint8Array, align: number): number => {
    const at = Math.ceil(end / align) * align;
    chunks.push(Buffer.alloc(at - end), Buffer.from(bytes));
    end = at + bytes.length;
    return at;
  };
  const size = wide ? 64 : 40;
  const table = Buffer.alloc(size * (all.length + 1));
  const put = (at: number, value: number, bytes: 2 | 4 | 8): void => {
    if (bytes === 2) void (little ? table.writeUInt16LE(value, at) : table.writeUInt16BE(value, at));
    else if (bytes === 4) void (little ? table.writeUInt32LE(value, at) : table.writeUInt32BE(value, at));
    else void (little ? table.writeBigUInt64LE(BigInt(value), at) : table.writeBigUInt64BE(BigInt(value), at));
  };
  let nameAt = 1;
  for (const [index, section] of all.entries()) {
    const align = section.align ?? 4;
    const offset = place(section.bytes, align);
    const at = size * (index + 1);
    put(at, nameAt, 4);
    put(at + 4, section.type, 4);
    put(at + (wide ? 24 : 16), section.offset ?? offset, wide ? 8 : 4);
    put(at + (wide ? 32 : 20), section.size ?? section.bytes.length, wide ? 8 : 4);
    put(at + (wide ? 48 : 32), align, wide ? 8 : 4);
    nameAt += section.name.length + 1;
  }
  const tableAt = place(table, 8);
  const made = Buffer.concat(chunks);
  const view = new DataView(made.buffer, made.byteOffset, made.length);
  if (wide) view.setBigUint64(40, BigInt(tableAt), little);
  else view.setUint32(32, tableAt, little);
  view.setUint16(wide ? 58 : 46, size, little);
  view.setUint16(wide ? 60 : 48, all.length + 1, little);
  view.setUint16(wide ? 62 : 50, all.length, little);
  return made;
}

/** A compatibility library whose note has this text; without one when it is undefined. It has section headers, as NVIDIA's. */
export function compatLibrary(note: string | undefined, elf: ForgedElf = {}): Uint8Array {
  const file = forgeElf({ sonames: ["libcuda.so.1"], ...elf });
  const sections = note === undefined ? [] : [{ name: noteSection, type: SHT_NOTE, bytes: noteBytes(note) }];
  return withSections(file, sections);
}

/** The same without section headers: its note is in a segment only. */
export function strippedCompatLibrary(note: string): Uint8Array {
  return forgeElf({
    sonames: ["libcuda.so.1"],
    notes: [{ name: noteOwner, type: 1, description: new Uint8Array(Buffer.from(note)) }],
  });
}

/** The text of a note for these drivers. */
export function noteFor(drivers: readonly number[], cuda = "13.1"): string {
  return JSON.stringify({ Format: 1, "CUDA Version": cuda, Driver: drivers, Device: [1, 2, 7, 8, 9] });
}
