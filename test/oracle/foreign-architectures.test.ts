/**
 * Root filesystems of other architectures, against their own ldconfig under qemu: the profile is detected, cache and links
 * are equal to the byte, `ldcache print` prints what `ldconfig -p` prints, and `ldcache verify` finds what it left right.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type DebianRoot, debianRoot, keptDebianRoot, program, whyNoDebianRoot } from "../support/debian-root.ts";
import { type ForgedElf, MACHINE } from "../support/elf-forge.ts";
import { runHook } from "../support/executable.ts";
import { generateTree } from "../support/tree-generator.ts";
import { compareListings, type Listing, listTree } from "../support/tree-listing.ts";
import { firstDifference } from "./cache-dump.ts";
import { linkedCopy, workDirectory } from "./library-root.ts";
import { type Comparison, faults, report } from "./random-tree.ts";

/** Random trees for each architecture. */
const seeds = Number(process.env["ORACLE_FOREIGN_SEEDS"] ?? 3);
/** For the trees of one of them, in milliseconds. */
const timeout = 300_000 * Math.max(1, seeds / 20);

interface Foreign {
  suite: DebianRoot["suite"];
  /** What serves where the archive's lists of that suite do not match its signature, as a mirror's may not; first is best. */
  instead?: readonly DebianRoot["suite"][];
  /** Debian's name. */
  architecture: string;
  /** A second architecture, whose libraries are there as well. */
  beside?: string;
  /** qemu's name; undefined for programs that this machine runs itself. */
  emulator?: string;
  /** The processor that qemu is to be, where its usual one does not do. */
  processor?: string;
  /** Our name of it, which cdi-hook has to find out. */
  profile: string;
  triplet: string;
  /** Libraries of random trees. */
  libraries: readonly ForgedElf[];
}

const { EM_386, EM_AARCH64, EM_ARM, EM_MIPS, EM_PPC64, EM_RISCV, EM_S390, EM_X86_64 } = MACHINE;
const armLibraries: readonly ForgedElf[] = [0x5000400, 0x5000200, 0x5000000, 0x4000400].map((flags) => ({
  bits: 32,
  machine: EM_ARM,
  flags,
}));

const architectures: readonly Foreign[] = [
  {
    suite: "bookworm",
    architecture: "amd64",
    profile: "x86-64",
    triplet: "x86_64-linux-gnu",
    libraries: [{ bits: 64, machine: EM_X86_64 }],
  },
  {
    suite: "bookworm",
    architecture: "i386",
    emulator: "i386",
    profile: "i386",
    triplet: "i386-linux-gnu",
    libraries: [{ bits: 32, machine: EM_386 }],
  },
  {
    suite: "bookworm",
    architecture: "arm64",
    emulator: "aarch64",
    profile: "aarch64",
    triplet: "aarch64-linux-gnu",
    libraries: [{ bits: 64, machine: EM_AARCH64 }, ...armLibraries],
  },
  {
    suite: "bookworm",
    architecture: "armhf",
    emulator: "arm",
    profile: "armhf",
    triplet: "arm-linux-gnueabihf",
    libraries: armLibraries,
  },
  {
    suite: "bookworm",
    architecture: "armel",
    emulator: "arm",
    profile: "armel",
    triplet: "arm-linux-gnueabi",
    libraries: armLibraries,
  },
  {
    suite: "bookworm",
    architecture: "ppc64el",
    emulator: "ppc64le",
    profile: "ppc64le",
    triplet: "powerpc64le-linux-gnu",
    libraries: [{ bits: 64, machine: EM_PPC64, flags: 2 }],
  },
  {
    suite: "bookworm",
    architecture: "s390x",
    emulator: "s390x",
    profile: "s390x",
    triplet: "s390x-linux-gnu",
    libraries: [
      { bits: 64, machine: EM_S390, bigEndian: true },
      { bits: 32, machine: EM_S390, bigEndian: true },
    ],
  },
  {
    suite: "bookworm",
    architecture: "mips64el",
    emulator: "mips64el",
    // ldconfig reads structures wherever a broken file says that they are. Linux completes such reads for a processor that
    // cannot (arch/mips/kernel/unaligned.c), qemu kills the program with SIGBUS; this processor can.
    processor: "Loongson-3A4000",
    profile: "mips64el",
    triplet: "mips64el-linux-gnuabi64",
    libraries: [
      { bits: 64, machine: EM_MIPS, flags: 0x80000000 },
      { bits: 64, machine: EM_MIPS, flags: 0x80000400 },
      { bits: 32, machine: EM_MIPS, flags: 0x80000020 },
      { bits: 32, machine: EM_MIPS, flags: 0x80000420 },
      { bits: 32, machine: EM_MIPS, flags: 0x400 },
    ],
  },
  {
    suite: "trixie",
    // The same release by its other name, of which a mirror may hold another day's copy.
    instead: ["stable", "forky"],
    architecture: "riscv64",
    emulator: "riscv64",
    profile: "riscv64",
    triplet: "riscv64-linux-gnu",
    libraries: [0, 2, 4, 5, 6, 8].map((flags) => ({ bits: 64, machine: EM_RISCV, flags })),
  },
];

