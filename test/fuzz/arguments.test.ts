/** Any command line ends in 0 or 1, soon, with a few lines, and writes nothing outside of the root. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { forgeElf } from "../support/elf-forge.ts";
import { Jail, stateInJail, whyNoJail } from "./jail.ts";
import { seed, settings, timeout } from "./settings.ts";

const unavailable = whyNoJail();
let jail: Jail;

beforeAll(() => {
  if (unavailable !== undefined) return;
  console.log(`fuzz: seed ${seed}`);
  jail = new Jail();
});
afterAll(() => jail?.remove());

/** A root with ways out of it. */
function makeRoot(): void {
  jail.clear();
  mkdirSync(join(jail.root, "usr/lib"), { recursive: true });
  mkdirSync(join(jail.root, "etc"));
  writeFileSync(join(jail.root, "usr/lib/libx.so.1.0"), forgeElf({ sonames: ["libx.so.1"] }));
  for (const [name, target] of [
    ["up", "../../.."],
    ["out", "/bundle"],
    ["loop", "loop"],
    ["lib", "usr/lib"],
    ["tmp", "/tmp"],
    ["usr/lib/out", "../../../tmp"],
  ] as const) {
    symlinkSync(target, join(jail.root, name));
  }
}

/** Arguments reach a process without NUL. */
const withoutNul = (text: string): string => text.replaceAll("\u0000", "0");
const anything = fc.oneof(fc.string({ unit: "binary", maxLength: 30 }), fc.string({ maxLength: 30 })).map(withoutNul);

const containerPath = fc.oneof(
  fc.constantFrom(
    "/usr/lib",
    "/up/x",
    "/out/x",
    "/tmp/x",
    "/loop/x",
    "usr/lib/out/x",
    "/../../x",
    "/lib/x",
    "/proc/x",
    "/",
    "",
    "..",
    "/a,/b",
    "/x\ny",
  ),
  fc
    .array(fc.constantFrom("a", "..", ".", "", "up", "out", "loop", "usr", "lib", "tmp"), { maxLength: 12 })
    .map((names) => `/${names.join("/")}`),
  anything,
);
const link = fc.oneof(
  fc.tuple(containerPath, containerPath).map((sides) => sides.join("::")),
  anything,
);
const words = fc.constantFrom(
  "create-symlinks",
  "update-ldcache",
  "noop",
  "hook",
  "chmod",
  "enable-cuda-compat",
  "update-application-profile",
  "chain",
  "ldcache",
  "rebuild",
  "help",
  "--",
  "-",
  "",
  "-h",
  "--help",
  "-v",
  "--version",
  "--debug",
  "-d",
  "--quiet",
  "--log-format=json",
  "--log-format",
  "json",
  "--root",
  "/root",
  "--root=/root",
  "--glibc",
  "2.36",
  "--glibc=2.31",
  "--distro=debian",
  "--arch=aarch64",
  "--format=old",
  "--generator=x",
  "--container-spec",
  "--container-spec=-",
  "--ldconfig-path=/sbin/ldconfig",
  "--view",
  "--view=here",
  "--view=overlay",
  "--on-read-only",
  "--on-read-only=warn",
  "--host-driver-version=1",
  "--csv-filename",
  "--host-root",
  "--unknown",
  "--unknown=1",
  "-x",
  "---",
  "--=",
  "-=",
  "--link",
  "--folder",
  "--path",
  "--mode=777",
);
const argument = fc.oneof(
  { weight: 6, arbitrary: words },
  { weight: 2, arbitrary: link.map((text) => `--link=${text}`) },
  { weight: 2, arbitrary: containerPath.map((path) => `--folder=${path}`) },
  { weight: 1, arbitrary: link },
  { weight: 1, arbitrary: anything },
);
const programName = fc.oneof(
  fc.constantFrom("cdi-hook", "nvidia-cdi-hook", "nvidia-ctk", "/usr/bin/nvidia-ctk", "", "/", "-h"),
  anything,
);
const input = fc.constantFrom(stateInJail, stateInJail, stateInJail, "", "{", "{}", '{"root":"/"}', '{"root":"/none"}');

test(
  "any command line",
  (ctx) => {
    if (unavailable !== undefined) return ctx.skip(unavailable);
    const property = fc.property(programName, fc.array(argument, { maxLength: 12 }), input, (argv0, args, stdin) => {
      makeRoot();
      const result = jail.run(args, { argv0, stdin });
      const lines = args.some((word) => /^--?d(?:ebug)?(?:=|$)/.test(word)) ? 400 : 80;
      expect(jail.faultsOf(result, lines)).toEqual([]);
    });
    fc.assert(property, settings(250));
  },
  timeout,
);

test(
  "a hook of the future with any flags, alone and in a chain: status 0, a warning, and nothing else",
  (ctx) => {
    if (unavailable !== undefined) return ctx.skip(unavailable);
    const future = fc.string({ unit: fc.constantFrom("a", "-", "é"), minLength: 1 }).map((text) => `future-${text}`);
    const flags = fc.array(argument, { maxLength: 6 }).map((all) => all.filter((word) => word !== "--"));
    const property = fc.property(fc.boolean(), future, flags, (chained, word, given) => {
      const before = chained ? ["chain", "noop", "--"] : [];
      const result = jail.run([...before, word, ...given], { argv0: "nvidia-cdi-hook" });
      expect(jail.faultsOf(result)).toEqual([]);
      expect(result).toMatchObject({ status: 0, stdout: "" });
      const quiet = given.some((flag) => /^--?quiet(?:=|$)/.test(flag));
      expect(quiet || result.stderr.includes("not a hook")).toBe(true);
    });
    fc.assert(property, settings(150));
  },
  timeout,
);

test(
  "any links, into a root with ways out of it",
  (ctx) => {
    if (unavailable !== undefined) return ctx.skip(unavailable);
    const property = fc.property(fc.array(link, { minLength: 1, maxLength: 20 }), (links) => {
      makeRoot();
      const result = jail.run(["create-symlinks", ...links.map((text) => `--link=${text}`)]);
      expect(jail.faultsOf(result)).toEqual([]);
    });
    fc.assert(property, settings(100));
  },
  timeout,
);

test(
  "very many arguments, and very long ones",
  (ctx) => {
    if (unavailable !== undefined) return ctx.skip(unavailable);
    makeRoot();
    const many = Array.from({ length: 500 }, (_, index) => `--link=t::/many/l${index}`);
    expect(jail.faultsOf(jail.run(["create-symlinks", ...many])), "many links").toEqual([]);
    const manyFolders = Array.from({ length: 3000 }, (_, index) => `--folder=/many/f${index}`);
    expect(jail.faultsOf(jail.run(["update-ldcache", ...manyFolders])), "many folders").toEqual([]);
    const long = "x".repeat(100_000);
    for (const args of [
      ["create-symlinks", `--link=${long}::/y`],
      ["create-symlinks", `--link=y::/${long}`],
      ["create-symlinks", `--link=${long}`],
      ["update-ldcache", `--folder=${long}`],
      ["update-ldcache", "--folder", "/usr/lib,".repeat(10_000)],
      ["update-ldcache", `--${long}`],
      [long],
      ["--log-format=json", "create-symlinks", `--link=${long}`],
    ]) {
      expect(jail.faultsOf(jail.run(args)), args.join(" ").slice(0, 40)).toEqual([]);
    }
  },
  timeout,
);
