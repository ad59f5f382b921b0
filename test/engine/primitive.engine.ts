/** Attacks on the functions of bin/host.c, on the engine only: values that no wrapper would ever pass. */
import { describe, expect, test } from "vitest";
import { namesIn, scratchDescriptor } from "../support/kernel-scratch.ts";
import { O_CREAT, O_RDWR } from "../../src/kernel/constants.ts";
import { EBADF, EFAULT, EINVAL, ENOSYS } from "./refusals.ts";
import * as NR from "../../src/kernel/syscalls.ts";

declare const syscall: (...values: unknown[]) => number;
declare const latin1: (...values: unknown[]) => string;
declare const latin1Into: (...values: unknown[]) => number;
declare const environment: (...values: unknown[]) => string | undefined;
declare const loadModule: (...values: unknown[]) => Record<string, unknown>;
declare const scriptArgs: readonly string[];

const thrower = {
  valueOf(): never {
    throw new RangeError("thrown by valueOf");
  },
  toString(): never {
    throw new RangeError("thrown by toString");
  },
};

const formless: readonly (readonly [string, unknown])[] = [
  ["null", null],
  ["true", true],
  ["a symbol", Symbol("x")],
  ["a big integer", 1n],
  ["a function", () => 1],
  ["an object", {}],
  ["an array", [1]],
  ["an array buffer", new ArrayBuffer(8)],
  ["a data view", new DataView(new ArrayBuffer(8))],
  ["an object with a length", { length: 8, byteLength: 8, buffer: new ArrayBuffer(8) }],
  ["a number object", Object(1)],
  ["a string object", Object("a")],
  ["an object that throws", thrower],
  ["a regular expression", /a/],
  ["the prototype of typed arrays", Uint8Array.prototype],
];

