import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isHostRoot, rootPathOf } from "./bundle.ts";
import type { State } from "./state.ts";

let bundle: string;
beforeEach(() => {
  bundle = mkdtempSync(join(tmpdir(), "bundle-"));
});
afterEach(() => rmSync(bundle, { recursive: true }));

function state(members: Partial<State>): State {
  return { root: undefined, bundle: undefined, id: undefined, status: undefined, pid: undefined, ...members };
}

function config(content: unknown): void {
  writeFileSync(join(bundle, "config.json"), typeof content === "string" ? content : JSON.stringify(content));
}

describe("rootPathOf", () => {
  test("the state's root comes first", () => {
    expect(rootPathOf(state({ root: "/run/c/rootfs", bundle: "/nowhere" }))).toBe("/run/c/rootfs");
    expect(rootPathOf(state({ root: "rootfs", bundle: "/run/c" }))).toBe("/run/c/rootfs");
  });

  test("else root.path of config.json, relative to the bundle", () => {
    config({ root: { path: "rootfs" }, process: { env: ["A=é"] } });
    expect(rootPathOf(state({ bundle }))).toBe(`${bundle}/rootfs`);
    config({ root: { path: "/var/lib/c" } });
    expect(rootPathOf(state({ bundle }))).toBe("/var/lib/c");
  });

  test.each(["", "/", "//", "/.", "/..", "/../..", "/a/..", "/./a/../..//"])("the root %j is refused", (root) => {
    expect(() => rootPathOf(state({ root }))).toThrow(/its path is empty|it is the host's own/);
    config({ root: { path: root } });
    expect(() => rootPathOf(state({ bundle }))).toThrow(/its path is empty|it is the host's own/);
  });

  test("a relative path that climbs to the host's root is refused", () => {
    expect(() => rootPathOf(state({ root: "../../..", bundle: "/run/c" }))).toThrow("it is the host's own");
  });

  test("a bundle that is missing, relative or not there is an error", () => {
    expect(() => rootPathOf(state({}))).toThrow("neither a bundle nor an absolute root");
    expect(() => rootPathOf(state({ root: "rootfs" }))).toThrow("neither a bundle nor an absolute root");
    expect(() => rootPathOf(state({ bundle: "." }))).toThrow("find the bundle .: not an absolute path");
    expect(() => rootPathOf(state({ bundle: "/nowhere" }))).toThrow(
      "open /nowhere/config.json: no such file or directory (ENOENT)",
    );
  });

  test("a config.json without a root, or that is no JSON, is an error", () => {
    config({ process: {} });
    expect(() => rootPathOf(state({ bundle }))).toThrow("it has no root");
    config({ root: { path: 1 } });
    expect(() => rootPathOf(state({ bundle }))).toThrow("root.path is not a string");
    config('{"root": {"path": "rootfs"');
    expect(() => rootPathOf(state({ bundle }))).toThrow("not JSON");
  });

  test("a config.json of many MiB is not read to its end", () => {
    config(" ".repeat(9 * 1024 * 1024));
    expect(() => rootPathOf(state({ bundle }))).toThrow("larger than");
  });
});

test("isHostRoot knows a root's other names", () => {
  expect(isHostRoot("/var/lib")).toBe(false);
  expect(isHostRoot("/var/../lib")).toBe(false);
  expect(isHostRoot("/..hidden")).toBe(false);
});
