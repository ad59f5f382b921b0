import elfTools from "elf-tools";

/** A shared library with one function, which prints `text` on standard output and returns 0. */
export interface LoadableLibrary {
  readonly soname: string;
  readonly symbol: string;
  readonly text: string;
}

const elfHeaderSize = 64;
const programHeaderSize = 56;
const codeOffset = elfHeaderSize + 2 * programHeaderSize;

const PT_DYNAMIC = 2;
const PF_RWX = 7;
const [DT_NULL, DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SYMENT, DT_SONAME] = [0, 4, 5, 6, 10, 11, 14];

/** The machine code up to the text that it prints: write(1, text, length), then return 0. */
function announce(length: number): Buffer {
  if (process.arch === "arm64") {
    const code = [
      0xd2800020, // mov x0, #1
      0x100000e1, // adr x1, text (28 bytes on)
      0xd2800002 | (length << 5), // mov x2, #length
      0xd2800808, // mov x8, #64
      0xd4000001, // svc #0
      0x52800000, // mov w0, #0
      0xd65f03c0, // ret
      0xd503201f, // nop
    ];
    return Buffer.from(Uint32Array.from(code).buffer);
  }
  const code = Buffer.from("b801000000bf01000000488d350a000000ba000000000f0531c0c3", "hex");
  code.writeUInt32LE(length, 18);
  return code;
}

function symbolEntry(name: number, value: number, size: number): Buffer {
  const entry = Buffer.alloc(24);
  if (name === 0) return entry;
  entry.writeUInt32LE(name, 0);
  entry.writeUInt8(0x12, 4); // STB_GLOBAL, STT_FUNC
  entry.writeUInt16LE(1, 6); // any defined section
  entry.writeBigUInt64LE(BigInt(value), 8);
  entry.writeBigUInt64LE(BigInt(size), 16);
  return entry;
}

const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((16 - (bytes.length % 16)) % 16)]);

/**
 * A shared library that a dynamic loader accepts, made without a compiler. elf-tools lays out an image of one segment; the
 * loader's tables are put behind the code (System V gABI, chapter 5), and the second, empty segment becomes PT_DYNAMIC.
 */
export function loadableLibrary({ soname, symbol, text }: LoadableLibrary): Buffer {
  const strings = Buffer.from(`\0${soname}\0${symbol}\0`, "latin1");
  const printed = Buffer.from(text, "latin1");
  const code = padded(Buffer.concat([announce(printed.length), printed]));
  const symbols = padded(
    Buffer.concat([symbolEntry(0, 0, 0), symbolEntry(soname.length + 2, codeOffset, code.length)]),
  );
  const hash = Buffer.from(Uint32Array.of(1, 2, 1, 0, 0).buffer); // one bucket, which starts at symbol 1
  const symbolsAt = codeOffset + code.length;
  const hashAt = symbolsAt + symbols.length;
  const stringsAt = hashAt + padded(hash).length;
  const dynamicAt = stringsAt + padded(strings).length;
  const dynamic = Buffer.from(
    BigUint64Array.from(
      [
        [DT_SONAME, 1],
        [DT_HASH, hashAt],
        [DT_STRTAB, stringsAt],
        [DT_SYMTAB, symbolsAt],
        [DT_STRSZ, strings.length],
        [DT_SYMENT, 24],
        [DT_NULL, 0],
      ]
        .flat()
        .map(BigInt),
    ).buffer,
  );
  const image = elfTools.build({
    code: Buffer.concat([code, symbols, padded(hash), padded(strings), dynamic]),
    base_address: 0,
    elf_header: { class: "64", type: "dyn", machine: "amd64" },
  });
  if (process.arch === "arm64") image.writeUInt16LE(183, 18); // EM_AARCH64, which elf-tools has no name for
  image.writeUInt32LE(PF_RWX, elfHeaderSize + 4); // loaders write into the dynamic section
  const header = elfHeaderSize + programHeaderSize;
  image.writeUInt32LE(PT_DYNAMIC, header);
  for (const field of [8, 16, 24]) image.writeBigUInt64LE(BigInt(dynamicAt), header + field);
  for (const field of [32, 40]) image.writeBigUInt64LE(BigInt(dynamic.length), header + field);
  image.writeBigUInt64LE(8n, header + 48);
  return image;
}
