import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { scratchDirectory } from "../../test/support/scratch.ts";
import { unifiedDiff } from "./diff.ts";

test("as diff -u has it", () => {
  const numbered = Array.from({ length: 20 }, (_, index) => `${index}\n`);
  const changed = numbered.toSpliced(3, 1, "three\n").toSpliced(12, 0, "new\n").toSpliced(18, 1);
  expect(unifiedDiff(numbered.join(""), changed.join(""), "a", "b").join("")).toBe(`--- a
+++ b
@@ -1,7 +1,7 @@
 0
 1
 2
-3
+three
 4
 5
 6
@@ -10,11 +10,11 @@
 9
 10
 11
+new
 12
 13
 14
 15
 16
-17
 18
 19
`);
  expect(unifiedDiff("a\n", "a\n", "a", "b")).toEqual([]);
  expect(unifiedDiff("", "x", "a", "b")).toEqual([
    "--- a\n",
    "+++ b\n",
    "@@ -0,0 +1 @@\n",
    "+x\n",
    "\\ No newline at end of file\n",
  ]);
});

const text = fc.tuple(fc.array(fc.constantFrom("a", "b", "c", "", "d"), { maxLength: 30 }), fc.boolean());

test("patch makes the new text of the old one", (context) => {
  if (spawnSync("patch", ["--version"]).error) context.skip("needs patch");
  const folder = scratchDirectory();
  const [old, patch, out] = ["old", "patch", "out"].map((name) => join(folder, name)) as [string, string, string];
  fc.assert(
    fc.property(text, text, ([before, one], [after, other]) => {
      const [from, to] = [before.join("\n") + (one ? "\n" : ""), after.join("\n") + (other ? "\n" : "")];
      const lines = unifiedDiff(from, to, "old", "new");
      fc.pre(lines.length > 0);
      writeFileSync(old, from);
      writeFileSync(patch, lines.join(""));
      const { status, stderr, stdout } = spawnSync("patch", ["--silent", "--fuzz=0", "-o", out, old, patch]);
      expect(`${status} ${String(stderr)}${String(stdout)}`).toBe("0 ");
      expect(readFileSync(out, "utf8")).toBe(to);
    }),
    { numRuns: 60 },
  );
});

test("is the shortest one", () => {
  fc.assert(
    fc.property(text, text, ([before], [after]) => {
      const from = before.map((line) => `${line}\n`).join("");
      const to = after.map((line) => `${line}\n`).join("");
      const changed = unifiedDiff(from, to, "a", "b")
        .filter((line) => /^[-+]/u.test(line))
        .slice(2).length;
      expect(changed).toBe(before.length + after.length - 2 * longestCommon(before, after));
    }),
  );
});

/** Length of the longest common subsequence, by the table. */
function longestCommon(one: readonly string[], other: readonly string[]): number {
  let row = other.map(() => 0);
  for (const line of one) {
    const next: number[] = [];
    for (const [at, partner] of other.entries()) {
      next.push(line === partner ? (row[at - 1] ?? 0) + 1 : Math.max(row[at] ?? 0, next[at - 1] ?? 0));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
