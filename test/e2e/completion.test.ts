/** Completions of the command line, in real shells. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runHook } from "../support/executable.ts";
import { program } from "../support/debian-root.ts";
import { scratchDirectory } from "../support/scratch.ts";
import { bashOffers, fishOffers, zshLines } from "../support/shells.ts";

/** What is typed behind `cdi-hook`, and what may stand in place of its last word. */
const offers: Readonly<Record<string, readonly string[]>> = {
  "create-s": ["create-symlinks"],
  up: ["update-application-profile", "update-ldcache"],
  no: [],
  "hook chm": ["chmod"],
  "hook ldc": [],
  "--debug ldca": ["ldcache"],
  "--debug=false ldcache re": ["rebuild"],
  "--de": ["--debug"],
  "--log-format js": ["json"],
  "--log-format=js": ["json"],
  "create-symlinks ": [],
  "create-symlinks --li": ["--link"],
  "create-symlinks --link a": [],
  "create-symlinks --link update-ldcache --cont": ["--container-spec"],
  "create-symlinks --csv": [],
  "update-ldcache --folder ro": ["rootfs"],
  "update-ldcache --folder=ro": ["rootfs"],
  "chmod --mode=755 --container-spec roo": ["root.json", "rootfs"],
  "chmod --container-spec=root.": ["root.json"],
  "ldcache rebuild --dis": ["--distro"],
  "ldcache rebuild --distro de": ["debian"],
  "ldcache rebuild --root rootfs --format c": ["compat"],
  "chain noop -- update-l": ["update-ldcache"],
  "chain chmod --mode 755 -- ldc": [],
  "chain app": ["apply-cuda-memory-limits"],
  "completion z": ["zsh"],
  "help ldcache r": ["rebuild"],
  "help enable": ["enable-cuda-compat"],
  man: [],
  "future-hook --cuda": [],
};

/** fish offers no flags behind `--`, and a flag with one dash is several to it. */
const offersElsewhere: typeof offers = {
  "-debug update-ldcache -folder ro": ["rootfs"],
  "chain chmod --mode 755 --path /x -- update-ldcache --fol": ["--folder"],
  "noop -- --fol": [],
};

function scriptFor(shell: string): string {
  const { status, stdout, stderr } = runHook(["completion", shell]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout.toString();
}

/** A folder with something that begins alike. */
function workingDirectory(): string {
  const path = scratchDirectory();
  mkdirSync(join(path, "rootfs"));
  writeFileSync(join(path, "root.json"), "{}");
  return path;
}

/** The table with command lines for keys. */
function linesOf(table: typeof offers): Record<string, readonly string[]> {
  return Object.fromEntries(Object.entries(table).map(([words, offered]) => [`cdi-hook ${words}`, offered]));
}

/** fish also offers words that have the letters elsewhere, names a flag before its value, and ends folders with a slash. */
function beginningAlike(line: string, offered: readonly string[]): string[] {
  const typed = line.split(/[ =]/).at(-1) ?? "";
  const words = offered.map((offer) => offer.replace(/^--.*=/, "").replace(/\/$/, ""));
  return words.filter((word) => word.startsWith(typed));
}

/** What all of the offers begin with, or the word that was typed when there are none. */
function completed(line: string, offered: readonly string[]): string {
  const [first, ...others] = offered;
  if (first === undefined) return line;
  let shared = first;
  for (const other of others) while (!other.startsWith(shared)) shared = shared.slice(0, -1);
  return line.slice(0, Math.max(line.lastIndexOf(" "), line.lastIndexOf("=")) + 1) + shared;
}

describe("a line is completed by", () => {
  test("bash", () => {
    const expected = linesOf({ ...offers, ...offersElsewhere });
    const given = bashOffers(scriptFor("bash"), Object.keys(expected), workingDirectory());
    expect(Object.fromEntries(Object.keys(expected).map((line, at) => [line, given[at]]))).toEqual(expected);
  });

  test("fish", (context) => {
    if (program("fish") === undefined) context.skip("needs fish");
    const expected = linesOf(offers);
    const given = fishOffers(scriptFor("fish"), Object.keys(expected), workingDirectory());
    const offered = Object.keys(expected).map((line, at) => [line, beginningAlike(line, given[at] ?? [])] as const);
    expect(Object.fromEntries(offered)).toEqual(expected);
  });

  test("zsh", (context) => {
    if (program("zsh") === undefined) context.skip("needs zsh");
    const expected = linesOf({ ...offers, ...offersElsewhere });
    const given = zshLines(scriptFor("zsh"), Object.keys(expected), workingDirectory());
    expect(given.map((line) => line.replace(/(?<=\S)[ /]$/, ""))).toEqual(
      Object.entries(expected).map(([line, offered]) => completed(line, offered).replace(/(?<=\S) $/, "")),
    );
  });
});

test("no other shell", () => {
  const { status, stdout, stderr } = runHook(["completion", "csh"]);
  expect({ status, stdout: stdout.toString() }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toContain("bash, zsh, fish");
});
