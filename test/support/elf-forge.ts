/**
 * Forges small ELF files, right and wrong ones, for tests: whatever ldconfig looks at can be set, and whatever it checks
 * can be broken. Layout rules: System V gABI, chapters 4 and 5; notes: Linux gABI extensions; x86 psABI for the ISA property.
 */

/** ELF constants by the standards' names; only those that the tests use. */
export const MACHINE = {
  EM_386: 3,
  EM_MIPS: 8,
  EM_PPC64: 21,
  EM_S390: 22,
  EM_ARM: 40,
  EM_IA_64: 50,
  EM_X86_64: 62,
  EM_AARCH64: 183,
  EM_RISCV: 243,
  EM_LOONGARCH: 258,
} as const;
export const ET_REL = 1;
export const ET_EXEC = 2;
export const ET_DYN = 3;

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const PT_NOTE = 4;
const PT_GNU_PROPERTY = 0x6474e553;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const DT_SONAME = 14;
const DT_RPATH = 15;
const DT_RUNPATH = 29;
const DT_FLAGS_1 = 0x6ffffffb;
const DT_AUXILIARY = 0x7ffffffd;
const DT_FILTER = 0x7fffffff;
const NT_GNU_ABI_TAG = 1;
const NT_GNU_PROPERTY_TYPE_0 = 5;
const GNU_PROPERTY_X86_ISA_1_NEEDED = 0xc0008002;

/** An ELF note; `name` without its NUL. */
export interface ForgedNote {
  name: string;
  type: number;
  description: Uint8Array;
}

/** What to forge. Everything has a default: an empty object is a 64-bit little-endian x86-64 library without a soname. */
export interface ForgedElf {
  bits?: 32 | 64;
  bigEndian?: boolean;
  machine?: number;
  type?: number;
  /** e_flags */
  flags?: number;
  /** DT_SONAME strings, byte strings, in order; more than one is malformed but understood. */
  sonames?: readonly string[];
  /** DT_NEEDED strings, byte strings. */
  needed?: readonly string[];
  /** Puts the DT_NEEDED entries behind DT_SONAME. */
  neededLast?: boolean;
  /** DT_FILTER and DT_AUXILIARY strings, byte strings. */
  filter?: string;
  auxiliary?: string;
  /** DT_RPATH and DT_RUNPATH strings, byte strings. */
  rpath?: string;
  runpath?: string;
  /** DT_FLAGS_1 */
  flags1?: number;
  /** PT_INTERP's string. */
  interpreter?: string;
  /** One PT_NOTE segment with these notes. */
  notes?: readonly ForgedNote[];
  /** p_align and padding of the PT_NOTE segment, in bytes; 4 unless told. */
  noteAlignment?: number;
  /** NT_GNU_PROPERTY_TYPE_0 with x86's ISA_1_NEEDED bit mask, in a PT_GNU_PROPERTY segment. */
  isaNeeded?: number;
  /** p_align of PT_GNU_PROPERTY; the word size unless told. */
  propertyAlignment?: number;
  /** p_vaddr - p_offset of the PT_LOAD segment that holds the string table. */
  loadBias?: number;
  /** A first PT_LOAD segment of another bias, which holds no string table. */
  decoyBias?: number;
  /** Leaves out PT_LOAD. */
  noLoad?: boolean;
  /** Leaves out PT_DYNAMIC. */
  noDynamic?: boolean;
  /** Leaves out DT_STRTAB. */
  noStringTable?: boolean;
  /** Wild values that replace the right ones. */
  wild?: {
    phoff?: bigint;
    phnum?: number;
    dynamicOffset?: bigint;
    dynamicSize?: bigint;
    stringTable?: bigint;
    sonameOffset?: bigint;
    neededOffset?: bigint;
    interpreterOffset?: bigint;
  };
  /** EI_CLASS, when it shall differ from `bits`. */
  classByte?: number;
  /** EI_DATA, when it shall differ from the byte order used. */
  dataByte?: number;
  /** Bytes appended behind the last structure. */
  padding?: number;
  /** Cuts the file to this many bytes. */
  truncate?: number;
}

interface Segment {
  type: number;
  offset: bigint;
  vaddr: bigint;
  size: bigint;
  align: bigint;
}

