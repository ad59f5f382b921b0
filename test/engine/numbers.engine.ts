import { describe, expect, test } from "vitest";
import { exact64, modulo } from "../../src/elf/wide.ts";

describe("values of 64 bits", () => {
  test("with bit 63 are not negative", () => {
    const value = exact64(Uint32Array.of(5, 0x8000_0000), 0);
    expect(modulo(value, 64)).toBe(2 ** 63);
    expect(modulo(value, 32)).toBe(5);
    expect(modulo(value - 6n, 64)).toBe(2 ** 63);
    expect(modulo(-1n, 64)).toBe(2 ** 64);
    expect(modulo(-1n, 32)).toBe(2 ** 32 - 1);
    expect(modulo(value + value, 64)).toBe(10);
  });
});
