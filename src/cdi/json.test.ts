import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseJson } from "./json.ts";
import type { Node } from "./node.ts";
import { parseYaml } from "./yaml.ts";

const bytes = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

const decoded = (text: string): string => Buffer.from(text, "latin1").toString("utf8");

/** A tree as the value that JSON.parse has, but for numbers, which stay as they are written. */
function valueOf(node: Node): unknown {
  if (node.kind === "sequence") return node.items.map(valueOf);
  if (node.kind === "mapping") return node.entries.map(({ key, value }) => [decoded(key.value), valueOf(value)]);
  if (node.kind === "alias") throw new Error("an alias");
  return node.style === "quoted" ? decoded(node.value) : { word: node.value };
}

function expectedOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(expectedOf);
  if (typeof value === "object" && value !== null)
    return Object.entries(value).map(([name, member]) => [name, expectedOf(member)]);
  return typeof value === "string" ? value : { word: JSON.stringify(value) };
}

const value = fc.jsonValue({ maxDepth: 4, stringUnit: "grapheme" });
const indent = fc.constantFrom("", "\t", 2);

test("the tree is what JSON.parse makes, at the places where parseYaml has it", () => {
  fc.assert(
    fc.property(value, indent, (each, space) => {
      const text = bytes(JSON.stringify({ a: each }, undefined, space));
      const json = parseJson(text);
      if (!("kind" in json)) throw new Error(json.message);
      expect(valueOf(json)).toEqual(expectedOf({ a: each }));
      const { root, complaints } = parseYaml(text);
      expect(complaints).toEqual([]);
      expect(json).toEqual(root);
    }),
    { numRuns: 200 },
  );
});

test("it takes what JSON.parse takes, and nothing else", () => {
  const sound = (text: string): boolean => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };
  const pieces = fc.array(
    fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"a"',
      '"\\n"',
      '"\\x"',
      '"',
      "1",
      "-",
      "0",
      ".5",
      "e1",
      "01",
      "true",
      "nul",
      " ",
      "\n",
    ),
    { maxLength: 9 },
  );
  fc.assert(
    fc.property(pieces, (all) => {
      const text = all.join("");
      expect("kind" in parseJson(text)).toBe(sound(text));
    }),
    { numRuns: 3000 },
  );
  for (const text of [
    '{"a":1}',
    '[{"a":[]},{}]',
    ' "x" ',
    "-0.5e+3",
    "[1,]",
    '{"a":1,}',
    "{,}",
    "[1 2]",
    '{"a" 1}',
    '"\t"',
  ]) {
    expect([text, "kind" in parseJson(text)]).toEqual([text, sound(text)]);
  }
});

test("escapes become bytes", () => {
  const json = parseJson('["\\u00e9\\ud83d\\ude00\\u0041\\/\\\\", "\xc3\xa9"]');
  expect("kind" in json ? valueOf(json) : json).toEqual(["\u00e9\u{1f600}A/\\", "\u00e9"]);
});

test("where it ends to be JSON is told", () => {
  expect(parseJson('{"a": 1,\n"b" 2}')).toEqual({ offset: 13, message: "a colon is expected" });
  expect(parseJson("[".repeat(101))).toMatchObject({ message: "nested too deeply" });
});
