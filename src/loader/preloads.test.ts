import { expect, test } from "vitest";
import { ask } from "../../test/support/loader-root.ts";
import { elf, text } from "../../test/support/small-root.ts";

const files = {
  "/bin/p": elf(undefined, { interpreter: "/lib64/ld-linux-x86-64.so.2" }),
  "/d/liba.so": elf("liba.so"),
  "/d/libb.so": elf("libb.so"),
};
const musl = "/lib/ld-musl-x86_64.so.1";

function preloaded(more: Record<string, Uint8Array>, preload?: string): string[] {
  const { preloads } = ask({ ...files, ...more }, { from: "/bin/p", preload });
  return preloads.map(({ name, outcome }) => (outcome === "loaded" ? name : `${name}: ${outcome}`));
}

test("LD_PRELOAD: spaces and colons are between names, tabs and newlines only for musl", () => {
  const preload = "/d/liba.so\n/d/libb.so";
  expect(preloaded({}, " /d/liba.so::/d/libb.so")).toEqual(["/d/liba.so", "/d/libb.so"]);
  expect(preloaded({}, preload)).toEqual([`${preload}: missing`]);
  const own = { "/bin/p": elf(undefined, { interpreter: musl }), [musl]: elf("libc.so") };
  expect(preloaded(own, "/d/liba.so\n\v/d/libb.so\r")).toEqual(["/d/liba.so", "/d/libb.so"]);
});

test("tokens count in a path that is preloaded, not in a name", () => {
  expect(preloaded({}, "/d/$ORIGIN/../liba.so $PLATFORM")).toEqual([
    "/d//bin/../liba.so: missing",
    "$PLATFORM: missing",
  ]);
  expect(preloaded({}, "$ORIGIN/../d/liba.so")).toEqual(["/bin/../d/liba.so"]);
});

test.each([
  ["# one\n/d/liba.so\n# two\n/d/libb.so\n", ["/d/liba.so", "/d/libb.so"]],
  [
    "# a long first comment that is here\n# another one\n# /d/liba.so\n/d/libb.so\n",
    ["nother: missing", "one: missing", "#: missing", "/d/liba.so", "/d/libb.so"],
  ],
  ["/d/liba.so\0/d/libb.so\n", ["/d/liba.so"]],
  ["/d/liba.so\0none /d/libb.so", ["/d/liba.so", "/d/libb.so"]],
  ["/d/liba.so # /d/libb.so", ["/d/liba.so"]],
])("/etc/ld.so.preload: %j", (content, expected) => {
  expect(preloaded({ "/etc/ld.so.preload": text(content) })).toEqual(expected);
});

test("a large file is read in no time", () => {
  const started = performance.now();
  for (const content of ["#\n".repeat(500_000), `${" ".repeat(1_000_000)}x`])
    preloaded({ "/etc/ld.so.preload": text(content) });
  expect(performance.now() - started).toBeLessThan(5000);
});
