/** Debian's own programs, with a cache that we wrote: they start, from the cache, with what `ldcache explain` says. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { copyOfDebianRoot, program, whyNoDebianRoot } from "../support/debian-root.ts";
import { runHook } from "../support/executable.ts";
import { starterIn, type Starter } from "./start-in-root.ts";

const missing =
  whyNoDebianRoot() ??
  (process.arch === "x64" ? undefined : "needs an x86-64 machine") ??
  (program("gcc") === undefined ? "needs gcc" : undefined);
const programs = [
  "/usr/bin/apt",
  "/usr/bin/apt-get",
  "/bin/bash",
  "/usr/bin/perl",
  "/usr/bin/dpkg",
  "/bin/ls",
  "/bin/tar",
  "/usr/bin/find",
];

let work = "";
let start: Starter;

beforeAll(() => {
  if (missing !== undefined) return;
  work = mkdtempSync(join(tmpdir(), "cdi-hook-programs-"));
  start = starterIn(work);
});

afterAll(() => {
  if (work !== "") rmSync(work, { recursive: true, force: true });
});

interface Document {
  readonly objects: readonly {
    readonly path: string;
    readonly needs: readonly { readonly attempts: readonly { readonly by: string }[] }[];
  }[];
}

describe.each(["bookworm", "trixie"] as const)("programs of %s", (suite) => {
  test("load from our cache what explain says that they load", (ctx) => {
    if (missing !== undefined) return ctx.skip(missing);
    const root = join(work, suite);
    copyOfDebianRoot({ suite }, root);
    rmSync(join(root, "etc/ld.so.cache"));
    const rebuilt = runHook(["ldcache", "rebuild", "--root", root]);
    expect(rebuilt.status, rebuilt.stderr).toBe(0);
    let libraries = 0;
    for (const path of programs) {
      const { stdout, stderr } = start.run(root, path, { LD_TRACE_LOADED_OBJECTS: "1", LD_DEBUG: "libs" });
      const tried = stderr.match(/(?<=trying file=).*/g) ?? [];
      const explained = runHook(["ldcache", "explain", "--needed", path, "--root", root, "--json"]);
      expect(explained.status, explained.stderr).toBe(0);
      const { objects } = JSON.parse(explained.stdout.toString("latin1")) as Document;
      const loaded = objects.slice(1).map((object) => object.path);
      // Nothing else was tried: every library stood in the cache.
      expect(tried, path).toEqual(loaded);
      const attempts = objects.flatMap(({ needs }) => needs.flatMap((need) => need.attempts));
      expect(attempts.filter(({ by }) => by !== "cache")).toEqual([]);
      for (const library of loaded) expect(stdout).toContain(library);
      libraries += loaded.length;
    }
    expect(libraries).toBeGreaterThan(20);
    for (const path of ["/bin/ls", "/bin/true"]) expect(start.run(root, path, {}).status).toBe(0);
    rmSync(root, { recursive: true });
  });
});
