/** `ldcache verify` and `ldcache rebuild --dry-run`: they say what a rebuild does, find what ldconfig leaves right, and write nothing. */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { forgeElf, MACHINE } from "../support/elf-forge.ts";
import { runHook } from "../support/executable.ts";
import { writeTree } from "../support/tree-entries.ts";
import { generateTree } from "../support/tree-generator.ts";
import { compareListings, listTree } from "../support/tree-listing.ts";
import { machineLdconfig } from "./machine-ldconfig.ts";

const oracle = machineLdconfig();
const seeds = Number(process.env["ORACLE_DRY_SEEDS"] ?? 20);
let base = "";
let root = "";

beforeAll(() => {
  base = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "cdi-hook-verify-"));
  root = join(base, "root");
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

interface Link {
  path: string;
  target: string | null;
  change: string;
}
interface Difference {
  facts: { fact: string }[];
  added: { name: string; path: string }[];
  removed: { name: string; path: string }[];
  changed: { after: { name: string } }[];
}
interface Verification {
  current: boolean;
  difference: Difference | null;
  dangling: { path: string }[];
  links: Link[];
}
interface Rebuild {
  written: boolean;
  dryRun: boolean;
  bytes: number;
  entries: number;
  links: Link[];
  difference: Difference | null;
}

interface Result {
  status: number | null;
  document: unknown;
}

/** Runs a command with `--json`. */
function run(args: readonly string[]): Result {
  const { status, stdout, stderr } = runHook(["ldcache", ...args, "--root", root, "--json"]);
  if (stdout.length === 0) throw new Error(stderr);
  return { status, document: JSON.parse(stdout.toString()) as unknown };
}

/** The same for a command that must not change the tree. */
function look(args: readonly string[]): Result {
  const options = { identity: true, contentBelow: ["/etc"] };
  const before = listTree(root, options);
  const result = run(args);
  expect(compareListings(before, listTree(root, options))).toEqual([]);
  return result;
}

function verify(...flags: readonly string[]): { status: number | null; document: Verification } {
  const { status, document } = look(["verify", ...flags]);
  return { status, document: document as Verification };
}

function rebuild(...flags: readonly string[]): { status: number | null; document: Rebuild } {
  const args = ["rebuild", ...flags];
  const { status, document } = flags.includes("--dry-run") ? look(args) : run(args);
  return { status, document: document as Rebuild };
}

const elf = (soname: string): Uint8Array =>
  forgeElf({ bits: 64, machine: MACHINE.EM_X86_64, sonames: [soname], needed: ["libc.so.6"] });

