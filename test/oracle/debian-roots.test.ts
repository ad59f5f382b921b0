import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { copyTree, debianRoot, program, whyNoDebianRoot } from "../support/debian-root.ts";
import { runHook, stateFor } from "../support/executable.ts";
import { compareListings, type Listing, listTree } from "../support/tree-listing.ts";
import { firstDifference } from "./cache-dump.ts";
import {
  addDriver,
  amd64,
  arm64,
  arm64Root,
  type LibraryRoot,
  type LibrarySuite,
  libraryRoot,
  linkedCopy,
  type Platform,
  workDirectory,
} from "./library-root.ts";

interface Root {
  name: string;
  root: () => LibraryRoot;
  /** Libraries that the cache has to name at least, so that an empty one passes nowhere. */
  least: number;
}

/** Runs the root's own ldconfig in it. */
type Ldconfig = (root: string) => void;

const suites: LibrarySuite[] = ["bullseye", "bookworm", "trixie"];
const roots: Root[] = suites.flatMap((suite) => [
  { name: `${suite}, minimal`, root: () => ({ path: debianRoot({ suite }) }), least: 60 },
  { name: `${suite}, several hundred libraries, 32-bit ones beside`, root: () => libraryRoot(suite), least: 350 },
]);

/** What an update may leave: links in the libraries' directories, the cache, its configuration. */
const belongsToUpdate =
  /^[-+] "\/(?:(?:usr\/)?lib\/|usr\/local\/nvidia\/lib64\/)[^"]*" link |^[-+] "\/etc\/ld\.so\.(?:cache|conf|conf\.d\/[^"]*)" file /u;

let work = "";
let ours = "";
let theirs = "";

beforeAll(() => {
  if (whyNoDebianRoot() !== undefined) return;
  work = workDirectory();
  ours = join(work, "ours");
  theirs = join(work, "theirs");
});

afterAll(() => {
  if (work !== "") rmSync(work, { recursive: true, force: true });
});

const chrootLdconfig: Ldconfig = (root) => {
  const { status, stderr } = spawnSync("chroot", [root, "ldconfig", "-i"], { encoding: "utf8" });
  if (status !== 0) throw new Error(`ldconfig ends with ${status}: ${stderr}`);
};

function list(root: string): Listing {
  return listTree(root, { without: ["/var/cache/ldconfig", "/dev"], contentBelow: ["/etc"] });
}

function expectSame(least: number): void {
  const [expected, actual] = [theirs, ours].map((root) => readFileSync(join(root, "etc/ld.so.cache")));
  const listings = compareListings(list(theirs), list(ours));
  const lines = [...listings.slice(0, 30), ...firstDifference(expected as Buffer, actual as Buffer)];
  expect(listings.length, lines.join("\n")).toBe(0);
  expect((actual as Buffer).readUInt32LE(20)).toBeGreaterThan(least);
}

function rebuild(root: LibraryRoot, least: number, ldconfig: Ldconfig): void {
  for (const copy of [ours, theirs]) linkedCopy(root, copy);
  const { status, stderr } = runHook(["ldcache", "rebuild", "--root", ours]);
  expect(stderr).toBe("");
  expect(status).toBe(0);
  ldconfig(theirs);
  expectSame(least);
}

function updateLdcache(root: LibraryRoot, least: number, ldconfig: Ldconfig, platform: Platform): void {
  for (const copy of [ours, theirs]) {
    linkedCopy(root, copy);
    addDriver(copy, platform);
  }
  const before = list(ours);
  const folders = [`/usr/lib/${platform.triplet}`, "/usr/local/nvidia/lib64"];
  const flags = folders.flatMap((folder) => ["--folder", folder]);
  const run = (): void => {
    const { status, stderr } = runHook(["update-ldcache", ...flags], { stdin: stateFor(ours) });
    expect(stderr).toBe("");
    expect(status).toBe(0);
  };
  run();
  const changed = compareListings(before, list(ours));
  expect(changed.filter((line) => !belongsToUpdate.test(line))).toEqual([]);
  takeConfiguration();
  // The first run makes libcuda.so.1, the second finds it where libcuda.so leads. The hook is run once.
  ldconfig(theirs);
  ldconfig(theirs);
  expectSame(least);
  const identity = { identity: true, without: ["/dev"], contentBelow: ["/etc"] };
  const first = listTree(ours, identity);
  run();
  expect(compareListings(first, listTree(ours, identity))).toEqual([]);
}

/** ldconfig works from the configuration that the hook left. */
function takeConfiguration(): void {
  for (const name of readdirSync(join(theirs, "etc")).filter((file) => file.startsWith("ld.so.conf")))
    rmSync(join(theirs, "etc", name), { recursive: true });
  for (const name of readdirSync(join(ours, "etc")).filter((file) => file.startsWith("ld.so.conf")))
    copyTree(join(ours, "etc", name), join(theirs, "etc", name));
}

describe.each(roots)("$name", ({ root, least }) => {
  test("ldcache rebuild leaves what ldconfig leaves", (context) => {
    const missing = whyNoDebianRoot();
    if (missing !== undefined) return context.skip(missing);
    rebuild(root(), least, chrootLdconfig);
  });

  test("update-ldcache leaves what ldconfig leaves, and a second start changes nothing", (context) => {
    const missing = whyNoDebianRoot();
    if (missing !== undefined) return context.skip(missing);
    updateLdcache(root(), least, chrootLdconfig, amd64);
  });
});

describe("arm64 bookworm", () => {
  const emulator = program("qemu-aarch64-static");
  const missing = whyNoDebianRoot() ?? (emulator === undefined ? "needs qemu-aarch64-static" : undefined);
  const emulated: Ldconfig = (root) => {
    execFileSync(emulator ?? "", [
      join(root, existsSync(join(root, "sbin/ldconfig")) ? "sbin/ldconfig" : "usr/sbin/ldconfig"),
      "-r",
      root,
      "-i",
    ]);
  };

  test("ldcache rebuild leaves what ldconfig leaves", (context) => {
    if (missing !== undefined) return context.skip(missing);
    rebuild({ path: arm64Root() }, 60, emulated);
  });

  test("update-ldcache leaves what ldconfig leaves", (context) => {
    if (missing !== undefined) return context.skip(missing);
    updateLdcache({ path: arm64Root() }, 60, emulated, arm64);
  });
});
