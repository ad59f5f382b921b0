import { expect, test } from "vitest";
import { utf8FromString } from "../bytes/text.ts";
import { jsonText } from "./json.ts";

test("UTF-8 is decoded", () => {
  for (const text of ["", "plain", "é", "€ and 𝄞", "\u0000\n"]) expect(jsonText(utf8FromString(text))).toBe(text);
});

test("a byte that is none is kept as a lone surrogate, which JSON escapes", () => {
  expect(JSON.stringify(jsonText("lib\xff\xc3.so"))).toBe('"lib\\udcff\\udcc3.so"');
  // An encoded surrogate, an overlong form, a character that is cut off: none of them is UTF-8.
  expect(jsonText("\xed\xb2\x80")).toBe("\udced\udcb2\udc80");
  expect(jsonText("\xc0\xaf")).toBe("\udcc0\udcaf");
  expect(jsonText("\xe2\x82")).toBe("\udce2\udc82");
});
