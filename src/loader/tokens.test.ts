import { expect, test } from "vitest";
import { expandTokens } from "./tokens.ts";

const values = { origin: "/opt/a$b", lib: "lib64", platform: undefined };

test.each([
  ["$ORIGIN/../lib", "/opt/a$b/../lib"],
  ["${ORIGIN}x/$LIB", "/opt/a$bx/lib64"],
  ["/usr/$LIB:$ORIGIN", "/usr/lib64:/opt/a$b"],
  ["$ORIGINAL $LIB_ ${LIB $lib $$LIB", "$ORIGINAL $LIB_ ${LIB $lib $lib64"],
  ["$PLATFORM/x", undefined],
  ["", ""],
])("%s is %s", (text, expanded) => {
  expect(expandTokens(text, values, false)).toBe(expanded);
});

test("before 2.28 a token without braces ends at a slash", () => {
  expect(expandTokens("$LIB-x/$LIB/${LIB}-x/$LIB", values, true)).toBe("$LIB-x/lib64/lib64-x/lib64");
  expect(expandTokens("$LIB-x", values, false)).toBe("lib64-x");
});
