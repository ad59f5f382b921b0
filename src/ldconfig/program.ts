/**
 * A program of the image, as far as it tells which glibc it is of: its ELF header, and the constant strings in it. Every
 * byte may be the attacker's; nothing but bounded reads follow from them.
 */
import type { ByteSource } from "../bytes/source.ts";
import { toText } from "../bytes/text.ts";
import { architectureOf, type Architecture } from "./architecture.ts";

/** Bytes read at a time. The strings of interest stand within 16 kB from the start of an ldconfig's .rodata. */
const WINDOW = 8 << 10;
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
  readonly #head: Uint8Array;

  constructor(head: Uint8Array, bits: 32 | 64, bigEndian: boolean) {
    this.#head = head;
    this.bits = bits;
    this.bigEndian = bigEndian;
  }

  get machine(): number {
    return this.half(this.#head, 18);
  }

  get flags(): number {
    return this.word(this.#head, this.bits === 64 ? 48 : 36);
  }

  half(bytes: Uint8Array, at: number): number {
    const first = bytes[at] ?? 0;
    const second = bytes[at + 1] ?? 0;
    return this.bigEndian ? first * 256 + second : second * 256 + first;
  }

  word(bytes: Uint8Array, at: number): number {
    const first = this.half(bytes, at);
    const second = this.half(bytes, at + 2);
    return this.bigEndian ? first * 0x1_0000 + second : second * 0x1_0000 + first;
  }

  /** A word of the class' size; not exact above 2^53, which no file reaches. */
  offset(bytes: Uint8Array, at: number): number {
    if (this.bits === 32) return this.word(bytes, at);
    const first = this.word(bytes, at);
    const second = this.word(bytes, at + 4);
    return this.bigEndian ? first * 0x1_0000_0000 + second : second * 0x1_0000_0000 + first;
  }

  /** Where the read-only data of the file may be: sections that hold nothing else, else segments. */
  *ranges(source: ByteSource): Generator<Range> {
    const wide = this.bits === 64;
    const sections = this.#table(source, wide ? [40, 60, 64] : [32, 48, 40]);
    for (const at of sections.starts) {
      const flags = this.offset(sections.bytes, at + 8);
      if (this.word(sections.bytes, at + 4) !== SHT_PROGBITS) continue;
      if ((flags & (SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR)) !== SHF_ALLOC) continue;
      const start = this.offset(sections.bytes, at + (wide ? 24 : 16));
      const size = this.offset(sections.bytes, at + (wide ? 32 : 20));
      if (size >= SMALLEST_STRINGS) yield { start, end: start + size };
    }
    const segments = this.#table(source, wide ? [32, 56, 56] : [28, 44, 32]);
    for (const executable of [0, PF_X]) {
      for (const at of segments.starts) {
        const flags = this.word(segments.bytes, at + (wide ? 4 : 24));
        if (this.word(segments.bytes, at) !== PT_LOAD || (flags & (PF_W | PF_X)) !== executable) continue;
        const start = this.offset(segments.bytes, at + (wide ? 8 : 4));
        yield { start, end: start + this.offset(segments.bytes, at + (wide ? 32 : 16)) };
      }
    }
  }

  /** A header table: its bytes and where its entries begin. `at`: of its offset, of its count, and an entry's size. */
  #table(
    source: ByteSource,
    [at, countAt, size]: readonly [number, number, number],
  ): {
    bytes: Uint8Array;
    starts: number[];
  } {
    const start = this.offset(this.#head, at);
    const count = this.half(this.#head, countAt);
    if (count > TABLE_LIMIT || start >= source.size) return { bytes: this.#head, starts: [] };
    const bytes = source.read(start, count * size).slice();
    const starts = Array.from({ length: Math.floor(bytes.length / size) }, (_, index) => index * size);
    return { bytes, starts };
  }
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
