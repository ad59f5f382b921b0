/** Wild caches and wild ELF files through `ldcache explain`: an answer or one line, in bounded time and memory. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MACHINE, forgeElf, type ForgedElf } from "../support/elf-forge.ts";
import { cacheOf, linkerPath, type CacheLine } from "../support/loader-root.ts";
import { Jail, whyNoJail, type JailedResult } from "./jail.ts";
import { mutated } from "./mutation.ts";
import { seed, settings, timeout } from "./settings.ts";

const unavailable = whyNoJail();
let jail: Jail;

beforeAll(() => {
  if (unavailable === undefined) jail = new Jail();
});
afterAll(() => jail?.remove());

const names = ["liba.so.1", "libb.so.1", "libc.so.6", "libx.so.10", "libx.so.9"];
const folders = ["/lib/x86_64-linux-gnu", "/usr/lib", "/opt/a", "/opt/a/glibc-hwcaps/x86-64-v3"];
const word = fc.constantFrom(
  "$ORIGIN/../opt/a",
  "/opt/a",
  "${LIB}",
  "",
  "../../..",
  "/proc/self/root",
  "/out",
  "$PLATFORM",
  "/loop",
);

const object: fc.Arbitrary<ForgedElf> = fc.record(
  {
    sonames: fc.array(fc.constantFrom(...names, "\u001b[31mred\n"), { maxLength: 2 }),
    needed: fc.array(
      fc.constantFrom(...names, "/opt/a/liba.so.1", "$ORIGIN/libb.so.1", "../../../etc/passwd", "/out/libc.so.6"),
      { maxLength: 6 },
    ),
    rpath: fc.array(word, { maxLength: 5 }).map((words) => words.join(":")),
    runpath: fc.array(word, { maxLength: 5 }).map((words) => words.join(":")),
    flags1: fc.constantFrom(0, 0x800, 0x8000000, 0xffffffff),
    isaNeeded: fc.nat(15),
    machine: fc.constantFrom(MACHINE.EM_X86_64, MACHINE.EM_X86_64, MACHINE.EM_AARCH64),
  },
  { requiredKeys: [] },
);
const libraryBytes = mutated(
  object.map((one) => forgeElf(one)),
  3,
);
const programBytes = mutated(
  object.map((one) => forgeElf({ ...one, machine: MACHINE.EM_X86_64, interpreter: linkerPath })),
  2,
);

const line: fc.Arbitrary<CacheLine> = fc.tuple(
  fc.constantFrom(...names),
  fc
    .constantFrom(...folders, "/out", "../../..", "")
    .chain((folder) => fc.constantFrom(...names).map((name) => `${folder}/${name}`)),
  fc.record({
    flags: fc.constantFrom(0x303, 0x303, 3, -1),
    hwcaps: fc.constantFrom(undefined, undefined, "x86-64-v3", "z15"),
    isa: fc.nat(1023),
  }),
);
const cacheBytes = mutated(
  fc
    .tuple(fc.array(line, { maxLength: 30 }), fc.constantFrom<"new" | "compat" | "old">("new", "compat", "old"))
    .map(([lines, format]) => cacheOf(lines, { format })),
  4,
);

const tree = fc.record({
  program: programBytes,
  cache: cacheBytes,
  preload: fc.constantFrom("", "", "liba.so.1 /opt/a/libb.so.1 # x\n", "\0".repeat(100)),
  libraries: fc.array(fc.tuple(fc.constantFrom(...folders), fc.constantFrom(...names), libraryBytes), { maxLength: 9 }),
});

function put(path: string, bytes: Uint8Array | string): void {
  mkdirSync(join(jail.root, dirname(path)), { recursive: true });
  writeFileSync(join(jail.root, path), bytes);
}

/** Links that lead out of the root, and in circles. */
function putLinks(): void {
  for (const [path, target] of [
    ["out", "../../../../../../lib/x86_64-linux-gnu"],
    ["loop", "loop"],
    ["opt/a/libx.so.9", "/out/../../../etc/passwd"],
  ] as const) {
    mkdirSync(join(jail.root, dirname(path)), { recursive: true });
    symlinkSync(target, join(jail.root, path));
  }
}

function explain(...args: readonly string[]): JailedResult {
  return jail.run(["ldcache", "explain", "--root", "/root", "--cpu", "x86-64-v3", ...args]);
}

/** What holds of every answer; a failure names no defect. */
function faultsOf(result: JailedResult): string[] {
  // "Not everything is found" is status 1 with nothing on stderr.
  const told = result.status === 1 && result.stdout !== "" ? { ...result, status: 0 } : result;
  return jail.faultsOf(told);
}

