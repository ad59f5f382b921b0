/**
 * Values of 64 bits, as two words. As one number they lose their low bits from 2^53 on, which does not matter for a
 * place in a file: none is that large.
 */

/** The 64-bit value whose words begin at index `at`; `low` tells which of them is the low one. */
export function wide64(words: Uint32Array, at: number, low: 0 | 1): number {
  const high = words[at + 1 - low] ?? 0;
  return high === 0 ? (words[at + low] ?? 0) : high * 2 ** 32 + (words[at + low] ?? 0);
}

/** The sum of two values, modulo 2^64; modulo 2^32 when they are not `wide`. */
export function addWords(lowA: number, highA: number, lowB: number, highB: number, wide: boolean): number {
  const low = lowA + lowB;
  if (!wide) return low >>> 0;
  if (highA === 0 && highB === 0) return low;
  const high = (highA + highB + (low >= 2 ** 32 ? 1 : 0)) >>> 0;
  return high * 2 ** 32 + (low >>> 0);
}
