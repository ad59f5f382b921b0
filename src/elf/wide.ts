/** Values of 64 bits, as two words of which the low one comes first: `words[at]` and `words[at + 1]`. */

/**
 * As a number. It loses its low bits from 2^53 on, which does not matter for a place in a file or a size: none is that
 * large.
 */
export function wide64(words: Uint32Array, at: number): number {
  const high = words[at + 1] ?? 0;
  return high === 0 ? (words[at] ?? 0) : high * 2 ** 32 + (words[at] ?? 0);
}

/** Exactly. */
export function exact64(words: Uint32Array, at: number): bigint {
  return (BigInt(words[at + 1] ?? 0) << 32n) | BigInt(words[at] ?? 0);
}

/**
 * A value modulo 2^64, or 2^32, as a number. Not by BigInt.asUintN: QuickJS's answers with a negative value where bit 63
 * is set.
 */
export function modulo(value: bigint, bits: 32 | 64): number {
  return Number(value & (bits === 64 ? 0xffff_ffff_ffff_ffffn : 0xffff_ffffn));
}
