import { expect, test } from "vitest";

declare const syscall: (number: number, ...values: (number | string | ArrayBufferView)[]) => number;
declare const latin1: (bytes: Uint8Array, start: number, end: number) => string;
declare const latin1Into: (text: string, bytes: Uint8Array, at: number) => number;

/** Numbers that x86-64 and arm64 kernels give to the same calls. */
const numbers =
  process.arch === "arm64"
    ? { read: 63, write: 64, pipe2: 59, openat: 56 }
    : { read: 0, write: 1, pipe2: 293, openat: 257 };

test("a view is the address of its first byte, and the kernel writes there only", () => {
  const pipe = new Int32Array(2);
  expect(syscall(numbers.pipe2, pipe, 0)).toBe(0);
  const [readEnd = -1, writeEnd = -1] = pipe;
  expect(syscall(numbers.write, writeEnd, new Uint8Array([1, 2, 3, 4]).subarray(1), 3)).toBe(3);
  const bytes = new Uint8Array(6).fill(9);
  expect(syscall(numbers.read, readEnd, bytes.subarray(2, 5), 3)).toBe(3);
  expect([...bytes]).toEqual([9, 9, 2, 3, 4, 9]);
});

test("a failure is the negated errno", () => {
  expect(syscall(numbers.openat, -100, "/nowhere/\u00ff", 0, 0)).toBe(-2);
});

test("what the kernel could not tell from another value is refused", () => {
  expect(() => syscall(numbers.openat, -100, "/etc/passwd\0.so", 0, 0)).toThrow(TypeError);
  expect(() => syscall(numbers.openat, -100, "/\u0100", 0, 0)).toThrow(TypeError);
});

test("byte strings go both ways, and refuse what does not fit", () => {
  const bytes = new Uint8Array(8).subarray(2);
  expect(latin1Into("a\u0000\u00ff", bytes, 1)).toBe(4);
  expect(latin1(bytes, 1, 4)).toBe("a\u0000\u00ff");
  expect(() => latin1Into("abc", bytes, 4)).toThrow(RangeError);
  expect(() => latin1Into("\u0100", bytes, 0)).toThrow(RangeError);
  expect(() => latin1(bytes, 0, 7)).toThrow(RangeError);
  expect(latin1(bytes, 0, 6)).toBe("\u0000a\u0000\u00ff\u0000\u0000");
});
