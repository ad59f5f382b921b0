/** Debian in EROFS images: what the commands say of an image is what they say of the same files in a folder. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { debianRoot, program, whyNoDebianRoot } from "../support/debian-root.ts";
import { executablePath } from "../support/executable.ts";

const unavailable =
  whyNoDebianRoot() ?? (program("mkfs.erofs") === undefined ? "needs mkfs.erofs (erofs-utils)" : undefined);

let scratch = "";
let folder = "";

interface Told {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the executable; what it tells names `root` where it named the root. */
function run(root: string, ...words: readonly string[]): Told {
  const done = spawnSync(executablePath, [...words, "--root", root], { encoding: "latin1", cwd: scratch });
  const told = (text: string): string => text.replaceAll(root, "ROOT");
  return { status: done.status, stdout: told(done.stdout), stderr: told(done.stderr) };
}

function makeImage(name: string, from: string, ...options: readonly string[]): string {
  const image = join(scratch, name);
  const made = spawnSync("mkfs.erofs", ["--quiet", ...options, image, from], { encoding: "latin1" });
  if (made.status !== 0) throw new Error(made.stderr.slice(-500));
  return image;
}

beforeAll(() => {
  if (unavailable !== undefined) return;
  scratch = mkdtempSync(join(tmpdir(), "cdi-hook-erofs-root-"));
  folder = debianRoot({ suite: "bookworm" });
});
afterAll(() => {
  if (scratch !== "") rmSync(scratch, { recursive: true, force: true });
});

describe.each([
  ["tails behind inodes", []],
  ["no tails, as gVisor wants it", ["-Enoinline_data"]],
  ["chunks", ["--chunksize=4096"]],
] as const)("bookworm, %s", (name, options) => {
  let image = "";
  beforeAll(() => {
    if (unavailable === undefined) image = makeImage(`${name}.img`, folder, ...options);
  });
  afterAll(() => rmSync(image, { force: true }));

  test("ldcache rebuild --output: the same cache, byte for byte", (ctx) => {
    if (unavailable !== undefined) return ctx.skip(unavailable);
    const own = run(image, "ldcache", "rebuild", "--output", "own");
    expect(own).toMatchObject({ status: 0, stderr: "" });
    // In memory, as the folder is kept for others: the links are not made there either.
    expect(run(folder, "ldcache", "rebuild", "--no-links", "--output", "real").status).toBe(0);
    const bytes = readFileSync(join(scratch, "own"));
    expect(bytes.length).toBeGreaterThan(4_000);
    expect(Buffer.compare(bytes, readFileSync(join(scratch, "real")))).toBe(0);
  });

  test.for([
    ["ldcache", "rebuild", "--dry-run", "--json"],
    ["ldcache", "print"],
    ["ldcache", "verify"],
    ["ldcache", "explain", "libc.so.6"],
    ["ldcache", "explain", "libnothing.so.1"],
    ["ldcache", "explain", "--needed", "/bin/bash", "--json"],
  ])("%s %s %s", (words, ctx) => {
    if (unavailable !== undefined) return ctx.skip(unavailable);
    expect(run(image, ...words)).toEqual(run(folder, ...words));
  });
});

test("an image is never written: what would have to be is told, and fails", (ctx) => {
  if (unavailable !== undefined) return ctx.skip(unavailable);
  const tree = join(scratch, "tree");
  spawnSync("cp", ["-a", join(folder, "."), tree]);
  writeFileSync(join(tree, "etc/ld.so.cache"), "old");
  const image = makeImage("stale.img", tree);
  const before = readFileSync(image);
  const refused = run(image, "ldcache", "rebuild");
  expect(refused).toMatchObject({ status: 1, stdout: "" });
  expect(refused.stderr).toContain("write image ROOT: EROFS images are only read");
  expect(run(image, "ldcache", "rebuild", "--to", join(scratch, "other"))).toMatchObject({ status: 1, stdout: "" });
  expect(run(image, "ldcache", "rebuild", "--in-place").status).toBe(1);
  expect(run(image, "ldcache", "rebuild", "--dry-run").stdout).toContain("to be written");
  expect(Buffer.compare(readFileSync(image), before)).toBe(0);
});

test("a compressed image, a cut one and a pipe are refused in one line", (ctx) => {
  if (unavailable !== undefined) return ctx.skip(unavailable);
  const libraries = join(scratch, "libraries");
  spawnSync("mkdir", ["-p", join(libraries, "lib")]);
  spawnSync("cp", [join(folder, "lib/x86_64-linux-gnu/libc.so.6"), join(libraries, "lib")]);
  const words = ["ldcache", "rebuild", "--dry-run", "--glibc", "2.36", "--arch", "x86_64"];
  const compressed = run(makeImage("packed.img", libraries, "-zlz4"), ...words);
  expect(compressed).toMatchObject({ status: 1, stdout: "" });
  expect(compressed.stderr).toMatch(/^cdi-hook: error: .*its files are compressed.*\n$/);
  const whole = readFileSync(makeImage("whole.img", libraries));
  writeFileSync(join(scratch, "cut.img"), whole.subarray(0, 2000));
  expect(run(join(scratch, "cut.img"), ...words)).toMatchObject({ status: 1, stdout: "" });
  spawnSync("mkfifo", [join(scratch, "fifo")]);
  expect(run(join(scratch, "fifo"), ...words).status).toBe(1);
});