const pairs: readonly Foreign[] = [
  { architecture: "amd64", beside: "i386" },
  { architecture: "arm64", beside: "armhf" },
].flatMap(({ architecture, beside }) =>
  architectures.filter((one) => one.architecture === architecture).map((one) => ({ ...one, beside })),
);

function wantedRoot(suite: DebianRoot["suite"], { architecture, beside }: Foreign): DebianRoot {
  const libraries = [suite === "bookworm" ? "libcurl4" : "libcurl4t64", "libstdc++6"];
  const packages = ["base-files", "libc-bin", ...libraries];
  if (beside === undefined) return { suite, variant: "extract", architecture, packages };
  const both = [...packages, ...libraries.map((name) => `${name}:${beside}`)];
  return { suite, variant: "extract", architecture, foreign: [beside], packages: both };
}

/** Roots by what they are for: a suite that the mirror has wrong is asked for once. */
const roots = new Map<Foreign, string>();

function rootOf(foreign: Foreign): string {
  const root = roots.get(foreign) ?? foundRoot(foreign);
  roots.set(foreign, root);
  return root;
}

function foundRoot(foreign: Foreign): string {
  const wanted = [foreign.suite, ...(foreign.instead ?? [])].map((suite) => wantedRoot(suite, foreign));
  // A kept root of the last one does not keep the better ones from being asked for.
  const kept = wanted.slice(0, -1).map(keptDebianRoot);
  const path = kept.find((one) => one !== undefined);
  if (path !== undefined) return path;
  const failures: string[] = [];
  for (const root of wanted) {
    try {
      return debianRoot(root);
    } catch (error) {
      failures.push(String(error));
    }
  }
  throw new Error(failures.join("\n"));
}

function emulatorOf({ emulator, processor }: Foreign): string[] {
  if (emulator === undefined) return [];
  return [program(`qemu-${emulator}-static`) ?? "", ...(processor === undefined ? [] : ["-cpu", processor])];
}

function whyNot({ emulator }: Foreign): string | undefined {
  const name = `qemu-${emulator}-static`;
  return whyNoDebianRoot() ?? (emulator === undefined || program(name) !== undefined ? undefined : `needs ${name}`);
}

function ldconfigOf(root: string): string {
  return ["sbin/ldconfig", "usr/sbin/ldconfig"].map((path) => join(root, path)).find((path) => existsSync(path)) ?? "";
}