describe("what ldconfig left", () => {
  beforeEach((context) => {
    if (typeof oracle === "string") return context.skip(oracle);
    rmSync(root, { recursive: true, force: true });
    for (const folder of ["etc", "opt/a", "sbin"]) mkdirSync(join(root, folder), { recursive: true });
    copyFileSync(oracle.path, join(root, "sbin/ldconfig"));
    writeFileSync(join(root, "etc/ld.so.conf"), "/opt/a\n");
    for (const name of ["libone", "libtwo"]) writeFileSync(join(root, `opt/a/${name}.so.1.2`), elf(`${name}.so.1`));
    const { status, stderr } = spawnSync(oracle.path, ["-r", root, "-i"], { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
    rmSync(join(root, "var"), { recursive: true, force: true });
  });

  test("is right", () => {
    expect(verify()).toMatchObject({ status: 0, document: { current: true, links: [], dangling: [] } });
    expect(runHook(["ldcache", "verify", "--root", root]).stdout.toString()).toContain(
      "is right, 2 entries; as ldconfig",
    );
  });

  test("and a library that went away makes its entry stale", () => {
    unlinkSync(join(root, "opt/a/libone.so.1.2"));
    const { status, document } = verify();
    expect(status).toBe(1);
    expect(document.difference?.removed.map(({ name }) => name)).toEqual(["libone.so.1"]);
    expect(document.dangling.map(({ path }) => path)).toEqual(["/opt/a/libone.so.1"]);
    expect(document.links).toMatchObject([{ path: "/opt/a/libone.so.1", target: null, change: "removed" }]);
    const { stdout } = runHook(["ldcache", "verify", "--root", root]);
    expect(stdout.toString()).toMatch(
      /^stale: libone\.so\.1 \(libc6,x86-64\) => \/opt\/a\/libone\.so\.1: its file is gone$/m,
    );
  });

  test("and a library that came is missing", () => {
    writeFileSync(join(root, "opt/a/libthree.so.3"), elf("libthree.so.3"));
    const { status, document } = verify();
    expect(status).toBe(1);
    expect(document.difference?.added.map(({ name }) => name)).toEqual(["libthree.so.3"]);
    expect(document.links).toEqual([]);
  });

  test("and a link to an older version is to be replaced, the cache being right", () => {
    writeFileSync(join(root, "opt/a/libone.so.1.10"), elf("libone.so.1"));
    const { status, document } = verify();
    expect(status).toBe(1);
    expect(document).toMatchObject({
      current: false,
      difference: { added: [], removed: [], changed: [] },
      links: [{ path: "/opt/a/libone.so.1", target: "libone.so.1.10", change: "replaced" }],
    });
  });

  test("and a library of another machine is a changed entry", () => {
    writeFileSync(
      join(root, "opt/a/libtwo.so.1.2"),
      forgeElf({ bits: 32, machine: MACHINE.EM_386, sonames: ["libtwo.so.1"], needed: ["libc.so.6"] }),
    );
    const { status, document } = verify();
    expect(status).toBe(1);
    expect(document.difference?.changed.map(({ after }) => after.name)).toEqual(["libtwo.so.1"]);
  });

  test("and another generator, or format, is a fact", () => {
    for (const [flags, fact] of [
      [["--generator", "me"], "generator"],
      [["--format", "compat"], "format"],
    ] as const) {
      const { status, document } = verify(...flags);
      expect(status).toBe(1);
      expect(document.difference?.facts.map((each) => each.fact)).toEqual([fact]);
    }
  });

  test("and none at all is told", () => {
    unlinkSync(join(root, "etc/ld.so.cache"));
    expect(verify()).toMatchObject({ status: 1, document: { current: false, difference: null } });
    expect(runHook(["ldcache", "verify", "--root", root]).stdout.toString()).toContain("(there is none)");
  });

  test("and a damaged one is an error with the file and the byte", () => {
    const cache = readFileSync(join(root, "etc/ld.so.cache"));
    cache.writeUInt32LE(0x7fffffff, 52);
    writeFileSync(join(root, "etc/ld.so.cache"), cache);
    const { status, stderr } = runHook(["ldcache", "verify", "--root", root]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/read \/etc\/ld\.so\.cache: .*key of entry 0 at byte 48/);
  });

  test("and entries for what is in the way of a link dangle, and are right all the same", () => {
    symlinkSync("libone.so.1.2", join(root, "opt/a/libother.so"));
    writeFileSync(join(root, "opt/a/libslash.so"), elf("sub/libslash.so"));
    spawnSync("/sbin/ldconfig", ["-r", root, "-i"]);
    rmSync(join(root, "var"), { recursive: true, force: true });
    const { status, document } = verify();
    expect(status).toBe(0);
    expect(document).toMatchObject({ current: true, dangling: [{ path: "/opt/a/sub/libslash.so" }] });
  });
});

test(
  "a dry run says what the rebuild then does, on random trees",
  (context) => {
    if (typeof oracle === "string") return context.skip(oracle);
    let changes = 0;
    for (let seed = 1; seed <= seeds; seed += 1) {
      rmSync(root, { recursive: true, force: true });
      mkdirSync(root);
      writeTree(root, generateTree(seed));
      const dry = rebuild("--dry-run", ...oracle.profile);
      const wet = rebuild(...oracle.profile);
      expect(dry, `seed ${seed}`).toMatchObject({ status: 0, document: { dryRun: true, written: false } });
      expect({ ...dry.document, dryRun: false, written: true }, `seed ${seed}`).toEqual(wet.document);
      changes += wet.document.links.length;
      const verified = verify(...oracle.profile);
      const again = rebuild(...oracle.profile);
      const changed = again.document.written || again.document.links.some(({ change }) => change !== "failed");
      expect(verified, `seed ${seed}`).toMatchObject({ status: changed ? 1 : 0, document: { current: !changed } });
      expect(verified.document.links).toEqual(again.document.links);
    }
    expect(changes, "some of the trees have links to mend").toBeGreaterThan(10);
  },
  300_000 * Math.max(1, seeds / 20),
);