describe("syscall", () => {
  test.each(formless)("refuses what has no form in the kernel: %s", (_, value) => {
    for (let position = 0; position < 7; position += 1) {
      const values: unknown[] = [NR.getpid, 0, 0, 0, 0, 0, 0];
      values[position] = value;
      expect(() => syscall(...values)).toThrow(TypeError);
    }
  });

  test("takes no argument, too few and too many", () => {
    const pid = syscall(NR.getpid);
    expect(pid).toBeGreaterThan(0);
    expect(syscall(NR.getpid, 1, 2, 3, 4, 5, 6, 7, 8, 9, null, {})).toBe(pid);
    expect(syscall(NR.getpid, undefined, undefined)).toBe(pid);
    expect(syscall(NR.close)).toBe(syscall(NR.close, 0) === -EBADF ? 0 : -EBADF);
  });

  test("numbers that are no system call", () => {
    expect(syscall(99_999)).toBe(-ENOSYS);
    expect(syscall(-1)).toBe(-ENOSYS);
    expect(syscall(2 ** 31)).toBe(-ENOSYS);
    expect(syscall("a string")).toBe(-ENOSYS);
    expect(syscall(new Uint8Array(4))).toBe(-ENOSYS);
  });

  test("numbers of any kind end as some 64-bit integer", () => {
    const pid = syscall(NR.getpid);
    for (const value of [NaN, Infinity, -Infinity, -0, 0.5, 2 ** 53, 2 ** 63, -(2 ** 63), 1e308, -1e308, 5e-324]) {
      expect(syscall(NR.getpid, value, value)).toBe(pid);
      const result = syscall(NR.fcntl, 2 ** 31 - 1, value);
      expect(result).toBe(-EBADF);
    }
  });

  test("a number where the kernel wants an address is the kernel's to refuse", () => {
    expect(syscall(NR.openat, -100, 1, 0, 0)).toBe(-EFAULT);
    expect(syscall(NR.openat, -100, 2 ** 52, 0, 0)).toBe(-EFAULT);
    expect(syscall(NR.openat, -100, undefined, 0, 0)).toBe(-EFAULT);
  });

  test("views of every type and offset give the address of their first byte", () => {
    const directory = scratchDescriptor();
    const fd = syscall(NR.openat, directory, "a", O_RDWR | O_CREAT, 0o600);
    const buffer = new ArrayBuffer(64);
    const all = new Uint8Array(buffer);
    for (let at = 0; at < 64; at += 1) all[at] = at;
    expect(syscall(NR.write, fd, all, 64)).toBe(64);
    const views = [
      new Uint8Array(buffer, 3, 8),
      new Int8Array(buffer, 63, 1),
      new Uint8ClampedArray(buffer, 5, 8),
      new Uint16Array(buffer, 2, 4),
      new Int16Array(buffer, 62, 1),
      new Uint32Array(buffer, 4, 2),
      new Int32Array(buffer, 60, 1),
      new Float32Array(buffer, 8, 2),
      new Float64Array(buffer, 16, 1),
      new BigInt64Array(buffer, 24, 1),
      new BigUint64Array(buffer, 56, 1),
    ];
    for (const view of views) {
      all.fill(0xee);
      expect(syscall(NR.pread64, fd, view, view.byteLength, view.byteOffset)).toBe(view.byteLength);
      for (let at = 0; at < 64; at += 1) {
        const inside = at >= view.byteOffset && at < view.byteOffset + view.byteLength;
        expect(all[at]).toBe(inside ? at : 0xee);
      }
    }
    syscall(NR.close, fd);
  });

  test("empty views, at the start, in the middle and at the end", () => {
    const buffer = new ArrayBuffer(8);
    for (const view of [
      new Uint8Array(0),
      new Uint8Array(buffer, 3, 0),
      new Uint8Array(buffer, 8),
      new Uint8Array(buffer, 8, 0),
    ]) {
      expect(syscall(NR.getrandom, view, view.length, 0)).toBe(0);
    }
  });

  test("no view loses its buffer: the engine cannot detach one", () => {
    const buffer = new ArrayBuffer(8) as ArrayBuffer & Record<"transfer" | "resize", unknown>;
    expect(buffer.transfer).toBeUndefined();
    expect(buffer.resize).toBeUndefined();
  });

  test("a shared buffer is memory like any other", () => {
    if (typeof SharedArrayBuffer === "undefined") return;
    const view = new Uint8Array(new SharedArrayBuffer(32));
    expect(syscall(NR.getrandom, view, 32, 0)).toBe(32);
    expect(latin1(view, 0, 32).length).toBe(32);
  });

  test("an exception in a later argument frees what the earlier ones held", () => {
    for (let round = 0; round < 2000; round += 1) {
      expect(() => syscall(NR.openat, `\u00e9${round}`, "b".repeat(100), "\u0100", "\u00ff\u00ff")).toThrow(TypeError);
      expect(() => syscall(NR.openat, `a\u00e9${round}`, "c", "d\u0000", thrower)).toThrow(TypeError);
    }
  });

  test("strings in every position at once", () => {
    const texts = ["\u00e1", "b", "\u00ff".repeat(300), "", "\u0080", "e".repeat(5000)];
    expect(syscall(NR.getpid, ...texts)).toBe(syscall(NR.getpid));
  });

  test("strings with bytes above ASCII, at every length around the sizes of blocks", () => {
    const directory = scratchDescriptor();
    for (let length = 1; length <= 255; length += 1) {
      const name = "\u00e9".repeat(length - 1) + String.fromCharCode(128 + (length % 128));
      const fd = syscall(NR.openat, directory, name, O_RDWR | O_CREAT, 0o600);
      expect(fd).toBeGreaterThan(2);
      syscall(NR.close, fd);
    }
    expect(namesIn(directory)).toHaveLength(255);
  });

  test("a symbolic link's target of the largest size, above ASCII", () => {
    const directory = scratchDescriptor();
    const target = "\u00ff".repeat(4095);
    expect(syscall(NR.symlinkat, target, directory, "l")).toBe(0);
    const bytes = new Uint8Array(4200);
    expect(syscall(NR.readlinkat, directory, "l", bytes.subarray(1), 4199)).toBe(4095);
    expect(latin1(bytes, 1, 4096)).toBe(target);
  });

  test("a length of the kernel's own refusal", () => {
    expect(syscall(NR.getrandom, new Uint8Array(8), 8, 0xffff)).toBe(-EINVAL);
  });
});

describe("latin1", () => {
  test.each(formless)("refuses what is no typed array: %s", (_, value) => {
    expect(() => latin1(value, 0, 0)).toThrow(TypeError);
  });

  test("refuses ranges outside, in any number's clothes", () => {
    const bytes = new Uint8Array(16).subarray(4, 12);
    for (const [start, end] of [
      [0, 9],
      [-1, 4],
      [-0.9, 9],
      [5, 4],
      [9, 9],
      [0, 2 ** 32],
      [2 ** 32, 2 ** 32 + 1],
      [0, 2 ** 63],
      [-(2 ** 63), 2 ** 63],
      [0, -1],
    ]) {
      expect(() => latin1(bytes, start, end)).toThrow(RangeError);
    }
    expect(latin1(bytes, NaN, "8").length).toBe(8);
    for (const multiple of [2 ** 64, 1e300, Infinity, -Infinity]) expect(latin1(bytes, multiple, multiple)).toBe("");
    expect(latin1(bytes)).toBe("");
    expect(() => latin1()).toThrow(TypeError);
    expect(() => latin1(bytes, 1n, 2)).toThrow(TypeError);
    expect(() => latin1(bytes, thrower, 2)).toThrow("thrown by valueOf");
    expect(() => latin1(bytes, 0, thrower)).toThrow("thrown by valueOf");
  });

  test("counts bytes, also of wider views", () => {
    const words = new Uint32Array([0x64636261, 0x68676665]);
    expect(latin1(words, 0, 8)).toBe("abcdefgh");
    expect(() => latin1(words, 0, 9)).toThrow(RangeError);
    expect(latin1(words.subarray(1), 1, 3)).toBe("fg");
  });

  test("every length and alignment, ASCII and not", () => {
    const bytes = new Uint8Array(600).fill(0x41);
    for (let length = 0; length < 300; length += 7) {
      for (let start = 0; start < 9; start += 1) {
        expect(latin1(bytes, start, start + length)).toBe("A".repeat(length));
      }
    }
    for (let at = 0; at < 300; at += 11) {
      bytes[at] = 0xff;
      const text = latin1(bytes, 0, 300);
      expect(text.charCodeAt(at)).toBe(0xff);
      expect(text.length).toBe(300);
      bytes[at] = 0x41;
    }
  });
});

