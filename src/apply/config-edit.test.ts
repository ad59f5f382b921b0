import { describe, expect, test } from "vitest";
import { changedConfig, type ListChange } from "./config-edit.ts";

const list = (
  remove: readonly number[],
  insert: readonly (readonly [number, readonly string[]])[] = [],
): ListChange => ({
  remove: new Set(remove),
  insert: new Map(insert),
});

describe("a list", () => {
  test.each([
    ["[ 1, 2, 3 ]", list([1]), "[ 1, 3 ]"],
    ["[ 1, 2 ]", list([0, 1]), "[]"],
    ["[\n  1,\n  2\n]", list([0], [[2, ["3"]]]), "[\n  2,\n  3\n]"],
    ["[]", list([], [[0, ["1", "2"]]]), "[1,2]"],
    ["[1,2]", list([0], [[0, ["9"]]]), "[9,2]"],
    ["null", list([], [[0, ["1"]]]), "[1]"],
  ])("%s", (text, change, expected) => {
    expect(changedConfig(`{"a":${text}}`, new Map([["a", change]]), "")).toBe(`{"a":${expected}}`);
  });
});

test("what is not changed keeps its bytes: numbers that no double holds, white space, order, unknown members", () => {
  const text = (items: string): string =>
    `{ "z":9223372036854775807,\t"hooks" : {"x":[{"t":9007199254740993.0, "u":"\\u00e9\xff"}${items}] } ,"a":1e400}\n`;
  const change = new Map([["hooks", new Map([["x", list([1])]])]]);
  expect(changedConfig(text(", {}"), change, "")).toBe(text(""));
});

test("objects and lists that are missing are made, once for what is put into them", () => {
  const one = list([], [[0, ["1"]]]);
  const changes = new Map([
    [
      "l",
      new Map<string, ListChange | Map<string, ListChange>>([
        ["d", one],
        ["r", new Map([["d", one]])],
        ["n", list([])],
      ]),
    ],
  ]);
  expect(changedConfig("{}", changes, "")).toBe('{"l":{"d":[1],"r":{"d":[1]}}}');
  expect(changedConfig('{"l":null,"m":2}', changes, "")).toBe('{"l":{"d":[1],"r":{"d":[1]}},"m":2}');
  expect(changedConfig('{"l":{"r":{"x":0}}}', changes, "")).toBe('{"l":{"r":{"x":0,"d":[1]},"d":[1]}}');
});

test("without changes the text stays, and nothing is made", () => {
  expect(
    changedConfig(
      '{"a":[1] }',
      new Map([
        ["a", list([])],
        ["b", list([])],
      ]),
      "",
    ),
  ).toBe('{"a":[1] }');
});

describe("refused", () => {
  test.each(['{"a":[1],"a":[2]}', '{"A":[1]}', '{"a":{}}', "[]", '{"a":[1]', '{"a":[1]}x'])("%s", (text) => {
    expect(() => changedConfig(text, new Map([["a", list([0])]]), "/b")).toThrow(/^edit \/b: /);
  });
});
