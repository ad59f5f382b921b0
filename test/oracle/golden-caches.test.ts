/**
 * Caches that twenty-one releases of glibc's ldconfig wrote for sixteen random trees, as files: ../shared/ldcache-vectors.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { copyTree } from "../support/debian-root.ts";
import { runHook } from "../support/executable.ts";
import { type Listing, listTree } from "../support/tree-listing.ts";
import { firstDifference } from "./cache-dump.ts";
import { absentPeer } from "../support/tally.ts";

interface Expected {
  /** File name of the cache, beside expected.json. */
  cache: string;
  links: Record<string, string>;
}

const vectors = resolve(import.meta.dirname, "../../../shared/ldcache-vectors");
const trees = existsSync(vectors)
  ? readdirSync(vectors)
      .filter((name) => name.startsWith("tree-"))
      .sort()
  : [];
const expected = new Map(
  trees.map((tree) => [
    tree,
    JSON.parse(readFileSync(join(vectors, tree, "expected.json"), "utf8")) as Record<string, Expected>,
  ]),
);
const cases = [...new Set([...expected.values()].flatMap((versions) => Object.keys(versions)))];
let base = "";

beforeAll(() => {
  base = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "cdi-hook-golden-"));
  if (process.getuid?.() !== 0) return;
  for (const tree of trees) {
    mkdirSync(join(base, tree));
    execFileSync("tar", ["--numeric-owner", "-xJf", join(vectors, tree, "tree.tar.xz"), "-C", join(base, tree)]);
  }
});

afterAll(() => rmSync(base, { recursive: true, force: true }));

function generator(version: string): string {
  if (version === "head") return "ldconfig (GNU libc) development release version 2.42.9000";
  return `ldconfig (GNU libc) ${version === "2.33" ? "release" : "stable"} release version ${version}`;
}

function differences(tree: string, version: string, format: string, wanted: Expected): string[] {
  const root = join(base, "copy");
  rmSync(root, { recursive: true, force: true });
  copyTree(join(base, tree), root);
  const glibc = version === "head" ? "2.42" : version;
  const flags = ["--glibc", glibc, "--distro", "upstream", "--arch", "x86_64", "--generator", generator(version)];
  const formatFlags = format === "default" ? [] : ["--format", format];
  const { status, signal, stderr } = runHook(["ldcache", "rebuild", "--root", root, ...flags, ...formatFlags]);
  if (status !== 0) return [`${tree}: cdi-hook ends with ${status ?? signal}: ${stderr.trim()}`];
  const caches = firstDifference(
    readFileSync(join(vectors, tree, wanted.cache)),
    readFileSync(join(root, "etc/ld.so.cache")),
  );
  return [...linkDifferences(wanted.links, listTree(root)), ...caches].map((line) => `${tree}: ${line}`);
}

function linkDifferences(wanted: Record<string, string>, listing: Listing): string[] {
  const links = new Map([...listing].flatMap(([path, { target }]) => (target === undefined ? [] : [[path, target]])));
  return [...new Set([...Object.keys(wanted), ...links.keys()])]
    .filter((path) => wanted[path] !== links.get(path))
    .map(
      (path) =>
        `link ${JSON.stringify(path)}: expected ${JSON.stringify(wanted[path])}, is ${JSON.stringify(links.get(path))}`,
    );
}

describe("golden caches", () => {
  if (cases.length === 0) test("of ldcache-vectors", (context) => context.skip(`${absentPeer}ldcache-vectors`));
  for (const name of cases) {
    const [version = "", format = ""] = name.split("-");
    test(`glibc ${version}, ${format} format`, (context) => {
      if (process.getuid?.() !== 0) return context.skip("needs root (the trees' owners)");
      const failures = trees.map((tree) => {
        const wanted = expected.get(tree)?.[name];
        return wanted === undefined ? [] : differences(tree, version, format, wanted);
      });
      const failed = failures.filter((lines) => lines.length > 0);
      expect(failed.length, failed[0]?.slice(0, 40).join("\n")).toBe(0);
    });
  }
});