/** The bytes of the ELF file. Throws RangeError when a byte string holds a character above 255. */
export function forgeElf(elf: ForgedElf = {}): Uint8Array {
  const wide = (elf.bits ?? 64) === 64;
  const little = elf.bigEndian !== true;
  const word = wide ? 8 : 4;
  const headerSize = wide ? 64 : 52;
  const segmentSize = wide ? 56 : 32;
  const loadBias = BigInt(elf.loadBias ?? 0);

  const planned: number[] = [];
  if (elf.decoyBias !== undefined) planned.push(PT_LOAD);
  if (elf.noLoad !== true) planned.push(PT_LOAD);
  if (elf.interpreter !== undefined) planned.push(PT_INTERP);
  if (elf.notes !== undefined) planned.push(PT_NOTE);
  if (elf.isaNeeded !== undefined) planned.push(PT_GNU_PROPERTY);
  if (elf.noDynamic !== true) planned.push(PT_DYNAMIC);

  const chunks: { at: number; bytes: Uint8Array }[] = [];
  let end = headerSize + planned.length * segmentSize;
  const place = (bytes: Uint8Array, align: number): number => {
    const at = Math.ceil(end / align) * align;
    chunks.push({ at, bytes });
    end = at + bytes.length;
    return at;
  };

  const strings = new StringSection();
  const needed = (elf.needed ?? []).map((name) => strings.add(name));
  const sonames = (elf.sonames ?? []).map((name) => strings.add(name));
  const paths = [
    [DT_FILTER, elf.filter],
    [DT_AUXILIARY, elf.auxiliary],
    [DT_RPATH, elf.rpath],
    [DT_RUNPATH, elf.runpath],
  ] as const;
  const pathEntries = paths.flatMap(([tag, path]): [number, bigint][] =>
    path === undefined ? [] : [[tag, BigInt(strings.add(path))]],
  );
  const stringsAt = place(strings.bytes(), 1);

  const interpreterAt = elf.interpreter === undefined ? 0 : place(byteString(`${elf.interpreter}\0`), 1);
  const noteAlignment = elf.noteAlignment ?? 4;
  const noteBytes = encodeNotes(elf.notes ?? [], noteAlignment, little);
  const notesAt = elf.notes === undefined ? 0 : place(noteBytes, noteAlignment);
  const propertyBytes = encodeNotes([isaProperty(elf.isaNeeded ?? 0, word, little)], word, little);
  const propertyAt = elf.isaNeeded === undefined ? 0 : place(propertyBytes, word);

  const neededEntries = needed.map((offset): [number, bigint] => [DT_NEEDED, elf.wild?.neededOffset ?? BigInt(offset)]);
  const sonameEntries = sonames.map((offset): [number, bigint] => [
    DT_SONAME,
    elf.wild?.sonameOffset ?? BigInt(offset),
  ]);
  const dynamic: [number, bigint][] = [
    ...(elf.neededLast === true ? [...sonameEntries, ...neededEntries] : [...neededEntries, ...sonameEntries]),
    ...pathEntries,
    ...(elf.flags1 === undefined ? [] : [[DT_FLAGS_1, BigInt(elf.flags1)] as [number, bigint]]),
    ...(elf.noStringTable === true
      ? []
      : [[DT_STRTAB, elf.wild?.stringTable ?? BigInt(stringsAt) + loadBias] as [number, bigint]]),
    [0, 0n],
  ];
  const dynamicBytes = new Uint8Array(dynamic.length * word * 2);
  const dynamicView = new DataView(dynamicBytes.buffer);
  dynamic.forEach(([tag, value], index) => {
    setWord(dynamicView, index * word * 2, BigInt(tag), wide, little);
    setWord(dynamicView, index * word * 2 + word, value, wide, little);
  });
  const dynamicAt = place(dynamicBytes, word);
  end += elf.padding ?? 0;

  const segments: Segment[] = [];
  const segment = (type: number, offset: bigint, size: bigint, bias: bigint, align: number): void => {
    segments.push({ type, offset, vaddr: offset + bias, size, align: BigInt(align) });
  };
  if (elf.decoyBias !== undefined) segment(PT_LOAD, 0n, BigInt(headerSize), BigInt(elf.decoyBias), 0x1000);
  if (elf.noLoad !== true) segment(PT_LOAD, 0n, BigInt(end), loadBias, 0x1000);
  if (elf.interpreter !== undefined)
    segment(
      PT_INTERP,
      elf.wild?.interpreterOffset ?? BigInt(interpreterAt),
      BigInt(elf.interpreter.length + 1),
      loadBias,
      1,
    );
  if (elf.notes !== undefined) segment(PT_NOTE, BigInt(notesAt), BigInt(noteBytes.length), loadBias, noteAlignment);
  if (elf.isaNeeded !== undefined)
    segment(PT_GNU_PROPERTY, BigInt(propertyAt), BigInt(propertyBytes.length), loadBias, elf.propertyAlignment ?? word);
  if (elf.noDynamic !== true)
    segment(
      PT_DYNAMIC,
      elf.wild?.dynamicOffset ?? BigInt(dynamicAt),
      elf.wild?.dynamicSize ?? BigInt(dynamicBytes.length),
      loadBias,
      word,
    );

  const file = new Uint8Array(end);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, elf.classByte ?? (wide ? 2 : 1), elf.dataByte ?? (little ? 1 : 2), 1]);
  view.setUint16(16, elf.type ?? ET_DYN, little);
  view.setUint16(18, elf.machine ?? MACHINE.EM_X86_64, little);
  view.setUint32(20, 1, little);
  setWord(view, 24 + word, elf.wild?.phoff ?? BigInt(headerSize), wide, little);
  const tail = 24 + 3 * word;
  view.setUint32(tail, elf.flags ?? 0, little);
  view.setUint16(tail + 4, headerSize, little);
  view.setUint16(tail + 6, segmentSize, little);
  view.setUint16(tail + 8, elf.wild?.phnum ?? segments.length, little);
  segments.forEach((item, index) => {
    const at = headerSize + index * segmentSize;
    view.setUint32(at, item.type, little);
    const fields = wide ? [8, 16, 24, 32, 40, 48] : [4, 8, 12, 16, 20, 28];
    const values = [item.offset, item.vaddr, item.vaddr, item.size, item.size, item.align];
    fields.forEach((field, which) => setWord(view, at + field, values[which] ?? 0n, wide, little));
  });
  for (const chunk of chunks) file.set(chunk.bytes, chunk.at);
  return elf.truncate === undefined ? file : file.subarray(0, elf.truncate);
}

