/** Strings of one character, by its code. */
const CHARACTERS: readonly string[] = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));

/**
 * The indices of texts in descending order of the texts, equal ones in ascending order. A text of which another one is
 * the beginning is above it; so no text may hold a NUL where another one ends. `texts` is used up.
 *
 * The engine's own sort does it, without a function that compares: the index stands behind each text, as characters.
 */
export function descendingOrder(texts: string[]): Int32Array {
  const last = texts.length - 1;
  let high = "";
  // What is equal has to stand in ascending order when it is read from the end: so the index is counted from the end.
  for (let inverse = last; inverse >= 0; inverse -= 1) {
    const at = last - inverse;
    const low = inverse & 0xff;
    if (at === 0 || low === 0xff) high = `\0${String.fromCharCode(inverse >>> 16, (inverse >>> 8) & 0xff)}`;
    texts[at] = (texts[at] ?? "") + high + (CHARACTERS[low] ?? "");
  }
  texts.sort();
  const order = new Int32Array(texts.length);
  for (let at = last; at >= 0; at -= 1) {
    const text = texts[at] ?? "";
    const end = text.length;
    let inverse = text.charCodeAt(end - 1);
    if (last > 0xff) inverse |= text.charCodeAt(end - 2) << 8;
    if (last > 0xffff) inverse |= text.charCodeAt(end - 3) << 16;
    order[last - at] = last - inverse;
  }
  texts.length = 0;
  return order;
}
