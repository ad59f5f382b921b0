import { describe, expect, test } from "vitest";
import { utf8FromString } from "../bytes/text.ts";
import { ObjectEnd, wholeObject } from "./json.ts";
import { parseState } from "./state.ts";

function ends(...chunks: string[]): (number | undefined)[] {
  const end = new ObjectEnd();
  let text = "";
  return chunks.map((chunk) => {
    text += chunk;
    return end.find(text, "test");
  });
}

describe("ObjectEnd", () => {
  test("finds the end of an object, whatever follows", () => {
    expect(ends('{"a":1}')).toEqual([7]);
    expect(ends(' \n{"a":{"b":{}}} trailing {')).toEqual([16]);
    expect(ends("{}{}")).toEqual([2]);
  });

  test("braces and quotes in strings do not count", () => {
    expect(ends('{"a":"}"}')).toEqual([9]);
    expect(ends('{"a":"\\"}"}')).toEqual([11]);
    expect(ends('{"a":"\\\\"}')).toEqual([10]);
  });

  test("an object may come in any pieces", () => {
    const text = ' {"a\\"}": ["\\\\", {"b": "{\\\\\\""}]}';
    for (let cut = 0; cut <= text.length; cut += 1) {
      expect(ends(text.slice(0, cut), text.slice(cut)).at(-1)).toBe(text.length);
    }
    expect(ends(...text).at(-1)).toBe(text.length);
  });

  test("an object that is not complete has no end", () => {
    expect(ends("", "  ", '{"a":', '"')).toEqual([undefined, undefined, undefined, undefined]);
  });

  test("something else is refused at its first byte", () => {
    expect(() => ends("[1]")).toThrow("not a JSON object");
    expect(() => ends("null")).toThrow("not a JSON object");
  });

  test("nesting has a limit", () => {
    expect(() => ends('{"a":'.repeat(10_000))).toThrow("nested too deeply");
  });
});

describe("wholeObject", () => {
  test("is there when nothing else is", () => {
    expect(wholeObject('{"a":{"b":"}"}}', "test")?.members).toEqual({ a: { b: "}" } });
    expect(wholeObject(' {"a":1}\n', "test")?.members).toEqual({ a: 1 });
  });

  test.each(["", "{", '{"a":', "{}{}", "{} x", "[]", "[{}", '{"a":}', "{}]}", '"}"', "}"])("is not in %j", (text) => {
    expect(wholeObject(text, "test")).toBeUndefined();
  });

  test("is left to ObjectEnd when it may be nested too deeply", () => {
    expect(wholeObject('{"a":'.repeat(600) + "1" + "}".repeat(600), "test")).toBeUndefined();
    expect(wholeObject('{"a":'.repeat(500) + "1" + "}".repeat(500), "test")).toBeDefined();
  });
});

describe("parseState", () => {
  test("reads what runc, crun and runsc write", () => {
    expect(parseState('{"ociVersion":"1.0.2","id":"c","status":"creating","pid":1,"bundle":"/b"}', "test")).toEqual({
      root: undefined,
      bundle: "/b",
      id: "c",
      status: "creating",
      pid: 1,
    });
    expect(parseState('{"pid":-1,"bundle":"/b","root":"rootfs"}', "test")).toMatchObject({ root: "rootfs", pid: -1 });
  });

  test("a member of the wrong type is an error", () => {
    expect(() => parseState('{"root":7}', "test")).toThrow("parse test: root is not a string");
    expect(() => parseState('{"pid":"1"}', "test")).toThrow("pid is not an integer");
  });

  test("what is not JSON is an error", () => {
    expect(() => parseState('{"root":}', "test")).toThrow("parse test: not JSON");
    expect(() => parseState("[]", "test")).toThrow("not a JSON object");
  });

  test("strings become byte strings, escaped or not", () => {
    const bytes = utf8FromString("/ü/日");
    expect(parseState(`{"root":"${bytes}"}`, "test").root).toBe(bytes);
    expect(parseState('{"root":"/\\u00fc/\\u65e5"}', "test").root).toBe(bytes);
    expect(parseState(`{"root":"/\\u00fc/${utf8FromString("日")}"}`, "test").root).toBe(bytes);
  });

  test("bytes that are not UTF-8 stay what they are", () => {
    expect(parseState('{"root":"/\xff\\u0041"}', "test").root).toBe("/\xffA");
  });
});
