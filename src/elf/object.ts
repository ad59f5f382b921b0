import type { ByteSource } from "../bytes/source.ts";
import { toText } from "../bytes/text.ts";
import { FormatError } from "../errors.ts";
import { PT_DYNAMIC, PT_GNU_PROPERTY, PT_INTERP, PT_LOAD, PT_NOTE } from "./constants.ts";
import type { ElfHeader } from "./header.ts";
import { NAME_BYTES, NOTE_BYTES } from "./limits.ts";
import { abiNoteVersion } from "./notes.ts";
import { isaLevel } from "./properties.ts";
import { readSpan } from "./span.ts";
import { Window } from "./window.ts";

/** A library that an object asks the dynamic linker for. */
export interface Request {
  readonly kind: "needed" | "filter" | "auxiliary";
  /** A byte string; what stands behind a NUL is no part of it. */
  readonly name: string;
}

/** What a dynamic linker reads of a program or library before it binds any symbol. */
export interface ElfObject {
  readonly header: ElfHeader;
  /** PT_INTERP */
  readonly interpreter: string | undefined;
  /** There is a PT_LOAD, and a dynamic section. */
  readonly hasSegments: boolean;
  readonly hasDynamic: boolean;
  readonly soname: string | undefined;
  readonly rpath: string | undefined;
  readonly runpath: string | undefined;
  /** DT_FLAGS_1 */
  readonly flags1: number;
  /** DT_NEEDED, DT_FILTER and DT_AUXILIARY in the order of the section. */
  readonly requests: readonly Request[];
  /** x86: the ISA level of the GNU property, 0 for the baseline. */
  readonly isa: number;
  /** The kernel of the ABI note, `kind << 24 | major << 16 | minor << 8 | patch`; undefined without such a note. */
  readonly osVersion: number | undefined;
}

export const DF_1_NODEFLIB = 0x800;
export const DF_1_PIE = 0x0800_0000;

const DT_NULL = 0;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const DT_SONAME = 14;
const DT_RPATH = 15;
const DT_RUNPATH = 29;
const DT_FLAGS_1 = 0x6fff_fffb;
const DT_AUXILIARY = 0x7fff_fffd;
const DT_FILTER = 0x7fff_ffff;

/** No file that a linker made comes near these. */
const MOST_SEGMENTS = 4096;
/** Segments of notes that are looked at. */
const MOST_NOTES = 16;
const DYNAMIC_BYTES = 1 << 20;
const PATH_BYTES = 2 << 20;
/** All names of one file together. */
const ALL_NAMES_BYTES = 8 << 20;
const FIRST_BYTES = 256;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
  readonly align: number;
}

/**
 * Reads a file of any class and byte order, whose header is known, as a dynamic linker would: program headers, the
 * dynamic section up to DT_NULL, the names in it, and the notes (System V gABI, chapter 5). Memory and time are bounded
 * by constants of this file. Throws FormatError when something reaches beyond the file, or beyond those bounds.
 */
export function readObject(source: ByteSource, header: ElfHeader): ElfObject {
  const segments = readSegments(source, header);
  // That of a file of debugging information has a size in memory only, and does not count.
  const dynamic = segments.findLast(({ type, fileSize }) => type === PT_DYNAMIC && fileSize > 0);
  const interpreter = segments.find(({ type }) => type === PT_INTERP);
  const names = new Names(source);
  return {
    header,
    interpreter: interpreter === undefined ? undefined : names.at(interpreter.offset, NAME_BYTES, "PT_INTERP"),
    hasSegments: segments.some(({ type }) => type === PT_LOAD),
    hasDynamic: dynamic !== undefined,
    ...(dynamic === undefined ? NOTHING : readDynamic(source, header, segments, dynamic, names)),
    ...readNotes(source, header, segments),
  };
}

const NOTHING = { soname: undefined, rpath: undefined, runpath: undefined, flags1: 0, requests: [] };

function readSegments(source: ByteSource, { phoff, phnum, bits, bigEndian }: ElfHeader): Segment[] {
  const wide = bits === 64;
  const stride = wide ? 56 : 32;
  if (phnum > MOST_SEGMENTS) fail("e_phnum", wide ? 56 : 44, `${phnum} program headers`);
  const bytes = readSpan(source, phoff, phnum * stride);
  if (bytes.length < phnum * stride) fail("program headers", phoff, "they reach beyond the file");
  const view = new DataView(bytes.buffer);
  const little = !bigEndian;
  const offsets = wide ? [8, 16, 32, 48] : [4, 8, 16, 28];
  const word = (at: number): number => (wide ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little));
  return Array.from({ length: phnum }, (_, index) => {
    const at = index * stride;
    const [offset = 0, address = 0, fileSize = 0, align = 0] = offsets.map((field) => word(at + field));
    return { type: view.getUint32(at, little), offset, address, fileSize, align };
  });
}