/** The note that says which kernel a library wants: `.note.ABI-tag` (LSB core, section 8). */
export function abiNote(os: number, major: number, minor: number, patch: number, little = true): ForgedNote {
  const description = new Uint8Array(16);
  const view = new DataView(description.buffer);
  [os, major, minor, patch].forEach((value, index) => view.setUint32(index * 4, value, little));
  return { name: "GNU", type: NT_GNU_ABI_TAG, description };
}

function isaProperty(mask: number, word: number, little: boolean): ForgedNote {
  const description = new Uint8Array(Math.ceil(12 / word) * word);
  const view = new DataView(description.buffer);
  view.setUint32(0, GNU_PROPERTY_X86_ISA_1_NEEDED, little);
  view.setUint32(4, 4, little);
  view.setUint32(8, mask, little);
  return { name: "GNU", type: NT_GNU_PROPERTY_TYPE_0, description };
}

function encodeNotes(notes: readonly ForgedNote[], align: number, little: boolean): Uint8Array {
  const round = (length: number): number => Math.ceil(length / align) * align;
  const parts = notes.map((note) => {
    const nameEnd = round(12 + note.name.length + 1);
    const bytes = new Uint8Array(round(nameEnd + note.description.length));
    const view = new DataView(bytes.buffer);
    view.setUint32(0, note.name.length + 1, little);
    view.setUint32(4, note.description.length, little);
    view.setUint32(8, note.type, little);
    bytes.set(byteString(note.name), 12);
    bytes.set(note.description, nameEnd);
    return bytes;
  });
  return new Uint8Array(Buffer.concat(parts));
}

function setWord(view: DataView, at: number, value: bigint, wide: boolean, little: boolean): void {
  if (wide) view.setBigUint64(at, BigInt.asUintN(64, value), little);
  else view.setUint32(at, Number(BigInt.asUintN(32, value)), little);
}

function byteString(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => {
    const code = character.charCodeAt(0);
    if (code > 255) throw new RangeError(`not a byte: ${JSON.stringify(character)}`);
    return code;
  });
}

class StringSection {
  #text = "\0";

  add(name: string): number {
    const at = this.#text.length;
    this.#text += `${name}\0`;
    return at;
  }

  bytes(): Uint8Array {
    return byteString(this.#text);
  }
}