test(
  "mutated caches and ELF files",
  (ctx) => {
    if (unavailable !== undefined) return ctx.skip(unavailable);
    console.log(`fuzz: seed ${seed}`);
    let answers = 0;
    let files = 0;
    const property = fc.property(
      tree,
      fc.constantFrom(...names),
      fc.boolean(),
      ({ program, cache, preload, libraries }, name, json) => {
        jail.clear();
        putLinks();
        put("/etc/debian_version", "12\n");
        put("/etc/ld.so.cache", cache);
        if (preload !== "") put("/etc/ld.so.preload", preload);
        put("/bin/p", program);
        for (const [folder, file, bytes] of libraries) if (file !== "libx.so.9") put(`${folder}/${file}`, bytes);
        files += libraries.length + 2;
        const format = json ? ["--json"] : [];
        for (const args of [
          ["--needed", "/bin/p"],
          [name],
          [name, "--from", "/bin/p", "--library-path", "/opt/a::$ORIGIN"],
        ]) {
          const result = explain(...args, ...format);
          expect(faultsOf(result), args.join(" ")).toEqual([]);
          if (result.stdout === "") continue;
          answers += 1;
          expect(result.stdout).not.toMatch(/undefined|\[object|NaN/);
          expect(result.stdout.includes("\u001b")).toBe(false);
          const document = json ? (JSON.parse(result.stdout) as object) : { notes: [] };
          expect(document).toHaveProperty("notes");
        }
      },
    );
    fc.assert(property, settings(200));
    expect(answers, "many of them have an answer").toBeGreaterThan(files / 20);
  },
  timeout,
);

describe("programs and roots that make work", () => {
  const library = (needed: readonly string[], more: ForgedElf = {}): Uint8Array => forgeElf({ needed, ...more });
  const program = (needed: readonly string[], more: ForgedElf = {}): Uint8Array =>
    forgeElf({ needed, interpreter: linkerPath, ...more });
  const numbers = Array.from({ length: 10_000 }, (_, number) => number);

  const putChain = (): void => {
    for (const number of numbers.slice(0, 5000)) {
      const needed = number === 3000 ? [] : [`lib${number + 1}.so`, "libnone.so"];
      put(`/lib/lib${number}.so`, library(needed, { rpath: `/none/${number}` }));
    }
  };

  const cases: Readonly<Record<string, () => void>> = {
    "10,000 libraries that are not there": () => put("/bin/p", program(numbers.map((number) => `lib${number}.so`))),
    "5,000 libraries that are there": () => {
      put("/bin/p", program(numbers.slice(0, 5000).map((number) => `lib${number}.so`)));
      putChain();
    },
    "a chain of 3,000 libraries, each with an RPATH of its own": () => {
      put("/bin/p", program(["lib0.so"]));
      putChain();
    },
    "a circle": () => {
      put("/bin/p", program(["lib0.so"]));
      for (const number of numbers.slice(0, 100))
        put(`/lib/lib${number}.so`, library(numbers.slice(0, 100).map((next) => `lib${next}.so`)));
    },
    "an RPATH of 1 MB of colons": () => put("/bin/p", program(["liba.so", "libb.so"], { rpath: ":".repeat(1 << 20) })),
    "an RPATH of 1 MB of folders": () =>
      put(
        "/bin/p",
        program(["liba.so", "libb.so"], { rpath: Array.from({ length: 150_000 }, (_, at) => `/${at}`).join(":") }),
      ),
    "an RPATH of 1 MB of tokens": () => put("/bin/p", program(["liba.so"], { rpath: "$ORIGIN/".repeat(1 << 17) })),
    "an RPATH of 1 MB in one name": () => put("/bin/p", program(["liba.so"], { rpath: "/x".repeat(1 << 19) })),
    "folders that are links in circles": () =>
      put(
        "/bin/p",
        program(
          numbers.slice(0, 500).map((number) => `lib${number}.so`),
          { runpath: "/loop:/loop/x:/out:/out/../loop" },
        ),
      ),
    "a cache in which every entry has the name": () => {
      put(
        "/etc/ld.so.cache",
        cacheOf(numbers.slice(0, 2000).map((number): CacheLine => ["liba.so", `/opt/${number}`])),
      );
      put("/bin/p", program(numbers.slice(0, 300).map(() => "liba.so")));
    },
    "a cache and a program with names of 4,000 bytes": () => {
      const long = `lib${"1".repeat(4000)}`;
      put(
        "/etc/ld.so.cache",
        cacheOf(numbers.slice(0, 200).map((number): CacheLine => [`${long}${number}`, "/opt/x"])),
      );
      put("/bin/p", program(numbers.slice(0, 500).map((number) => `${long}x${number}`)));
    },
    "a cache of 16 MB": () => {
      put("/etc/ld.so.cache", new Uint8Array(16 << 20).fill(0x41));
      put("/bin/p", program(["liba.so"]));
    },
    "an ld.so.preload of 1 MB": () => {
      put("/etc/ld.so.preload", "liba.so ".repeat(1 << 17));
      put("/bin/p", program([]));
    },
  };

  test.for(Object.keys(cases))("%s", { timeout: 120_000 }, (name, ctx) => {
    if (unavailable !== undefined) return ctx.skip(unavailable);
    jail.clear();
    putLinks();
    put("/etc/debian_version", "12\n");
    cases[name]?.();
    for (const format of [[], ["--json"]]) expect(faultsOf(explain("--needed", "/bin/p", ...format))).toEqual([]);
    expect(faultsOf(explain("liba.so", "--from", "/bin/p"))).toEqual([]);
  });
});
