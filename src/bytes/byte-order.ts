/** Whether this machine stores the most significant byte first. */
export const hostBigEndian: boolean = new Uint8Array(Uint32Array.of(1).buffer)[0] === 0;

/** Reverses the bytes of each of the words `[from, to)`, which turns one byte order into the other. */
export function swapWords(words: Uint32Array, from: number, to: number): void {
  for (let at = from; at < to; at += 1) {
    const word = words[at] ?? 0;
    words[at] = (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
  }
}
