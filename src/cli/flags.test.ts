import { describe, expect, test } from "vitest";
import type { Flag } from "../hooks/hook.ts";
import { parseBoolean, parseCommandLine, type Grammar } from "./flags.ts";

const linkForm = /^[^:]+::[^:]+$/;

const grammar: Grammar = {
  globals: [
    { name: "debug", alias: "d", value: "none", help: "", environment: ["A_DEBUG", "B_DEBUG"] },
    { name: "quiet", value: "none", help: "" },
    { name: "format", value: "string", help: "", default: "text", environment: ["A_FORMAT"] },
  ],
  flagsOf: (word) => (word === "work" ? own : undefined),
};
const own: readonly Flag[] = [
  { name: "folder", value: "list", commas: "always", help: "" },
  { name: "link", value: "list", commas: linkForm, help: "" },
  { name: "path", value: "string", default: "/sbin/x", help: "" },
  { name: "gone", value: "string", help: "", removed: true },
];

function parse(...words: string[]): ReturnType<typeof parseCommandLine> {
  return parseCommandLine(words, grammar);
}

describe("a flag and its value", () => {
  test.each([["--folder", "/a"], ["--folder=/a"], ["-folder", "/a"], ["-folder=/a"]])("%s %s", (...words) => {
    expect(parse("work", ...words).flags.list("folder")).toEqual(["/a"]);
  });

  test("may be empty", () => {
    expect(parse("work", "--path", "", "--folder=").flags.text("path")).toBe("");
    expect(parse("work", "--path=").flags.text("path")).toBe("");
    expect(parse("work", "--folder=").flags.list("folder")).toEqual([""]);
  });

  test("the value may begin with a dash, or look like a flag", () => {
    expect(parse("work", "--folder", "-a", "--folder", "--path").flags.list("folder")).toEqual(["-a", "--path"]);
    expect(parse("work", "--folder", "--").flags.list("folder")).toEqual(["--"]);
  });

  test("the value may contain =", () => {
    expect(parse("work", "--path=a=b").flags.text("path")).toBe("a=b");
  });

  test("a string keeps its last value, a list keeps all", () => {
    const { flags } = parse("work", "--path", "1", "--path", "2", "--folder", "a", "--folder", "b");
    expect(flags.text("path")).toBe("2");
    expect(flags.list("folder")).toEqual(["a", "b"]);
  });

  test("a default stands in", () => {
    expect(parse("work").flags.text("path")).toBe("/sbin/x");
    expect(parse("work").flags.given("path")).toBe(false);
  });

  test("the environment stands in before the default", () => {
    const formatWith = (words: string[], environment: Record<string, string>): string =>
      parseCommandLine(words, grammar, (name) => environment[name]).flags.text("format");
    expect(formatWith(["work"], {})).toBe("text");
    expect(formatWith(["work"], { A_FORMAT: "json" })).toBe("json");
    expect(formatWith(["work", "--format="], { A_FORMAT: "json" })).toBe("");
  });

  test("a variable that holds none of the choices is ignored, a word of the command line is not", () => {
    const grammarOfWays: Grammar = {
      globals: [{ name: "way", value: "string", help: "", choices: ["a", "b"], environment: ["A_WAY", "B_WAY"] }],
      flagsOf: () => own,
    };
    const wayWith = (words: string[], environment: Record<string, string>): string =>
      parseCommandLine(words, grammarOfWays, (name) => environment[name]).flags.text("way");
    expect(wayWith(["work"], { A_WAY: "b" })).toBe("b");
    expect(wayWith(["work"], { A_WAY: "c", B_WAY: "a" })).toBe("a");
    expect(wayWith(["work"], { A_WAY: "c", B_WAY: "" })).toBe("");
    expect(wayWith(["work", "--way=c"], { A_WAY: "a" })).toBe("c");
  });

  test("a missing value is an error", () => {
    expect(() => parse("work", "--folder")).toThrow("--folder needs a value");
  });
});

describe("commas", () => {
  test("separate folders", () => {
    expect(parse("work", "--folder", "/a,/b,,/c").flags.list("folder")).toEqual(["/a", "/b", "", "/c"]);
  });

  test("separate links when every piece is one", () => {
    expect(parse("work", "--link", "a::b,c::d").flags.list("link")).toEqual(["a::b", "c::d"]);
    expect(parse("work", "--link", "a,b::c").flags.list("link")).toEqual(["a,b::c"]);
    expect(parse("work", "--link", "a::b,c").flags.list("link")).toEqual(["a::b,c"]);
  });

  test("do not separate a string", () => {
    expect(parse("work", "--path", "a,b").flags.text("path")).toBe("a,b");
  });
});

describe("order", () => {
  test("flags stand before and after the command, and after positionals", () => {
    const line = parse("-d", "work", "x", "--folder", "/a", "y", "--quiet");
    expect(line.command).toBe("work");
    expect(line.flags.isSet("debug")).toBe(true);
    expect(line.flags.isSet("quiet")).toBe(true);
    expect(line.flags.list("folder")).toEqual(["/a"]);
    expect(line.warnings).toEqual([]);
  });

  test("-- ends flags", () => {
    const line = parse("work", "--", "--folder", "/a");
    expect(line.flags.list("folder")).toEqual([]);
    expect(line.warnings).toEqual([]);
  });

  test.each([[["--", "work"]], [["-d", "--", "hook", "work"]], [["--", "hook", "--", "work"]]])(
    "%j: -- before the command does not end those behind it, as in urfave/cli",
    (words) => {
      const line = parseCommandLine([...words, "--folder", "/a", "--", "-x"], { ...grammar, prefix: "hook" });
      expect(line).toMatchObject({ command: "work", warnings: [] });
      expect(line.flags.list("folder")).toEqual(["/a"]);
    },
  );

  test("a lone dash is a positional", () => {
    expect(parse("-").command).toBe("-");
  });

  test("nothing is no command", () => {
    expect(parse().command).toBeUndefined();
    expect(parse("--debug").command).toBeUndefined();
  });
});

