/** Random trees, and what glibc's own ldconfig of twenty-one releases made of them. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { copyTree } from "../../test/support/debian-root.ts";
import { scratchDirectory } from "../../test/support/scratch.ts";
import { listTree } from "../../test/support/tree-listing.ts";
import { KernelRoot } from "../rootfs/kernel-root.ts";
import { profileFor } from "./profile.ts";
import { update } from "./update.ts";
import { absentPeer } from "../../test/support/tally.ts";

const vectors = resolve(import.meta.dirname, "../../../shared/ldcache-vectors");
const trees = existsSync(vectors) ? readdirSync(vectors).filter((name) => name.startsWith("tree-")) : [];

interface Expected {
  readonly cache: string;
  readonly links: Readonly<Record<string, string>>;
}

const log = { debugging: false, debug: () => undefined, warn: () => undefined };

function links(root: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [path, file] of listTree(root, { contentBelow: [] }))
    if (file.target !== undefined) found[path] = file.target;
  return found;
}

/** Releases that differ in what they do; test/oracle has all of them, through the executable. */
const cases = [
  "2.17-compat",
  "2.31-default",
  "2.33-default",
  "2.36-default",
  "2.37-default",
  "2.39-compat",
  "head-default",
];

function differences(pristine: string, folder: string, name: string, expected: Expected): string[] {
  const [version = "", format] = name.split("-");
  const path = `${pristine}-${name}`;
  copyTree(pristine, path);
  const profile = profileFor({
    glibc: version === "head" ? "2.42.9000" : version,
    distribution: "upstream",
    architecture: "x86-64",
    format: format === "compat" ? "compat" : undefined,
  });
  using root = KernelRoot.open(path);
  const { bytes, changed } = update(root, profile, { links: true, log });
  const again = update(root, profile, { links: true, log });
  const found: string[] = [];
  if (!readFileSync(join(folder, expected.cache)).equals(bytes)) found.push(`${name}: cache`);
  if (!readFileSync(join(path, "etc/ld.so.cache")).equals(bytes)) found.push(`${name}: file`);
  if (!changed || again.changed) found.push(`${name}: second run`);
  const made = links(path);
  for (const link of new Set([...Object.keys(expected.links), ...Object.keys(made)])) {
    if (expected.links[link] !== made[link]) found.push(`${name}: ${link} -> ${made[link]}`);
  }
  return found;
}

describe("caches and links that real ldconfigs made", () => {
  test.for(trees.length === 0 ? ["of ldcache-vectors"] : trees.slice(0, 5))("%s", (tree, context) => {
    if (trees.length === 0) context.skip(`${absentPeer}ldcache-vectors`);
    if (process.getuid?.() !== 0) context.skip("needs root, as the trees have owners");
    const folder = join(vectors, tree);
    const expected = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) as Record<string, Expected>;
    const pristine = join(scratchDirectory(), "pristine");
    mkdirSync(pristine);
    execFileSync("tar", ["--numeric-owner", "-xJf", join(folder, "tree.tar.xz"), "-C", pristine]);
    const found = cases.flatMap((name) => {
      const wanted = expected[name];
      return wanted === undefined ? [] : differences(pristine, folder, name, wanted);
    });
    expect(found).toEqual([]);
  });
});
