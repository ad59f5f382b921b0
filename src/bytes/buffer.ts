/**
 * A buffer that is read into again and again. Its length is a property of its own: the engine takes as long to ask the
 * prototype's getter as for the rest of what a read does.
 */
export function readBuffer(length: number): Uint8Array {
  return Object.defineProperty(new Uint8Array(length), "length", { value: length });
}
