import { describe, expect, test } from "vitest";
import { linkForm, parseLinks } from "./link-argument.ts";

describe("parseLinks", () => {
  test("target verbatim, link as directory and name", () => {
    expect(parseLinks(["libcuda.so.1::/usr/lib/libcuda.so"])).toEqual([
      { target: "libcuda.so.1", parent: "/usr/lib", name: "libcuda.so" },
    ]);
    expect(parseLinks(["../a/./b/::lib/x", "a::b", "a::/c//"])).toEqual([
      { target: "../a/./b/", parent: "/lib", name: "x" },
      { target: "a", parent: "/", name: "b" },
      { target: "a", parent: "/", name: "c" },
    ]);
  });

  test.each(["", "a", "a:b", "a::b::c", "::", "a::", "::b", "a::/", "a::..", "a::/b/..", "a::.", "a::::b"])(
    "%j is malformed",
    (argument) => {
      expect(() => parseLinks(["x::y", argument])).toThrow("parse --link");
    },
  );

  test("a lone colon belongs to its side", () => {
    expect(parseLinks(["a:b::/c:d", "a:::b"])).toEqual([
      { target: "a:b", parent: "/", name: "c:d" },
      { target: "a", parent: "/", name: ":b" },
    ]);
  });

  test("what is said twice counts once, the last different target wins", () => {
    expect(parseLinks(["a::/l", "b::/m", "c::/l", "a::/l"])).toEqual([
      { target: "b", parent: "/", name: "m" },
      { target: "c", parent: "/", name: "l" },
    ]);
  });

  test("a megabyte of colons is decided at once", () => {
    expect(linkForm.test(":".repeat(1_000_000))).toBe(false);
  });
});
