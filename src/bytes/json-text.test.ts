import { expect, test } from "vitest";
import { MOST_NAMES, hasTooManyNames, isEscaped } from "./json-text.ts";

const padding = " ".repeat(128 << 10);

function objectWith(names: readonly string[], value: unknown = 1): string {
  return `${padding}{${names.map((name) => `${JSON.stringify(name)} : ${JSON.stringify(value)}`).join(",\n")}}`;
}

const many = (count: number): string[] => Array.from({ length: count }, (_, at) => `name ${at}`);

test("as many names as there may be, and one more", () => {
  expect(hasTooManyNames(objectWith(many(MOST_NAMES)))).toBe(false);
  expect(hasTooManyNames(objectWith(many(MOST_NAMES + 1)))).toBe(true);
  expect(hasTooManyNames(JSON.stringify(JSON.parse(objectWith(many(MOST_NAMES + 1)))))).toBe(false); // short
});

test("names with quotes and backslashes are names as well", () => {
  expect(hasTooManyNames(objectWith(many(MOST_NAMES + 1).map((name) => `"${name}\\`)))).toBe(true);
});

test("what is no name does not count: values, and a name that is there again", () => {
  const values = many(3 * MOST_NAMES);
  expect(hasTooManyNames(`${padding}${JSON.stringify(values)}`)).toBe(false);
  expect(hasTooManyNames(`${padding}${JSON.stringify(values.map((value) => ({ name: value, "a:": `": "` })))}`)).toBe(
    false,
  );
});

test("a text that ends within a string, or in a name, is the parser's", () => {
  expect(hasTooManyNames(`${padding}{"a": "b`)).toBe(false);
  expect(hasTooManyNames(`${padding}{"a"`)).toBe(false);
});

test("a quote is escaped by an odd number of backslashes", () => {
  const text = String.raw`"a\\" "b\\\"`;
  expect(isEscaped(text, text.indexOf('" '))).toBe(false);
  expect(isEscaped(String.raw`\"`, 1)).toBe(true);
  expect(isEscaped('"', 0)).toBe(false);
});