describe("latin1Into", () => {
  test.each(formless)("refuses what is no typed array: %s", (_, value) => {
    expect(() => latin1Into("", value, 0)).toThrow(TypeError);
  });

  test("refuses offsets outside, in any number's clothes", () => {
    const around = new Uint8Array(32).fill(3);
    const bytes = around.subarray(8, 16);
    for (const at of [9, -1, 8.9, 2 ** 32, 2 ** 63, -(2 ** 63), 7]) {
      expect(() => latin1Into("ab", bytes, at)).toThrow(RangeError);
      expect(() => latin1Into("\u00e9\u00e9", bytes, at)).toThrow(RangeError);
    }
    expect(() => latin1Into("a", bytes, 8)).toThrow(RangeError);
    expect(() => latin1Into("ab", bytes, thrower)).toThrow("thrown by valueOf");
    expect(() => latin1Into(thrower, bytes, 0)).toThrow("thrown by toString");
    expect(() => latin1Into(Symbol("x"), bytes, 0)).toThrow(TypeError);
    expect(around.every((byte) => byte === 3)).toBe(true);
    expect(latin1Into(12, bytes, NaN)).toBe(2);
    expect(latin1Into("x", new Uint16Array(bytes.buffer, 8, 4), 7)).toBe(8);
    expect([...bytes]).toEqual([0x31, 0x32, 3, 3, 3, 3, 3, 0x78]);
  });

  test("a conversion that runs code comes before the bytes are looked at", () => {
    const bytes = new Uint8Array(4);
    const text = {
      toString(): string {
        bytes[0] = 9;
        return "ab";
      },
    };
    expect(latin1Into(text, bytes, { valueOf: () => 1 })).toBe(3);
    expect([...bytes]).toEqual([9, 0x61, 0x62, 0]);
  });

  test("a failure writes nothing, whatever the character is", () => {
    const bytes = new Uint8Array(16);
    for (const wide of ["\u0100", "\u07ff", "\u0800", "\ud800", "\udfff", "\uffff", "\u{10000}", "\u{10ffff}"]) {
      for (const text of [wide, `a${wide}`, `\u00e9${wide}\u00e9`, `\u00ff\u00ff\u00ff${wide}`]) {
        expect(() => latin1Into(text, bytes, 0)).toThrow(RangeError);
      }
    }
    expect(bytes.every((byte) => byte === 0)).toBe(true);
  });
});

describe("the process", () => {
  test("arguments and environment are byte strings", () => {
    expect(scriptArgs.slice(1)).toEqual(["\u00c3\u00bc", ""]);
    expect(environment("ENGINE_TEST")).toBe("\u00c3\u00bc");
    expect(environment("NOT_SET")).toBeUndefined();
    expect(environment("")).toBeUndefined();
    expect(environment("ENGINE_TEST\u0000x")).toBe("\u00c3\u00bc");
    expect(environment(undefined)).toBeUndefined();
    expect(() => environment(Symbol("x"))).toThrow(TypeError);
    expect(() => environment(thrower)).toThrow("thrown by toString");
  });

  test("the people's module finds parts of the language that the hooks lack", () => {
    expect(typeof Date).toBe("undefined");
    expect(loadModule("people.js")["date"]).toBe("function");
  });

  test("a module that is not there, or has no name, is an exception", () => {
    expect(() => loadModule("nothing.js")).toThrow("no module nothing.js");
    expect(() => loadModule("")).toThrow(ReferenceError);
    expect(() => loadModule()).toThrow(ReferenceError);
    expect(() => loadModule("../people.js")).toThrow(ReferenceError);
    expect(() => loadModule(Symbol("x"))).toThrow(TypeError);
    expect(() => loadModule(thrower)).toThrow("thrown by toString");
  });
});
