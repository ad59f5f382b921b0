import { expect, test } from "vitest";
import { utf8FromString } from "../bytes/text.ts";
import { table, type Column } from "./table.ts";
import { columnsOf, fitted, type Terminal } from "./terminal.ts";

const pipe: Terminal = { isTerminal: false, columns: Infinity, coloured: false };
const narrow: Terminal = { isTerminal: true, columns: 40, coloured: false };
const columns: readonly Column[] = [
  { title: "name" },
  { title: "size", align: "right" },
  { title: "path", cut: "start" },
  { title: "why", cut: "end" },
];
const long = `/${"folder/".repeat(10)}libx.so.1`;

test("columns are as wide as their widest cell, without blanks at the end", () => {
  expect(
    table(
      columns,
      [
        ["a", "1", "/x", ""],
        ["longer", "1000", "/y", "z"],
      ],
      pipe,
    ),
  ).toBe("name    size  path  why\na          1  /x\nlonger  1000  /y    z\n");
});

test("nothing is cut on a pipe", () => {
  expect(table(columns, [["a", "1", long, "w".repeat(300)]], pipe)).toContain(`${long}  ${"w".repeat(300)}\n`);
});

test("at a terminal every line fits, paths keep their end", () => {
  const lines = table(columns, [["a", "1", long, "w".repeat(30)]], narrow).split("\n");
  for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(40);
  expect(lines[1]).toContain(utf8FromString("…"));
  expect(lines[1]).toContain("libx.so.1 ");
});

test("what has no room at all is as narrow as it gets", () => {
  expect(table([{ title: "x" }], [["y".repeat(50)]], narrow)).toBe(`x\n${"y".repeat(50)}\n`);
});

test("a name cannot forge a line or reach the terminal", () => {
  expect(table([{ title: "name" }], [["a\nb\x1b[2J"]], narrow)).toBe("name\na\\nb\\x1b[2J\n");
});

test("styles show where colours are wanted only", () => {
  const rows = [[{ text: "bad", style: "red" } as const]];
  expect(table([{ title: "x" }], rows, narrow)).toBe("x\nbad\n");
  expect(table([{ title: "x" }], rows, { ...narrow, coloured: true })).toBe("\x1b[1mx\x1b[0m\n\x1b[31mbad\x1b[0m\n");
});

test("characters of several bytes take one column and are never split", () => {
  const text = utf8FromString("ÄÖÜ€abc");
  expect(columnsOf(text)).toBe(7);
  expect(fitted(text, 7)).toBe(text);
  expect(fitted(text, 4)).toBe(utf8FromString("ÄÖÜ…"));
  expect(fitted(text, 5, "start")).toBe(utf8FromString("…€abc"));
});
