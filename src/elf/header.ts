import type { ByteSource } from "../bytes/source.ts";
import { toText } from "../bytes/text.ts";
import { ELFMAG } from "./constants.ts";

/** Bytes of the ELF header by class. */
export const EHDR_BYTES = { 32: 52, 64: 64 } as const;

/** The ELF header of a file, as it says: nothing is checked but the magic bytes (System V gABI, chapter 4). */
export interface ElfHeader {
  /** EI_CLASS, EI_DATA, EI_VERSION, EI_OSABI, EI_ABIVERSION. */
  readonly classByte: number;
  readonly dataByte: number;
  readonly identVersion: number;
  readonly osAbi: number;
  readonly abiVersion: number;
  /** Whether the rest of e_ident is zero, as it has to be. */
  readonly padded: boolean;
  /** 64 for ELFCLASS64, else 32. */
  readonly bits: 32 | 64;
  readonly bigEndian: boolean;
  readonly type: number;
  readonly machine: number;
  readonly version: number;
  readonly flags: number;
  /** Program headers: file offset, bytes of one, how many. */
  readonly phoff: number;
  readonly phentsize: number;
  readonly phnum: number;
}

const ELFCLASS64 = 2;
const ELFDATA2MSB = 2;
const EI_NIDENT = 16;

/**
 * Reads a file's header by the class and byte order that it names. What is no ELF file is told as one of three reasons;
 * `short` is a file that begins like one and ends within the header.
 */
export function readHeader(source: ByteSource): ElfHeader | "empty" | "short" | "not-elf" {
  if (source.size === 0) return "empty";
  const bytes = source.read(0, EHDR_BYTES[64]).slice();
  if (!ELFMAG.startsWith(toText(bytes, 0, Math.min(bytes.length, ELFMAG.length)))) return "not-elf";
  const bits = bytes[4] === ELFCLASS64 ? 64 : 32;
  if (bytes.length < EHDR_BYTES[bits]) return "short";
  const view = new DataView(bytes.buffer);
  const bigEndian = bytes[5] === ELFDATA2MSB;
  const wide = bits === 64;
  return {
    classByte: bytes[4] ?? 0,
    dataByte: bytes[5] ?? 0,
    identVersion: bytes[6] ?? 0,
    osAbi: bytes[7] ?? 0,
    abiVersion: bytes[8] ?? 0,
    padded: /^\0*$/.test(toText(bytes, 9, EI_NIDENT)),
    bits,
    bigEndian,
    type: view.getUint16(16, !bigEndian),
    machine: view.getUint16(18, !bigEndian),
    version: view.getUint32(20, !bigEndian),
    flags: view.getUint32(wide ? 48 : 36, !bigEndian),
    phoff: wide ? Number(view.getBigUint64(32, !bigEndian)) : view.getUint32(28, !bigEndian),
    phentsize: view.getUint16(wide ? 54 : 42, !bigEndian),
    phnum: view.getUint16(wide ? 56 : 44, !bigEndian),
  };
}
