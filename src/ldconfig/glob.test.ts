import { describe, expect, test } from "vitest";
import { scratchDirectory } from "../../test/support/scratch.ts";
import { writeTree } from "../../test/support/tree-entries.ts";
import { KernelRoot } from "../rootfs/kernel-root.ts";
import type { Root } from "../rootfs/root.ts";
import { ConfigurationFolders } from "./configuration-folders.ts";
import { ComponentMatcher, glob } from "./glob.ts";

const text = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value, "latin1"));

describe("one component", () => {
  test.each([
    ["*.conf", "a.conf", true],
    ["*.conf", ".conf", false],
    [".*", ".conf", true],
    ["[.]x", ".x", false],
    ["?x", ".x", false],
    ["a?c", "abc", true],
    ["a?c", "ac", false],
    ["*a*b*", "xxaybz", true],
    ["*a*b*", "xxbyaz", false],
    ["**", "x", true],
    ["[abc]", "b", true],
    ["[!abc]", "b", false],
    ["[^abc]", "d", true],
    ["[]a]", "]", true],
    ["[!]a]", "]", false],
    ["[a-c]x", "bx", true],
    ["[c-a]", "b", false],
    ["[a-]", "-", true],
    ["[[:digit:]]", "7", true],
    ["[[:digit:]]", "x", false],
    ["[[:nonsense:]]", "n]", true],
    ["[[.-.]]", "-", true],
    ["[\\]]", "]", true],
    ["[abc", "[abc", true],
    ["\\*", "*", true],
    ["\\*", "x", false],
    ["x\\", "x\\", false],
    ["\xe9*", "\xe9t\xe9", true],
    ["{a,b}", "a", false],
    ["~", "~", true],
    ["", "", false],
  ])("%j, %j: %s", (pattern, name, matches) => {
    expect(new ComponentMatcher(pattern).matches(name)).toBe(matches);
  });

  test("a pattern made to backtrack takes no time", () => {
    const matcher = new ComponentMatcher(`${"*a".repeat(100)}*b`);
    const start = Date.now();
    expect(matcher.matches("a".repeat(255))).toBe(false);
    expect(Date.now() - start).toBeLessThan(1000);
  });
});

describe("in a root", () => {
  const files = ["etc/a.conf", "etc/B.conf", "etc/10-z.conf", "etc/.hidden.conf", "opt/one/x.conf", "opt/two/x.conf"];

  function root(): Root {
    const path = scratchDirectory();
    writeTree(path, [
      ...["/etc", "/opt", "/opt/one", "/opt/two"].map((directory) => ({ kind: "directory", path: directory }) as const),
      ...files.map((file) => ({ kind: "file", path: `/${file}`, bytes: text("x") }) as const),
      { kind: "link", path: "/opt/gone.conf", target: "nowhere" },
      { kind: "link", path: "/link", target: "/opt" },
      { kind: "link", path: "/outside", target: "../../../../../../.." },
    ]);
    return KernelRoot.open(path);
  }

  test.each([
    ["/etc/*.conf", ["/etc/10-z.conf", "/etc/B.conf", "/etc/a.conf"]],
    ["etc/a.conf", ["etc/a.conf"]],
    ["e*/a.conf", ["etc/a.conf"]],
    ["//etc///a.*", ["/etc/a.conf"]],
    ["/etc/a.conf", ["/etc/a.conf"]],
    ["/etc/missing.conf", []],
    ["/etc/*.conf/", []],
    ["/etc/a.conf/", ["/etc/a.conf"]],
    ["/etc/.*", ["/etc/.hidden.conf"]],
    ["/etc/.*/B.conf", ["/etc/./B.conf"]],
    ["/opt/.?/etc/a.conf", ["/opt/../etc/a.conf"]],
    ["/opt/*/x.conf", ["/opt/one/x.conf", "/opt/two/x.conf"]],
    ["/link/*/x.conf", ["/link/one/x.conf", "/link/two/x.conf"]],
    ["/opt/g*", ["/opt/gone.conf"]],
    ["/opt/gone.conf", ["/opt/gone.conf"]],
    ["/outside/etc/a*", ["/outside/etc/a.conf"]],
    ["/etc/../etc/a*", ["/etc/../etc/a.conf"]],
  ])("%s", (pattern, paths) => {
    using open = root();
    expect(glob(new ConfigurationFolders(open), pattern, { names: 1000, bytes: 1e6 })).toEqual(paths);
  });

  test("stops when the names that may be looked at are used up", () => {
    using open = root();
    const budget = { names: 3, bytes: 1e6 };
    expect(glob(new ConfigurationFolders(open), "/opt/*/*.conf", budget).length).toBeLessThan(2);
    expect(glob(new ConfigurationFolders(open), "/etc/*.conf", budget)).toEqual([]);
  });

  test("stops when the bytes that may be compared are used up", () => {
    using open = root();
    const budget = { names: 1000, bytes: 1200 };
    const pattern = `/etc/?${"*".repeat(10)}.conf`;
    expect(glob(new ConfigurationFolders(open), pattern, budget)).toHaveLength(3);
    expect(glob(new ConfigurationFolders(open), pattern, budget).length).toBeLessThan(2);
    expect(budget.names).toBe(0);
    expect(glob(new ConfigurationFolders(open), "/etc/a.conf", budget)).toEqual([]);
  });
});
