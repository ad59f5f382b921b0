/**
 * A cache as readable lines, one per structure with its offset, for finding the first place where two caches part. It
 * shares nothing with the product's reader and believes nothing: what cannot be read is printed as such.
 */
const oldMagic = "ld.so-1.7.0\0";
const newMagic = "glibc-ld.so.cache1.1";

/** The lines of a cache file, of any of the three formats, little-endian. */
export function dumpCache(bytes: Buffer): string[] {
  const lines: string[] = [];
  let start = 0;
  if (bytes.subarray(0, 12).toString("latin1") === oldMagic) {
    const count = bytes.readUInt32LE(12);
    lines.push(`0: old header, ${count} entries`);
    const strings = 16 + 12 * count;
    for (let index = 0; index < count && 28 + 12 * index <= bytes.length; index += 1) {
      const at = 16 + 12 * index;
      const [key, value] = [bytes.readUInt32LE(at + 4), bytes.readUInt32LE(at + 8)];
      lines.push(
        `${at}: old entry ${index} flags ${hexadecimal(bytes.readInt32LE(at))} ` +
          `${stringAt(bytes, strings + key)} (${key}) => ${stringAt(bytes, strings + value)} (${value})`,
      );
    }
    start = Math.ceil(strings / 8) * 8;
  }
  if (bytes.subarray(start, start + 20).toString("latin1") === newMagic && start + 48 <= bytes.length)
    lines.push(...dumpNewPart(bytes, start));
  else lines.push(`${start}: ${JSON.stringify(bytes.subarray(start, start + 200).toString("latin1"))}`);
  lines.push(`${bytes.length}: end of file`);
  return lines;
}

function dumpNewPart(bytes: Buffer, start: number): string[] {
  const count = bytes.readUInt32LE(start + 20);
  const length = bytes.readUInt32LE(start + 24);
  const extension = bytes.readUInt32LE(start + 32);
  const lines = [
    `${start}: new header, ${count} entries, ${length} bytes of strings, endian ${bytes[start + 28]}, extension at ${extension}`,
  ];
  for (let index = 0; index < count && start + 72 + 24 * index <= bytes.length; index += 1) {
    const at = start + 48 + 24 * index;
    const [key, value] = [bytes.readUInt32LE(at + 4), bytes.readUInt32LE(at + 8)];
    lines.push(
      `${at}: entry ${index} flags ${hexadecimal(bytes.readInt32LE(at))} os ${hexadecimal(bytes.readUInt32LE(at + 12))} ` +
        `hwcap 0x${bytes.readBigUInt64LE(at + 16).toString(16)} ` +
        `${stringAt(bytes, start + key)} (${key}) => ${stringAt(bytes, start + value)} (${value})`,
    );
  }
  const strings = start + 48 + 24 * count;
  let at = strings;
  for (const text of bytes
    .subarray(strings, strings + length)
    .toString("latin1")
    .split("\0")) {
    lines.push(`${at}: string ${JSON.stringify(text)}`);
    at += text.length + 1;
  }
  for (let offset = strings + length; offset < bytes.length; offset += 16)
    lines.push(`${offset}: ${bytes.subarray(offset, offset + 16).toString("hex")} ${printable(bytes, offset)}`);
  return lines;
}

/** The first lines in which two caches differ: those of `expected` with `-`, those of `actual` with `+`. */
export function firstDifference(expected: Buffer, actual: Buffer): string[] {
  if (expected.equals(actual)) return [];
  const [wanted, got] = [dumpCache(expected), dumpCache(actual)];
  const wantedFacts = wanted.map(withoutOffsets);
  const gotFacts = got.map(withoutOffsets);
  let at = wantedFacts.findIndex((line, index) => line !== gotFacts[index]);
  if (at < 0) at = wanted.findIndex((line, index) => line !== got[index]);
  const lines = [
    ...wanted.slice(Math.max(0, at), at + 5).map((line) => `- ${line}`),
    ...got.slice(Math.max(0, at), at + 5).map((line) => `+ ${line}`),
  ];
  const before = at > 0 ? [`  ${wanted[at - 1]}`] : [];
  const heads = wanted[0] === got[0] ? [] : [`- ${wanted[0]}`, `+ ${got[0]}`];
  return ["the caches differ:", ...heads, ...before, ...lines];
}

/** Offsets move with every missing string: entries and strings are told apart by what they say. */
function withoutOffsets(line: string): string {
  return line
    .replace(/^\d+: /u, "")
    .replaceAll(/ \(\d+\)/gu, "")
    .replace(/^(?:old|new) header.*/u, "header");
}

function stringAt(bytes: Buffer, at: number): string {
  if (at >= bytes.length) return `offset ${at} is behind the end`;
  const end = bytes.indexOf(0, at);
  return JSON.stringify(bytes.subarray(at, end < 0 ? bytes.length : end).toString("latin1"));
}

function hexadecimal(value: number): string {
  return value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}

function printable(bytes: Buffer, at: number): string {
  return bytes
    .subarray(at, at + 16)
    .toString("latin1")
    .replaceAll(/[^ -~]/gu, ".");
}
