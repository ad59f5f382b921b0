import type { ByteSource } from "../bytes/source.ts";

/** The `length` bytes at byte `offset`, in a buffer of their own; fewer where the source ends. */
export function readSpan(source: ByteSource, offset: number, length: number): Uint8Array {
  const wanted = Math.max(0, Math.min(length, source.size - offset));
  const bytes = new Uint8Array(wanted);
  for (let used = 0; used < wanted;) {
    const count = source.readInto(used === 0 ? bytes : bytes.subarray(used), offset + used);
    if (count === 0) return bytes.slice(0, used);
    used += count;
  }
  return bytes;
}
