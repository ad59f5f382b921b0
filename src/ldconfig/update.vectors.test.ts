/** Random trees, and what glibc's own ldconfig of twenty-one releases made of them. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { copyTree } from "../../test/support/debian-root.ts";
import { scratchDirectory } from "../../test/support/scratch.ts";
import { listTree } from "../../test/support/tree-listing.ts";
import { Root } from "../rootfs/root.ts";
import { profileFor } from "./profile.ts";
import { update } from "./update.ts";

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

describe("caches and links that real ldconfigs made", () => {
  if (trees.length === 0) test.skip("needs the golden caches", () => undefined);
  else if (process.getuid?.() !== 0) test.skip("needs root", () => undefined);
  else {
    test.each(trees)("%s", (tree) => {
      const folder = join(vectors, tree);
      const expected = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) as Record<string, Expected>;
      const pristine = join(scratchDirectory(), "pristine");
      mkdirSync(pristine);
      execFileSync("tar", ["--numeric-owner", "-xJf", join(folder, "tree.tar.xz"), "-C", pristine]);
      const different: string[] = [];
      for (const [name, { cache, links: expectedLinks }] of Object.entries(expected)) {
        const [version = "", format] = name.split("-");
        const path = `${pristine}-${name}`;
        copyTree(pristine, path);
        const profile = profileFor({
          glibc: version === "head" ? "2.42.9000" : version,
          distribution: "upstream",
          architecture: "x86-64",
          format: format === "compat" ? "compat" : undefined,
        });
        using root = Root.open(path);
        const { bytes } = update(root, profile, { links: true, log });
        if (!readFileSync(join(folder, cache)).equals(bytes)) different.push(`${name}: cache`);
        if (!readFileSync(join(path, "etc/ld.so.cache")).equals(bytes)) different.push(`${name}: file`);
        try {
          expect(links(path)).toEqual(expectedLinks);
        } catch (error) {
          different.push(`${name}: links: ${String(error).slice(0, 2000)}`);
        }
        if (update(root, profile, { links: true, log }).changed) different.push(`${name}: second run`);
      }
      expect(different).toEqual([]);
    });
  }
});