test("whether a flag is given that may stand anywhere", () => {
  const given = [
    parse("work", "--path", "debug"),
    parse("work", "-d"),
    parse("--format=x", "work"),
    parse("work", "--new"),
  ];
  expect(given.map(({ givesGlobals }) => givesGlobals)).toEqual([false, true, true, false]);
});

describe("booleans", () => {
  test("take their value after = only", () => {
    expect(parse("work", "--debug=false").flags.isSet("debug")).toBe(false);
    expect(parse("work", "--debug", "false").flags.isSet("debug")).toBe(true);
    expect(parse("work", "-d=T").flags.isSet("debug")).toBe(true);
  });

  test("another value is ignored with a warning", () => {
    const line = parse("work", "--debug=maybe");
    expect(line.flags.isSet("debug")).toBe(false);
    expect(line.warnings).toEqual(["ignoring value --debug=maybe: neither true nor false"]);
  });

  test("the environment counts when the command line says nothing", () => {
    const parseWith = (words: string[], environment: Record<string, string>): boolean =>
      parseCommandLine(words, grammar, (name) => environment[name]).flags.isSet("debug");
    expect(parseWith(["work"], { A_DEBUG: "true" })).toBe(true);
    expect(parseWith(["work"], { B_DEBUG: "1" })).toBe(true);
    expect(parseWith(["work"], { A_DEBUG: "false", B_DEBUG: "true" })).toBe(false);
    expect(parseWith(["work"], { A_DEBUG: "maybe" })).toBe(false);
    expect(parseWith(["work", "--debug=false"], { A_DEBUG: "true" })).toBe(false);
  });

  test("have Go's spellings", () => {
    expect(["1", "t", "T", "true", "TRUE", "True"].map(parseBoolean)).toEqual(Array(6).fill(true));
    expect(["0", "f", "F", "false", "FALSE", "False"].map(parseBoolean)).toEqual(Array(6).fill(false));
    expect(["", "yes", "tRue", "2"].map(parseBoolean)).toEqual(Array(4).fill(undefined));
  });
});

describe("what is not known", () => {
  test("an unknown flag is skipped with its value", () => {
    const line = parse("work", "--new", "value", "--newer=x", "--folder", "/a");
    expect(line.flags.list("folder")).toEqual(["/a"]);
    expect(line.warnings).toEqual(["ignoring unknown flags --new, --newer"]);
  });

  test("a word with a dash is not the value of an unknown flag", () => {
    expect(parse("work", "--new", "--folder", "/a").flags.list("folder")).toEqual(["/a"]);
  });

  test("an unknown flag does not swallow the command", () => {
    expect(parse("--new", "work", "--folder", "/a").command).toBe("work");
    expect(parse("--new", "value", "work").command).toBe("work");
  });

  test("abbreviations do not match", () => {
    const line = parse("work", "--fold", "/a", "--folderx=/b", "-f", "/c");
    expect(line.flags.list("folder")).toEqual([]);
    expect(line.warnings).toEqual(["ignoring unknown flags --fold, --folderx, -f"]);
  });

  test("a removed flag is skipped with its value, which may look like a flag", () => {
    const line = parse("work", "--gone", "--folder", "--folder", "/a");
    expect(line.flags.list("folder")).toEqual(["/a"]);
    expect(line.warnings).toEqual(["ignoring flag --gone: without a meaning today"]);
    expect(parse("work", "--gone").warnings).toHaveLength(1);
  });

  test("an unknown command's flags are nobody's business", () => {
    const line = parse("future", "--folder", "--x", "--debug=maybe");
    expect(line).toMatchObject({ command: "future", known: false, warnings: [] });
    expect(parse("future", "--format")).toMatchObject({ command: "future", known: false, warnings: [] });
  });

  test("what stands before an unknown command is", () => {
    expect(parse("--foldr", "x", "--nex=1", "future", "--z").warnings).toEqual([
      "ignoring unknown flags --foldr, --nex",
    ]);
  });

  test("a warning stays short", () => {
    const line = parse("work", ...Array.from({ length: 1000 }, (_, n) => `--${"x".repeat(200)}${n}`));
    expect(line.warnings).toHaveLength(1);
    expect(line.warnings[0]?.length).toBeLessThan(500);
  });
});

describe("a flag that is not known", () => {
  const asked: string[][] = [];
  const suggesting: Grammar = {
    ...grammar,
    suggest: (name, names) => {
      asked.push([name, ...names]);
      return name === "foldr" ? "folder" : undefined;
    },
  };

  test("has its suggestion behind it, of the flags that still have a meaning", () => {
    const { warnings } = parseCommandLine(["-foldr=/a", "work", "--other", "x"], suggesting);
    expect(warnings).toEqual(["ignoring unknown flags -foldr (did you mean --folder?), --other"]);
    const offered = ["folder", "link", "path", "debug", "quiet", "format"];
    expect(asked).toEqual([
      ["foldr", ...offered],
      ["other", ...offered],
    ]);
  });
});
