/** The polynomial of Castagnoli, reflected. */
const POLYNOMIAL = 0x82f63b78;

const table = new Uint32Array(256);
for (let index = 0; index < 256; index += 1) {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = (value & 1) === 0 ? value >>> 1 : (value >>> 1) ^ POLYNOMIAL;
  table[index] = value;
}

/** CRC-32C of `bytes`, begun with all ones and, as EROFS has it, without the inversion at the end. */
export function crc32c(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = (value >>> 8) ^ (table[(value ^ byte) & 0xff] ?? 0);
  return value >>> 0;
}