/** What the root's own ldconfig prints. */
function ldconfig(foreign: Foreign, root: string, ...flags: readonly string[]): string {
  const [command = "", ...args] = [...emulatorOf(foreign), ldconfigOf(root), "-r", root, ...flags];
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "latin1", maxBuffer: 64 << 20 });
  if (status !== 0) throw new Error(`ldconfig ${flags.join(" ")} ends with ${status}: ${stderr}`);
  return stdout;
}

/** What os-release says of the suite. */
function codenameOf(root: string): string {
  const text = readFileSync(join(root, "etc/os-release"), "utf8");
  return /^VERSION_CODENAME=(\w+)$/m.exec(text)?.[1] ?? "unknown";
}

function ours(command: string, root: string): string {
  const { status, stdout, stderr } = runHook(["ldcache", command, "--root", root]);
  expect(stderr, command).not.toMatch(/error|warning/i);
  expect(status, command).toBe(0);
  return `${stdout.toString("latin1")}${stderr}`;
}

function list(root: string): Listing {
  return listTree(root, { without: ["/var/cache/ldconfig", "/dev"], contentBelow: ["/etc"] });
}

let work = "";
let memory = "";

beforeAll(() => {
  if (whyNoDebianRoot() !== undefined) return;
  work = workDirectory();
  memory = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "cdi-hook-foreign-"));
});
afterAll(() => {
  for (const directory of [work, memory]) if (directory !== "") rmSync(directory, { recursive: true, force: true });
});

describe.each([...architectures, ...pairs])("$suite $architecture", (foreign) => {
  const beside = foreign.beside === undefined ? "" : `, libraries of ${foreign.beside} beside`;
  test(`ldcache rebuild, print and verify do as ldconfig does${beside}`, (context) => {
    const missing = whyNot(foreign);
    if (missing !== undefined) return context.skip(missing);
    const [our, their] = [join(work, "ours"), join(work, "theirs")];
    for (const copy of [our, their]) linkedCopy({ path: rootOf(foreign) }, copy);
    const codename = codenameOf(our);
    if (codename !== foreign.suite) console.log(`${foreign.architecture}: the archive serves ${codename} only`);
    expect(ours("rebuild", our)).toMatch(new RegExp(`as ldconfig 2\\.\\d+ debian ${foreign.profile}\n`));
    ldconfig(foreign, their, "-i");
    const [expected, actual] = [their, our].map((root) => readFileSync(join(root, "etc/ld.so.cache")));
    const listings = compareListings(list(their), list(our));
    const lines = [...listings.slice(0, 30), ...firstDifference(expected as Buffer, actual as Buffer)];
    expect(listings.length, lines.join("\n")).toBe(0);
    const printed = ldconfig(foreign, their, "-p");
    expect(ours("print", our)).toBe(printed);
    expect(runHook(["ldconfig", "-r", our, "-p"]).stdout.toString("latin1")).toBe(printed);
    expect(printed.match(/ => \/\S+$/gm)?.length).toBeGreaterThan(foreign.beside === undefined ? 45 : 90);
    expect(ours("verify", their)).toContain("is right");
  });
});

describe.each(architectures)("random trees, $suite $architecture", (foreign) => {
  test(
    `${seeds} of them`,
    (context) => {
      const missing = whyNot(foreign);
      if (missing !== undefined) return context.skip(missing);
      mkdirSync(memory, { recursive: true });
      const copy = join(memory, "ldconfig");
      copyFileSync(ldconfigOf(rootOf(foreign)), copy);
      const comparison: Comparison = { base: memory, ldconfig: copy, emulator: emulatorOf(foreign), flags: [] };
      const failed: number[] = [];
      let first: string | undefined;
      for (let seed = 1; seed <= seeds; seed += 1) {
        const entries = generateTree(seed, foreign);
        if (faults(comparison, entries).length === 0) continue;
        failed.push(seed);
        first ??= report(comparison, `seed ${seed}, ${foreign.architecture}`, entries);
      }
      expect(failed, first).toEqual([]);
    },
    timeout,
  );
});
