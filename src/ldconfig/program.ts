/**
 * A program of the image, as far as it tells which glibc it is of: its ELF header, and the constant strings in it. Every
 * byte may be the attacker's; nothing but bounded reads follow from them.
 */
import type { ByteSource } from "../bytes/source.ts";
import { toText } from "../bytes/text.ts";
import { architectureOf, type Architecture } from "./architecture.ts";

/**
 * Bytes read at a time. The strings of interest stand within 16 kB from the start of an ldconfig's .rodata, often in the
 * first 4; to make a text of it costs more than to read it.
 */
const WINDOW = 4 << 10;
/** Bytes searched at most. */
const SEARCH_LIMIT = 2 << 20;
/** How much of one window is seen again with the next: no string of interest is longer. */
const OVERLAP = 512;
/** Header tables of more entries than this are not looked at. */
const TABLE_LIMIT = 64;
/** Smaller sections hold no tables of strings worth a look before the others: `.interp` and the like. */
const SMALLEST_STRINGS = 1024;

const SHT_PROGBITS = 1;
const SHF_WRITE = 1;
const SHF_ALLOC = 2;
const SHF_EXECINSTR = 4;
const PT_LOAD = 1;
const PF_X = 1;
const PF_W = 2;

interface Range {
  readonly start: number;
  readonly end: number;
}

export interface Program {
  /** Undefined when ldconfig is not known for it. */
  readonly architecture: Architecture | undefined;
  /** The read-only data of the program, a window after the other, 2 MiB at most. */
  readonly windows: Iterable<string>;
}

/** A file as a program; undefined when it is not ELF. */
export function readProgram(source: ByteSource): Program | undefined {
  const head = new Uint8Array(64);
  head.set(source.read(0, 64));
  if (head[0] !== 0x7f || toText(head, 1, 4) !== "ELF") return undefined;
  const bits = head[4] === 1 ? 32 : 64;
  const layout = new Layout(head, bits, head[5] === 2);
  const architecture = architectureOf(layout.machine, bits, layout.bigEndian, layout.flags);
  return { architecture, windows: windows(source, layout) };
}

/** Fields of the ELF header and its tables (gABI, chapters 4 and 5). */
class Layout {
  readonly bits: 32 | 64;
  readonly bigEndian: boolean;
  readonly #head: DataView;

  constructor(head: Uint8Array, bits: 32 | 64, bigEndian: boolean) {
    this.#head = viewOf(head);
    this.bits = bits;
    this.bigEndian = bigEndian;
  }

  get machine(): number {
    return this.#head.getUint16(18, !this.bigEndian);
  }

  get flags(): number {
    return this.#word(this.#head, this.bits === 64 ? 48 : 36);
  }

  #word(view: DataView, at: number): number {
    return view.getUint32(at, !this.bigEndian);
  }

  /** A word of the class' size; not exact above 2^53, which no file reaches. */
  #offset(view: DataView, at: number): number {
    const first = this.#word(view, at);
    if (this.bits === 32) return first;
    const second = this.#word(view, at + 4);
    return this.bigEndian ? first * 0x1_0000_0000 + second : second * 0x1_0000_0000 + first;
  }

  /** Where the read-only data of the file may be: sections that hold nothing else, else segments. */
  *ranges(source: ByteSource): Generator<Range> {
    yield* this.#sections(source);
    yield* this.#segments(source);
  }

  #sections(source: ByteSource): Range[] {
    const wide = this.bits === 64;
    const size = wide ? 64 : 40;
    const table = this.#table(source, wide ? 40 : 32, wide ? 60 : 48, size);
    const ranges: Range[] = [];
    for (let at = 0; at + size <= table.byteLength; at += size) {
      if (this.#word(table, at + 4) !== SHT_PROGBITS) continue;
      const flags = this.#offset(table, at + 8);
      if ((flags & (SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR)) !== SHF_ALLOC) continue;
      const length = this.#offset(table, at + (wide ? 32 : 20));
      const start = this.#offset(table, at + (wide ? 24 : 16));
      if (length >= SMALLEST_STRINGS) ranges.push({ start, end: start + length });
    }
    return ranges;
  }

  /** Those that hold no code first. */
  #segments(source: ByteSource): Range[] {
    const wide = this.bits === 64;
    const size = wide ? 56 : 32;
    const table = this.#table(source, wide ? 32 : 28, wide ? 56 : 44, size);
    const ranges: Range[] = [];
    for (const executable of [0, PF_X]) {
      for (let at = 0; at + size <= table.byteLength; at += size) {
        const flags = this.#word(table, at + (wide ? 4 : 24));
        if (this.#word(table, at) !== PT_LOAD || (flags & (PF_W | PF_X)) !== executable) continue;
        const start = this.#offset(table, at + (wide ? 8 : 4));
        ranges.push({ start, end: start + this.#offset(table, at + (wide ? 32 : 16)) });
      }
    }
    return ranges;
  }

  /** A header table, valid until the next read; empty when it is too large. `at` and `countAt`: where the header tells it. */
  #table(source: ByteSource, at: number, countAt: number, size: number): DataView {
    const start = this.#offset(this.#head, at);
    const count = this.#head.getUint16(countAt, !this.bigEndian);
    if (count > TABLE_LIMIT || start >= source.size) return NO_TABLE;
    return viewOf(source.read(start, count * size));
  }
}

const NO_TABLE = new DataView(new ArrayBuffer(0));

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function* windows(source: ByteSource, layout: Layout): Generator<string> {
  let budget = SEARCH_LIMIT;
  const seen: Range[] = [];
  for (const range of layout.ranges(source)) {
    if (seen.some(({ start, end }) => start <= range.start && range.end <= end)) continue;
    seen.push(range);
    let tail = "";
    const end = Math.min(range.end, source.size);
    for (let at = range.start; at < end && budget > 0;) {
      const bytes = source.read(at, Math.min(WINDOW, end - at, budget));
      if (bytes.length === 0) break;
      at += bytes.length;
      budget -= bytes.length;
      const text = tail + toText(bytes);
      yield text;
      tail = text.slice(-OVERLAP);
    }
  }
}
