/** `cdi-hook ldconfig` beside ldconfig: what they print, how they end, and what they leave. */
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { copyOfDebianRoot, whyNoDebianRoot } from "../support/debian-root.ts";
import { executablePath } from "../support/executable.ts";
import { compareListings, listTree } from "../support/tree-listing.ts";
import { machineLdconfig } from "./machine-ldconfig.ts";
import { commandLines, compare, ownWords, type Compared, type Outcome } from "./personality-cases.ts";

const oracle = machineLdconfig();
/** Written by this test: `npx vitest run -u test/oracle/personality.test.ts` on Debian 12. */
const page = resolve(import.meta.dirname, "../../docs/ldconfig-options.md");
let base = "";
const compared = new Map<string, Compared>();

beforeAll(() => {
  base = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "cdi-hook-personality-"));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** Where our words are other ones, on purpose: we tell where a fault is. */
function alike(line: string): string {
  return line
    .replace(/^(\S+ldconfig: )\S+:\d+: (?=.* is not a known library type$)/, "$1")
    .replace(/(?<=Malformed extension data in cache file \S+): .* at byte \d+$/, "");
}

function meaning({ status, stdout, stderr }: Outcome): unknown {
  return { status, stdout, stderr: stderr.map(alike).sort() };
}

test.for(commandLines)("ldconfig %s", (commandLine, context) => {
  if (typeof oracle === "string") return context.skip(oracle);
  const result = compare(oracle.path, base, commandLine);
  compared.set(commandLine, result);
  expect(meaning(result.ours)).toEqual(meaning(result.theirs));
  expect(result.trees).toEqual([]);
});

test.for(ownWords)("ldconfig %s, in our own words", (commandLine, context) => {
  if (typeof oracle === "string") return context.skip(oracle);
  const result = compare(oracle.path, base, commandLine);
  compared.set(commandLine, result);
  expect([result.ours.status, result.theirs.status]).toEqual([0, 0]);
  expect([result.ours.stderr, result.theirs.stderr]).toEqual([[], []]);
  // The letters are all told of.
  for (const letter of commandLine.includes("V") || commandLine.includes("version") ? [] : "cCfilnNprvX") {
    expect(result.ours.stdout).toMatch(new RegExp(`-\\w*${letter}\\b|\\[-\\w*${letter}`));
  }
});

test("in the place of a Debian root's own ldconfig", (context) => {
  const missing = whyNoDebianRoot();
  if (missing !== undefined) return context.skip(missing);
  const root = join(base, "debian");
  copyOfDebianRoot({ suite: "bookworm" }, root);
  const cache = join(root, "etc/ld.so.cache");
  const theirs = readFileSync(cache);
  rmSync(cache);
  copyFileSync(executablePath, join(root, "usr/sbin/ldconfig"));
  const before = listTree(root, { without: ["/etc/ld.so.cache"] });
  const run = (...words: string[]): string => execFileSync("chroot", [root, "/sbin/ldconfig", ...words]).toString();
  expect(run()).toBe("");
  expect(readFileSync(cache).equals(theirs)).toBe(true);
  expect(compareListings(before, listTree(root, { without: ["/etc/ld.so.cache"] }))).toEqual([]);
  expect(run("-p")).toContain("libc.so.6 (libc6,x86-64) => /lib/x86_64-linux-gnu/libc.so.6");
  expect(run("--version")).toMatch(/^ldconfig \(cdi-hook .*\) 2\.36$/m);
});

test("the page of options says what both do", async (context) => {
  if (typeof oracle === "string") return context.skip(oracle);
  if (!oracle.profile.includes("2.36")) return;
  const rows = [...compared].map(([commandLine, result]) => rowOf(commandLine, result));
  const text = [
    "# ldconfig's options, ours and glibc's",
    "",
    "Each command line was run by Debian 12's ldconfig and by `cdi-hook` under that name, each in its own copy of a tree that",
    "has something of everything; `ROOT` is the tree, in which they ran. What they left was the same each time. Lines of stderr",
    "are compared without their order. `test/oracle/personality.test.ts` makes this page.",
    "",
    "| ldconfig | exit status | stdout | stderr |",
    "|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
  await expect(text).toMatchFileSnapshot(page);
});

function rowOf(commandLine: string, { ours, theirs }: Compared): string {
  const status = ours.status === theirs.status ? String(ours.status) : `${ours.status}, glibc's ${theirs.status}`;
  const lines = (text: string): string[] => text.split("\n").filter((line) => line !== "");
  const cells = [status, cell(lines(ours.stdout), lines(theirs.stdout)), cell(ours.stderr, theirs.stderr)];
  return `| \`${commandLine}\` | ${cells.join(" | ")} |`;
}

/** What both print; where they differ, what only one of them does. */
function cell(ours: readonly string[], theirs: readonly string[]): string {
  const [only, others] = [ours.filter((line) => !theirs.includes(line)), theirs.filter((line) => !ours.includes(line))];
  if (only.length === 0 && others.length === 0) {
    if (ours.length === 0) return "nothing";
    return ours.length === 1 ? code(ours[0] ?? "") : `the same ${ours.length} lines`;
  }
  const shown = (list: readonly string[]): string =>
    list.length === 0 ? "nothing" : code(list[0] ?? "") + (list.length > 1 ? ` and ${list.length - 1} more` : "");
  const both = ours.length - only.length;
  return `${both > 0 ? `${both} lines the same; ` : ""}ours: ${shown(only)}; glibc's: ${shown(others)}`;
}

function code(line: string): string {
  const steady = line
    .replace(/(?<=^ldconfig \()[^)]*(?=\) )/, (name) =>
      name.replace(/cdi-hook .*/, "cdi-hook VERSION").replace(/deb12u\d+/, "deb12uN"),
    )
    .replace("/sbin/ldconfig: ", "")
    .replaceAll("|", "\\|")
    .trim();
  return `\`\` ${steady} \`\``;
}