function readDynamic(
  source: ByteSource,
  { bits, bigEndian }: ElfHeader,
  segments: readonly Segment[],
  dynamic: Segment,
  names: Names,
): Pick<ElfObject, "soname" | "rpath" | "runpath" | "flags1" | "requests"> {
  const wide = bits === 64;
  const stride = wide ? 16 : 8;
  const start = offsetOf(dynamic.address, segments) ?? dynamic.offset;
  const bytes = readSpan(source, start, Math.min(dynamic.fileSize, DYNAMIC_BYTES));
  const view = new DataView(bytes.buffer);
  const little = !bigEndian;
  const word = (at: number): number => (wide ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little));
  const single = new Map<number, number>();
  const asked: (readonly [Request["kind"], number])[] = [];
  let ended = false;
  for (let at = 0; at + stride <= bytes.length; at += stride) {
    const tag = word(at);
    if (tag === DT_NULL) {
      ended = true;
      break;
    }
    const value = word(at + stride / 2);
    const kind = KINDS.get(tag);
    if (kind === undefined) single.set(tag, value);
    else asked.push([kind, value]);
  }
  if (!ended && bytes.length < dynamic.fileSize) {
    const isCut = bytes.length < DYNAMIC_BYTES;
    fail("dynamic section", start, isCut ? "it reaches beyond the file" : `more than ${DYNAMIC_BYTES} bytes`);
  }
  const table = single.get(DT_STRTAB);
  const strings = table === undefined ? undefined : (offsetOf(table, segments) ?? table);
  const nameAt = (value: number | undefined, limit: number, field: string): string | undefined => {
    if (value === undefined) return undefined;
    if (strings === undefined) return fail("DT_STRTAB", start, "there is none");
    return names.at(strings + value, limit, field);
  };
  return {
    soname: nameAt(single.get(DT_SONAME), NAME_BYTES, "DT_SONAME"),
    rpath: nameAt(single.get(DT_RPATH), PATH_BYTES, "DT_RPATH"),
    runpath: nameAt(single.get(DT_RUNPATH), PATH_BYTES, "DT_RUNPATH"),
    flags1: single.get(DT_FLAGS_1) ?? 0,
    requests: asked.map(([kind, value]) => ({
      kind,
      name: nameAt(value, NAME_BYTES, `DT_${kind.toUpperCase()}`) ?? "",
    })),
  };
}

const KINDS: ReadonlyMap<number, Request["kind"]> = new Map([
  [DT_NEEDED, "needed"],
  [DT_FILTER, "filter"],
  [DT_AUXILIARY, "auxiliary"],
]);

/** File offset of an address, by the PT_LOAD that holds it. */
function offsetOf(address: number, segments: readonly Segment[]): number | undefined {
  const holding = segments.find(
    (segment) => segment.type === PT_LOAD && segment.address <= address && address < segment.address + segment.fileSize,
  );
  return holding === undefined ? undefined : address - holding.address + holding.offset;
}

function readNotes(
  source: ByteSource,
  { bits, bigEndian }: ElfHeader,
  segments: readonly Segment[],
): Pick<ElfObject, "isa" | "osVersion"> {
  let isa = 0;
  let osVersion: number | undefined;
  let left = MOST_NOTES;
  for (const { type, offset, fileSize, align } of segments) {
    const isNote = type === PT_NOTE && fileSize >= 32 && (align === 4 || align === 8);
    const isProperty = type === PT_GNU_PROPERTY && align === bits / 8;
    if ((!isNote && !isProperty) || left === 0) continue;
    left -= 1;
    const words = new Window(Math.min(fileSize, NOTE_BYTES, Math.max(0, source.size - offset)) & ~3);
    words.load(source, offset, bigEndian);
    if (isProperty) isa = Math.max(isa, isaLevel(words.words, fileSize, align, bigEndian));
    else if (osVersion === undefined) {
      const version = abiNoteVersion(words.words, fileSize, align, false, bigEndian);
      if (version > 0) osVersion = version;
    }
  }
  return { isa, osVersion };
}

/** The NUL-terminated names of a file, of a limited length altogether. */
class Names {
  readonly #source: ByteSource;
  readonly #known = new Map<number, string>();
  #left = ALL_NAMES_BYTES;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  at(offset: number, limit: number, field: string): string {
    const known = this.#known.get(offset);
    if (known !== undefined) return known;
    let bytes: Uint8Array = this.#source.read(Math.min(offset, this.#source.size), FIRST_BYTES);
    let end = bytes.indexOf(0);
    if (end < 0) {
      bytes = readSpan(this.#source, offset, limit + 1);
      end = bytes.indexOf(0);
    }
    if (end < 0) fail(field, offset, bytes.length > limit ? `longer than ${limit} bytes` : "it has no end in the file");
    this.#left -= end + 1;
    if (this.#left < 0) fail(field, offset, `more than ${ALL_NAMES_BYTES} bytes of names`);
    const name = toText(bytes, 0, end);
    this.#known.set(offset, name);
    return name;
  }
}

function fail(field: string, offset: number, reason: string): never {
  throw new FormatError("ELF", field, offset, reason);
}
