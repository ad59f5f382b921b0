/** A bundle and a state that are too much, or not what they should be. */
import { execFileSync } from "node:child_process";
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { stateFor } from "../support/executable.ts";
import { driverFolder, HostileRoot } from "../support/hostile-root.ts";
import { scratchDirectory } from "../support/scratch.ts";

const addressSpace = 96 << 20;
const args = ["update-ldcache", "--folder", driverFolder];

let root: HostileRoot;
beforeEach(() => {
  root = new HostileRoot();
});

function expectRefused(stdin: string, more: readonly string[] = []): string {
  const result = root.attack([...args, ...more], { stdin, addressSpace });
  expect(result.status).toBe(1);
  expect(result.errors).toHaveLength(1);
  return result.errors[0] ?? "";
}

describe("config.json", () => {
  function bundleWith(config: string): string {
    const bundle = scratchDirectory();
    writeFileSync(join(bundle, "config.json"), config);
    return JSON.stringify({ ociVersion: "1.0.2", bundle });
  }

  test("of 1 GiB, sparse: refused by its size, without reading it", () => {
    const bundle = scratchDirectory();
    writeFileSync(join(bundle, "config.json"), "");
    truncateSync(join(bundle, "config.json"), 2 ** 30);
    expect(expectRefused(JSON.stringify({ bundle }))).toContain("larger than");
  });

  test("of 8 MiB of brackets, of strings, of nesting", () => {
    for (const text of [
      "[".repeat(4 << 20),
      `{"a":${"[".repeat(1 << 20)}`,
      '{"a":'.repeat(500_000),
      `{"root": "${"\\u0000".repeat(600_000)}"}`,
    ]) {
      expectRefused(bundleWith(text));
    }
  });

  test("a root.path with NUL, with a newline, of a megabyte, of another type", () => {
    const paths = [
      "rootfs\0/etc",
      "\u001b[31m\n",
      "x".repeat(1 << 20),
      null,
      1,
      ["rootfs"],
      { toString: "rootfs" },
      true,
    ];
    for (const path of paths) expectRefused(bundleWith(JSON.stringify({ root: { path } })));
    expectRefused(bundleWith('{"root": {"__proto__": {"path": "rootfs"}}}'));
    expectRefused(bundleWith('{"__proto__": {"root": {"path": "rootfs"}}}'));
  });

  test("a FIFO that nobody writes to does not hold a hook for ever, when its root is in the state", () => {
    const bundle = scratchDirectory();
    execFileSync("mkfifo", [join(bundle, "config.json")]);
    const result = root.attack(args, { stdin: stateFor(root.path, { bundle }) });
    expect(result.status, result.stderr).toBe(0);
  });
});

describe("the state", () => {
  test.each([
    ["nothing", ""],
    ["no JSON", "rootfs"],
    ["half of it", '{"ociVersion":"1.0.2","root":"/'],
    ["an array", "[]"],
    ["null", "null"],
    ["deep", `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`],
    ["8 MiB of spaces", " ".repeat(8 << 20)],
    ["a string of 8 MiB", `{"root":"${"x".repeat(8 << 20)}"}`],
    ["8 MiB of quotes and backslashes", `{"root":"${'\\"'.repeat(4 << 20)}`],
    ["a root with NUL", '{"root":"/tmp\\u0000/x"}'],
    ["a root that is no string", '{"root":{"path":"/tmp"}}'],
    ["control characters", '{"root":"/\\u001b]0;owned\\u0007\\n"}'],
    ["bytes that are no JSON", "\u0000\u0001\u0002"],
  ])("%s: one line, and nothing is touched", (_, stdin) => {
    expectRefused(stdin);
  });

  test("from a file: missing, a folder, 1 GiB", () => {
    const path = join(scratchDirectory(), "state.json");
    expectRefused("", ["--container-spec", path]);
    expectRefused("", ["--container-spec", root.top]);
    writeFileSync(path, "{");
    truncateSync(path, 2 ** 30);
    expectRefused("", ["--container-spec", path]);
  });
});
