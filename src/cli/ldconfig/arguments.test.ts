import { describe, expect, test } from "vitest";
import { parseRequest } from "./arguments.ts";

describe("options", () => {
  test.each<[readonly string[], object]>([
    [[], { print: false, verbose: false, builds: true, links: true, operands: [] }],
    [["-p"], { print: true }],
    [["--print-cache"], { print: true }],
    [["--verb"], { verbose: true }],
    [["-vNX"], { verbose: true, builds: false, links: false, onlyOperands: false }],
    [["-n"], { builds: false, onlyOperands: true }],
    [["-l", "a", "b"], { manual: true, operands: ["a", "b"] }],
    [["-r", "/x", "-C/c", "-f", "conf"], { root: "/x", cache: "/c", conf: "conf" }],
    [["-vr/x"], { verbose: true, root: "/x" }],
    [["-r", "-p"], { root: "-p", print: false }],
    [["-c", "old"], { format: "old" }],
    [["--format=compat"], { format: "compat" }],
    [["--form", "new"], { format: "new" }],
    [["-c", "bogus"], { format: undefined }],
    [["-i", "--ignore-aux-cache", "--i"], { operands: [] }],
    [["/a", "-v", "/b"], { verbose: true, operands: ["/a", "/b"] }],
    [["-v", "--", "-p"], { print: false, operands: ["-p"] }],
    [["-"], { operands: ["-"] }],
  ])("%j", (words, request) => {
    expect(parseRequest(words)).toMatchObject(request);
  });

  test("POSIXLY_CORRECT: the first operand ends them", () => {
    expect(parseRequest(["-v", "/a", "-p"], false)).toMatchObject({ print: false, operands: ["/a", "-p"] });
  });
});

describe("what ends the program", () => {
  test.each([
    [["--help", "--bogus"], "help", ""],
    [["-?"], "help", ""],
    [["--usage"], "usage", ""],
    [["-vV"], "version", ""],
    [["-Z", "--help"], "wrong", "invalid option -- 'Z'"],
    [["--bogus=3"], "wrong", "unrecognized option '--bogus=3'"],
    [["-r"], "wrong", "option requires an argument -- 'r'"],
    [["--format"], "wrong", "option '--format' requires an argument"],
    [["--verbose=3"], "wrong", "option '--verbose' doesn't allow an argument"],
    [["--ver"], "wrong", "option '--ver' is ambiguous; possibilities: '--verbose' '--version'"],
  ])("%j", (words, kind, reason) => {
    expect(parseRequest(words)).toEqual({ kind, reason });
  });
});
