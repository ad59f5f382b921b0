/** Bytes that are read where they are needed: an open file, or a buffer in a test. */
export interface ByteSource {
  /** Size in bytes when the source was opened. */
  readonly size: number;
  /**
   * At most `length` bytes from byte `offset`, fewer at the end of the source. The view is valid until the next `read`
   * of any source.
   */
  read(offset: number, length: number): Uint8Array;
  /** As `read`, into `bytes`, as many as these are; answers how many bytes were read. */
  readInto(bytes: Uint8Array, offset: number): number;
}
