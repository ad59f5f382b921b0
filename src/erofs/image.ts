import type { ByteSource } from "../bytes/source.ts";
import { FormatError } from "../errors.ts";

/** Throws FormatError for `field` of an EROFS image, which lies at byte `offset`. */
export function broken(field: string, offset: number, reason: string): never {
  throw new FormatError("EROFS image", field, offset, reason);
}

/**
 * Fills `bytes` from byte `offset` of the image. Throws FormatError for `field` when the image ends before they are
 * full, be it that it says so or that it has become shorter since it was opened.
 */
export function fill(source: ByteSource, bytes: Uint8Array, offset: number, field: string): void {
  if (offset + bytes.length > source.size) {
    broken(field, offset, `needs ${bytes.length} bytes, there are ${Math.max(source.size - offset, 0)}`);
  }
  for (let used = 0; used < bytes.length;) {
    const count = source.readInto(used === 0 ? bytes : bytes.subarray(used), offset + used);
    if (count <= 0) broken(field, offset + used, "cannot be read");
    used += count;
  }
}
