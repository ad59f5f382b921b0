import type { ByteSource } from "../bytes/source.ts";
import { toText } from "../bytes/text.ts";
import { ELFCLASS32, ELFCLASS64, ELFMAG, PT_NOTE, SHT_NOTE } from "./constants.ts";
import { NOTE_BYTES } from "./limits.ts";
import { roundUp } from "./notes.ts";

const EI_CLASS = 4;
const EI_DATA = 5;
const ELFDATA2LSB = 1;
const ELFDATA2MSB = 2;
const EHDR_BYTES = 64;
/** Type, and sizes of name and description. */
const NOTE_HEADER_BYTES = 12;
/** Values that stand for one that is in the first section header instead (gABI, chapter 4). */
const SHN_XINDEX = 0xffff;
const PN_XNUM = 0xffff;

/** Headers of sections or segments that are looked at. A driver's library has forty. */
const mostHeaders = 4096;
const headersAtATime = 512;
/** Sections or segments in which notes are looked for. */
const mostRanges = 16;

/** Where fields are: in the ELF header, then in section and in program headers, all in bytes. */
interface Layout {
  readonly word: 4 | 8;
  readonly programs: { readonly at: number; readonly size: number; readonly count: number };
  readonly sections: { readonly at: number; readonly size: number; readonly count: number; readonly names: number };
  readonly section: {
    readonly offset: number;
    readonly bytes: number;
    readonly link: number;
    readonly padding: number;
  };
  readonly program: { readonly offset: number; readonly bytes: number; readonly padding: number };
}

const LAYOUT32: Layout = {
  word: 4,
  programs: { at: 28, size: 32, count: 44 },
  sections: { at: 32, size: 40, count: 48, names: 50 },
  section: { offset: 16, bytes: 20, link: 24, padding: 32 },
  program: { offset: 4, bytes: 16, padding: 28 },
};
const LAYOUT64: Layout = {
  word: 8,
  programs: { at: 32, size: 56, count: 56 },
  sections: { at: 40, size: 64, count: 60, names: 62 },
  section: { offset: 24, bytes: 32, link: 40, padding: 48 },
  program: { offset: 8, bytes: 32, padding: 48 },
};

/** A note's description as a byte string without NULs around it, or why it cannot be taken in. */
export type Note = { readonly description: string } | { readonly broken: string };

/** A part of the file that holds notes. */
interface Range {
  readonly offset: number;
  readonly bytes: number;
  /** To what a note is padded: 4 or 8 bytes. */
  readonly padding: 4 | 8;
}

/**
 * The first note of `owner` in the section of that name; where the file has no section headers, as `strip` can leave it,
 * in any of its PT_NOTE segments. Undefined when there is none, and when the file is not ELF.
 *
 * Of either class and byte order. Reads are of bounded number and size, whatever the headers say: at most 4,096 headers, and
 * the first 64 KiB of 16 parts with notes; a note that is longer is `broken`.
 */
export function readNoteSection(source: ByteSource, section: string, owner: string): Note | undefined {
  const header = copied(source, 0, EHDR_BYTES);
  const view = new DataView(header.buffer);
  if (header.length < EHDR_BYTES || toText(header, 0, ELFMAG.length) !== ELFMAG) return undefined;
  const [elfClass, data] = [header[EI_CLASS], header[EI_DATA]];
  if ((elfClass !== ELFCLASS32 && elfClass !== ELFCLASS64) || (data !== ELFDATA2LSB && data !== ELFDATA2MSB)) {
    return undefined;
  }
  const file = new Headers(source, view, elfClass === ELFCLASS64 ? LAYOUT64 : LAYOUT32, data === ELFDATA2LSB);
  for (const range of (file.sections(section) ?? file.segments()).slice(0, mostRanges)) {
    const note = noteIn(source, range, owner, file.little);
    if (note !== undefined) return note;
  }
  return undefined;
}

class Headers {
  readonly #source: ByteSource;
  readonly #header: DataView;
  readonly #layout: Layout;
  readonly little: boolean;

  constructor(source: ByteSource, header: DataView, layout: Layout, little: boolean) {
    this.#source = source;
    this.#header = header;
    this.#layout = layout;
    this.little = little;
  }

