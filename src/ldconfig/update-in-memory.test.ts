import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { scratchDirectory } from "../../test/support/scratch.ts";
import { writeTree } from "../../test/support/tree-entries.ts";
import { generateTree } from "../../test/support/tree-generator.ts";
import { compareListings, listTree } from "../../test/support/tree-listing.ts";
import type { Log } from "../logger.ts";
import { carryOut } from "../rootfs/changes.ts";
import { KernelRoot } from "../rootfs/kernel-root.ts";
import { overlayOf } from "../rootfs/overlay.ts";
import type { Root } from "../rootfs/root.ts";
import { profileFor } from "./profile.ts";
import { update } from "./update.ts";

const seeds = 12;
const log: Log = { debugging: false, debug: () => undefined, warn: () => undefined };
const profile = profileFor({ glibc: "2.36", distribution: "upstream", architecture: "x86-64" });

/** Two copies made in the same order, so that their directories are read in the same order. */
function copies(seed: number): { done: string; forecast: string } {
  const base = scratchDirectory();
  const [done = "", forecast = ""] = ["done", "forecast"].map((name) => {
    mkdirSync(join(base, name));
    writeTree(join(base, name), generateTree(seed));
    return join(base, name);
  });
  return { done, forecast };
}

describe("an update in memory forecasts what an update does", () => {
  test.each(Array.from({ length: seeds }, (_, at) => at + 1))("tree %i", (seed) => {
    for (const settle of [false, true]) {
      const { done, forecast } = copies(seed);
      const work = (root: Root): unknown => {
        const { links, entries, bytes } = update(root, profile, { links: true, settle, log });
        return { links, entries, bytes };
      };
      using real = KernelRoot.open(done);
      using other = KernelRoot.open(forecast);
      using tree = overlayOf(other);
      const before = listTree(forecast);
      expect(work(tree)).toEqual(work(real));
      expect(compareListings(listTree(forecast), before)).toEqual([]);
      carryOut(tree.changes, other);
      expect(compareListings(listTree(forecast), listTree(done))).toEqual([]);
    }
  });
});
