/** NUL and a byte, for the 256 values of a byte; the larger byte for the smaller one, which turns the order around. */
const FALLING: readonly string[] = Array.from({ length: 0x100 }, (_, byte) => `\0${String.fromCharCode(0xff ^ byte)}`);

/**
 * The indices of texts in descending order of the texts, equal ones in ascending order. A text of which another one is
 * the beginning is below it; so no text may hold a NUL where another one ends. `texts` is used up.
 *
 * The engine's own sort does it, without a function that compares: the index stands behind each text, as characters.
 */
export function descendingOrder(texts: string[]): Int32Array {
  const count = texts.length;
  const order = new Int32Array(count);
  let high = "";
  for (let at = 0; at < count; at += 1) {
    const low = at & 0xff;
    if (low === 0 && count > 0x100) high = (FALLING[at >>> 16] ?? "") + (FALLING[(at >>> 8) & 0xff] ?? "");
    texts[at] = (texts[at] ?? "") + high + (FALLING[low] ?? "");
  }
  texts.sort().reverse();
  for (let place = 0; place < count; place += 1) {
    const text = texts[place] ?? "";
    const end = text.length;
    let index = text.charCodeAt(end - 1) ^ 0xff;
    if (count > 0x100) index |= (text.charCodeAt(end - 3) ^ 0xff) << 8;
    if (count > 0x10000) index |= (text.charCodeAt(end - 5) ^ 0xff) << 16;
    order[place] = index;
  }
  texts.length = 0;
  return order;
}