  /** Where the note sections of that name are; undefined when the file has no section headers that can be read. */
  sections(name: string): Range[] | undefined {
    const { sections, section } = this.#layout;
    const at = this.#word(this.#header, sections.at);
    const [first] = at === 0 ? [] : this.#table(at, sections.size, 1);
    if (first === undefined) return undefined;
    const count = this.#half(sections.count) || this.#word(first, section.bytes);
    const index = this.#half(sections.names);
    const namesIndex = index === SHN_XINDEX ? first.getUint32(section.link, this.little) : index;
    const [names] = this.#table(at + namesIndex * sections.size, sections.size, 1);
    if (namesIndex === 0 || names === undefined) return undefined;
    const strings = this.#word(names, section.offset);
    return this.#table(at, sections.size, count)
      .filter((each) => each.getUint32(4, this.little) === SHT_NOTE)
      .filter((each) => this.#isText(strings + each.getUint32(0, this.little), `${name}\0`))
      .map((each) => this.#range(each, section));
  }

  /** Where the note segments are. */
  segments(): Range[] {
    const { programs, program } = this.#layout;
    const count = this.#half(programs.count);
    if (count === PN_XNUM) return [];
    return this.#table(this.#word(this.#header, programs.at), programs.size, count)
      .filter((each) => each.getUint32(0, this.little) === PT_NOTE)
      .map((each) => this.#range(each, program));
  }

  #range(header: DataView, fields: { offset: number; bytes: number; padding: number }): Range {
    const padding = this.#word(header, fields.padding) === 8 ? 8 : 4;
    return { offset: this.#word(header, fields.offset), bytes: this.#word(header, fields.bytes), padding };
  }

  /** The headers of a table, as many as the file has. */
  #table(at: number, size: number, count: number): DataView[] {
    const headers: DataView[] = [];
    const wanted = Math.min(count, mostHeaders);
    while (headers.length < wanted) {
      const next = Math.min(wanted - headers.length, headersAtATime);
      const bytes = copied(this.#source, at + headers.length * size, next * size);
      for (let from = 0; from + size <= bytes.length; from += size)
        headers.push(new DataView(bytes.buffer, from, size));
      if (bytes.length < next * size) break;
    }
    return headers;
  }

  #isText(at: number, text: string): boolean {
    return toText(copied(this.#source, at, text.length)) === text;
  }

  #half(at: number): number {
    return this.#header.getUint16(at, this.little);
  }

  /** A value of the file's class; one from 2^53 on loses its low bits, and no file reaches that far. */
  #word(view: DataView, at: number): number {
    const first = view.getUint32(at, this.little);
    if (this.#layout.word === 4) return first;
    const second = view.getUint32(at + 4, this.little);
    return this.little ? second * 2 ** 32 + first : first * 2 ** 32 + second;
  }
}

/**
 * The first note of `owner`. Names and descriptions are padded to 4 or 8 bytes, and not every tool counts alike: a
 * description is taken to begin at the first byte behind its owner's name that is not NUL.
 */
function noteIn(source: ByteSource, range: Range, owner: string, little: boolean): Note | undefined {
  const bytes = copied(source, range.offset, Math.min(range.bytes, NOTE_BYTES));
  const view = new DataView(bytes.buffer);
  const text = toText(bytes);
  for (let at = 0; at + NOTE_HEADER_BYTES <= bytes.length;) {
    const nameBytes = view.getUint32(at, little);
    const descriptionBytes = view.getUint32(at + 4, little);
    const nameAt = at + NOTE_HEADER_BYTES;
    const nameEnd = nameAt + nameBytes;
    if (isFilled(text, nameAt, nameEnd, owner) && descriptionBytes > 0) {
      if (descriptionBytes > NOTE_BYTES) return { broken: `of ${descriptionBytes} bytes` };
      let start = nameEnd;
      while (text[start] === "\0") start += 1;
      const description = text.slice(start, start + descriptionBytes).replace(/\0[^]*$/, "");
      return start < bytes.length ? { description } : { broken: "truncated" };
    }
    at = roundUp(roundUp(nameEnd, range.padding) + descriptionBytes, range.padding);
  }
  return undefined;
}

/** Whether `text[start..end)`, as far as there is any, is a name and NULs behind it. */
function isFilled(text: string, start: number, end: number, name: string): boolean {
  let at = start + name.length;
  if (at > end || !text.startsWith(name, start)) return false;
  while (at < end && text[at] === "\0") at += 1;
  return at >= end || at >= text.length;
}

/** Bytes of their own, as a view of a source is good until the next read only; fewer at the end of the file. */
function copied(source: ByteSource, offset: number, length: number): Uint8Array<ArrayBuffer> {
  if (!Number.isSafeInteger(offset) || offset >= source.size || length === 0) return new Uint8Array(0);
  const bytes = new Uint8Array(Math.min(length, source.size - offset));
  const count = source.readInto(bytes, offset);
  return count === bytes.length ? bytes : bytes.slice(0, Math.max(count, 0));
}
