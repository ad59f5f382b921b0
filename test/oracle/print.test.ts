/** `ldcache print` and `cdi-hook ldconfig -p` beside `ldconfig -p`, line for line. */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { debianRoot, whyNoDebianRoot } from "../support/debian-root.ts";
import { runHook } from "../support/executable.ts";
import { absentPeer } from "../support/tally.ts";
import { libraryRoot, type LibrarySuite, linkedCopy, workDirectory } from "./library-root.ts";
import { machineLdconfig } from "./machine-ldconfig.ts";

const oracle = machineLdconfig();
const suites: LibrarySuite[] = ["bullseye", "bookworm", "trixie"];
const vectors = resolve(import.meta.dirname, "../../../shared/ldcache-vectors");
let base = "";

beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "cdi-hook-print-"));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** What a program prints, byte for byte; throws when it fails. */
function output(program: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "latin1", maxBuffer: 64 << 20 });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} ends with ${status}: ${stderr}`);
  return stdout;
}

function ours(args: readonly string[]): string {
  const { status, stdout, stderr } = runHook(args);
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return stdout.toString("latin1");
}

test("this machine's own cache", (context) => {
  if (typeof oracle === "string") return context.skip(oracle);
  if (!existsSync("/etc/ld.so.cache")) return context.skip("needs /etc/ld.so.cache");
  const copy = join(base, "copy");
  copyFileSync("/etc/ld.so.cache", copy);
  const theirs = output(oracle.path, ["-p", "-C", copy]);
  expect(theirs.split("\n").length).toBeGreaterThan(20);
  expect(ours(["ldcache", "print", copy])).toBe(theirs);
  expect(ours(["ldconfig", "-p", "-C", copy])).toBe(theirs);
});

describe.each(suites)("%s", (suite) => {
  test("a minimal root, and one with several hundred libraries, 32-bit ones beside", (context) => {
    const missing = whyNoDebianRoot();
    if (missing !== undefined) return context.skip(missing);
    const work = workDirectory();
    try {
      const copy = join(work, "root");
      for (const root of [{ path: debianRoot({ suite }) }, libraryRoot(suite)]) {
        linkedCopy(root, copy);
        output("chroot", [copy, "ldconfig", "-i"]);
        const theirs = output("chroot", [copy, "ldconfig", "-p"]);
        expect(theirs.split("\n").length).toBeGreaterThan(60);
        expect(ours(["ldcache", "print", "--root", copy])).toBe(theirs);
        expect(ours(["ldconfig", "-r", copy, "-p"])).toBe(theirs);
        const document = JSON.parse(ours(["ldcache", "print", "--root", copy, "--json"])) as { entries: unknown[] };
        expect(theirs.startsWith(`${document.entries.length} libs found`)).toBe(true);
        const tree = ours(["ldcache", "print", "--root", copy, "--tree"]);
        expect(tree.split("\n").filter((line) => /^ {2,4}\S/.test(line)).length).toBe(document.entries.length);
      }
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  });
});

describe("golden caches, by this machine's ldconfig", () => {
  const trees = existsSync(vectors) ? readdirSync(vectors).filter((name) => name.startsWith("tree-")) : [];
  if (trees.length === 0) test("of ldcache-vectors", (context) => context.skip(`${absentPeer}ldcache-vectors`));
  test.each(trees.slice(0, 6))("%s", (tree) => {
    if (typeof oracle === "string") return;
    const files = readdirSync(join(vectors, tree)).filter((name) => name.startsWith("cache-"));
    expect(files.length).toBeGreaterThan(20);
    for (const file of files) {
      const path = join(vectors, tree, file);
      // In a compat file ldconfig looks for the folders' names where they are not, and prints whatever is there.
      const isQuirk = file.endsWith("-compat") && readFileSync(path).includes("glibc-hwcaps/");
      const [our, their] = [ours(["ldconfig", "-p", "-C", path]), output(oracle.path, ["-p", "-C", path])].map((text) =>
        isQuirk ? text.replaceAll(/, hwcap: "[^"]*"/g, "") : text,
      );
      expect(our, path).toBe(their);
    }
  });
});
