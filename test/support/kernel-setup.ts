/**
 * Gives unit tests on Node the globals that the executable's engine gives the product: the system call primitive, the
 * conversions between bytes and byte strings, the environment and the command line. The kernel is the real one.
 */
import koffi from "koffi";

/** `long syscall(long number, ...)` of the C library: -1 and errno on failure. */
const callLibrary: (number: number, ...typedArguments: unknown[]) => number = koffi
  .load("libc.so.6")
  .func("long syscall(long, ...)");

/**
 * One system call. A number is passed as a signed 64-bit integer, a byte string as NUL-terminated bytes, a view as the
 * address of its first byte, undefined as 0. Returns the kernel's result, or -errno. Throws TypeError when a string
 * holds NUL or a character above 255, and for a value of any other type.
 */
function syscall(number: number, ...values: unknown[]): number {
  const result = callLibrary(number, ...values.flatMap(typed));
  return result === -1 ? -koffi.errno() : result;
}

function typed(value: unknown): [type: string, value: unknown] {
  if (value === undefined) return ["long", 0];
  if (typeof value === "number") return ["long", Math.trunc(value)];
  if (typeof value === "string") return ["void *", terminated(value)];
  if (ArrayBuffer.isView(value)) return ["void *", value];
  throw new TypeError(`syscall: a value of type ${typeof value} has no form in the kernel`);
}

function terminated(text: string): Buffer {
  if (text.includes("\0") || wideCharacter.test(text))
    throw new TypeError("syscall: a string holds NUL or a wide character");
  return Buffer.from(`${text}\0`, "latin1");
}

// oxlint-disable-next-line no-control-regex -- a byte string holds every byte, control characters included
const wideCharacter = /[^\u0000-\u00ff]/;

/** The byte string of `bytes[start..end)`. Throws RangeError when the range is not within `bytes`. */
function latin1(bytes: Uint8Array, start: number, end: number): string {
  if (start < 0 || start > end || end > bytes.length) {
    throw new RangeError(`bytes ${start}..${end} are not within 0..${bytes.length}`);
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1", start, end);
}

/** Writes a byte string at offset `at`, returns the offset after it. Throws RangeError, and then writes nothing. */
function latin1Into(text: string, bytes: Uint8Array, at: number): number {
  if (at < 0 || at + text.length > bytes.length) {
    throw new RangeError(`${text.length} bytes at ${at} are not within 0..${bytes.length}`);
  }
  if (wideCharacter.test(text)) throw new RangeError("a byte string holds a character above 255");
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).write(text, at, "latin1");
  return at + text.length;
}

function environment(name: string): string | undefined {
  return process.env[name];
}

if (Symbol.dispose === undefined) {
  Object.defineProperty(Symbol, "dispose", { value: Symbol.for("Symbol.dispose") });
}

const architecture = process.arch === "x64" ? "x86-64" : process.arch;

Object.assign(globalThis, { syscall, architecture, latin1, latin1Into, environment, scriptArgs: ["cdi-hook"] });
