/** Wild files that steer a hook: ld.so.conf and what it includes, the files by which the glibc is known, the old cache. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readCache } from "../../src/ldcache/read.ts";
import { forgeElf } from "../support/elf-forge.ts";
import { Jail, whyNoJail, type JailedResult } from "./jail.ts";
import { mutated } from "./mutation.ts";
import { seed, settings, timeout } from "./settings.ts";

const unavailable = whyNoJail();
const library = forgeElf({ sonames: ["libx.so.1"] });
let jail: Jail;

beforeAll(() => {
  if (unavailable !== undefined) return;
  console.log(`fuzz: seed ${seed}`);
  jail = new Jail();
});
afterAll(() => jail?.remove());

function put(path: string, bytes: string | Uint8Array): void {
  const name = Buffer.from(jail.root + path, "latin1");
  mkdirSync(dirname(jail.root + path), { recursive: true });
  writeFileSync(name, typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
}

/** A root with a few folders that have a library each. */
function makeRoot(): void {
  jail.clear();
  for (const folder of [
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/opt/a",
    "/opt/a b",
    "/opt/a/glibc-hwcaps/x86-64-v3",
  ]) {
    put(`${folder}/libx.so.1.0`, library);
  }
  put("/etc/debian_version", "12\n");
  put("/etc/os-release", "ID=debian\nVERSION_ID=12\n");
  symlinkSync("usr/lib", join(jail.root, "lib"));
}

/** The cache is whole, and what it names is a path of the container. */
function expectWholeCache(result: JailedResult): void {
  expect(jail.faultsOf(result)).toEqual([]);
  if (result.status !== 0) return;
  readCache(readFileSync(join(jail.root, "etc/ld.so.cache")));
}

const bytes = (maxLength: number): fc.Arbitrary<string> =>
  fc.array(fc.nat(255), { maxLength }).map((codes) => String.fromCharCode(...codes));

const path = fc.constantFrom(
  "/usr/lib",
  "/lib",
  "/usr/local/lib/",
  "/opt/a",
  "/opt/a b",
  "/opt/*",
  "opt/a",
  "../../opt/a",
  "/opt/a/../a//",
  "/",
  "/proc/self/root",
  "/proc/self/cwd",
  "/dev",
  "/etc",
  "/none",
  "",
);
const globbed = fc.oneof(
  path,
  fc.constantFrom(
    "*",
    "**",
    "*.conf",
    "/etc/ld.so.conf.d/*.conf",
    "/etc/ld.so.conf.d/?.conf",
    "/*/*/*",
    "/*/../*/../*/*",
    "[",
    "[]",
    "[!",
    "[!a-z]*",
  ),
  fc.constantFrom(
    "/etc/ld.so.conf",
    "ld.so.conf",
    "/etc/ld.so.con[a-z]",
    "[[:alpha:]]*",
    "\\*",
    "\\",
    "/etc/ld.so.conf.d/[0-9\\]]*",
    "~",
    "{a,b}",
  ),
  bytes(20),
);
const line = fc.oneof(
  { weight: 4, arbitrary: path },
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        fc.constantFrom("include ", "include\t", " include ", "include", "Include "),
        fc.array(globbed, { maxLength: 4 }),
      )
      .map(([word, globs]) => word + globs.join(" ")),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(path, fc.constantFrom("=libc6", "=libc5", "=libc4", "=glibc2", "=", "==libc6", "= libc6", "=x"))
      .map(([folder, type]) => folder + type),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom("hwcap ", "HWCAP\t", "hwcap"),
        fc.constantFrom("0 tls", "1 nosegneg", "63 x", "64 x", "-1 x", "0x7 x", "99999999999999999999 x", "1", ""),
      )
      .map(([word, rest]) => word + rest),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "# comment",
      "/opt/a # comment",
      "/opt/a\u0000/none",
      "\u000b/opt/a\u000c",
      "/opt/a \\",
      " ",
      "\r",
    ),
  },
  { weight: 1, arbitrary: bytes(60) },
  { weight: 1, arbitrary: fc.integer({ min: 1000, max: 70_000 }).map((length) => `/opt/${"x".repeat(length)}`) },
);
const configuration = fc.array(line, { maxLength: 30 }).map((lines) => lines.join("\n"));
const fileName = fc.oneof(
  fc.constantFrom("a.conf", "00-nvcr-cdi-hook.conf", ".hidden.conf", "00-compat-x.conf", "zz.conf", "[x].conf", "b"),
  bytes(12).map((text) => `${text.replaceAll("/", "_").replaceAll("\u0000", "_")}.conf`),
);

const folders = ["--folder", "/opt/a", "--folder", "/usr/lib"];

describe("ld.so.conf", () => {
  test(
    "and the files that it includes",
    (ctx) => {
      if (unavailable !== undefined) return ctx.skip(unavailable);
      const property = fc.property(
        configuration,
        fc.array(fc.tuple(fileName, configuration), { maxLength: 6 }),
        (main, files) => {
          makeRoot();
          put("/etc/ld.so.conf", main);
          for (const [name, text] of files) put(`/etc/ld.so.conf.d/${name}`, text);
          const result = jail.run(["update-ldcache", ...folders]);
          expectWholeCache(result);
          expect(result.status, result.stderr).toBe(0);
        },
      );
      fc.assert(property, settings(120));
    },
    timeout,
  );

  test(
    "of random bytes",
    (ctx) => {
      if (unavailable !== undefined) return ctx.skip(unavailable);
      const property = fc.property(
        mutated(
          configuration.map((text) => new Uint8Array(Buffer.from(text, "latin1"))),
          10,
        ),
        (text) => {
          makeRoot();
          put("/etc/ld.so.conf", text);
          const result = jail.run(["update-ldcache", ...folders]);
          expectWholeCache(result);
          expect(result.status, result.stderr).toBe(0);
        },
      );
      fc.assert(property, settings(50));
    },
    timeout,
  );

  test(
    "a second run changes nothing that the first one wrote",
    (ctx) => {
      if (unavailable !== undefined) return ctx.skip(unavailable);
      const read = (name: string): string => readFileSync(join(jail.root, "etc", name)).toString("latin1");
      const property = fc.property(
        configuration,
        fc.array(fc.tuple(fileName, configuration), { maxLength: 3 }),
        (main, files) => {
          makeRoot();
          put("/etc/ld.so.conf", main);
          for (const [name, text] of files) put(`/etc/ld.so.conf.d/${name}`, text);
          jail.run(["update-ldcache", ...folders]);
          const cache = read("ld.so.cache");
          const again = jail.run(["update-ldcache", ...folders]);
          expect(again.status, again.stderr).toBe(0);
          expect(read("ld.so.cache")).toBe(cache);
        },
      );
      fc.assert(property, settings(40));
    },
    timeout,
  );
});

describe("what tells the glibc", () => {
  const banner = fc.oneof(
    fc.constantFrom(
      "ldconfig (Debian GLIBC 2.36-9+deb12u8) stable release version 2.36",
      "GNU C Library (Ubuntu GLIBC 2.31-0ubuntu9) stable release version 2.31.\n",
      "ldconfig (GNU libc) stable release version 2.28",
      "ldconfig (GNU libc) stable release version 2.99999999999999",
      "ldconfig (GNU libc) stable release version 2.0",
      "ldconfig (GNU libc) stable release version 3.1",
      "(Debian GLIBC 2.31-13+deb11u11) ",
      `ldconfig (${"x".repeat(400)}) stable release version 2.36`,
      "ldconfig ()))((() stable release version 2.36",
    ),
    bytes(60).map((text) => `ldconfig (${text}) stable release version 2.36`),
    fc
      .tuple(fc.nat(99), fc.nat(99))
      .map(([major, minor]) => `ldconfig (GNU libc) stable release version ${major}.${minor}`),
  );
  const programme = mutated(
    fc.array(banner, { maxLength: 4 }).map((needed) => forgeElf({ needed, padding: 2000 })),
    4,
  );
  const places = [
    "/sbin/ldconfig",
    "/sbin/ldconfig.real",
    "/usr/sbin/ldconfig",
    "/lib64/libc.so.6",
    "/usr/lib/libc.so.6",
    "/lib/ld-musl-x86_64.so.1",
    "/lib/ld-musl-aarch64.so.1",
  ];
  const osRelease = fc.oneof(
    fc
      .array(
        fc
          .tuple(
            fc.constantFrom("ID", "VERSION_ID", "ID_LIKE", "VERSION_CODENAME", "NAME"),
            fc.oneof(
              fc.constantFrom(
                "debian",
                "ubuntu",
                '"rhel"',
                "fedora",
                "arch",
                "'12'",
                "22.04",
                "8.9",
                '"',
                "'",
                "\\",
                "999999999999",
              ),
              bytes(20),
            ),
          )
          .map(([name, value]) => `${name}=${value}`),
        { maxLength: 8 },
      )
      .map((lines) => lines.join("\n")),
    bytes(200),
  );

  test(
    "programs, os-release, musl's files",
    (ctx) => {
      if (unavailable !== undefined) return ctx.skip(unavailable);
      const files = fc.array(fc.tuple(fc.constantFrom(...places), programme), { maxLength: 4 });
      const property = fc.property(files, osRelease, fc.option(bytes(200)), (programs, release, musl) => {
        makeRoot();
        put("/etc/os-release", release);
        for (const [place, content] of programs) put(place, content);
        if (musl !== null) put("/etc/ld-musl-x86_64.path", musl);
        const result = jail.run(["update-ldcache", ...folders]);
        expect(jail.faultsOf(result)).toEqual([]);
      });
      fc.assert(property, settings(120));
    },
    timeout,
  );

  test(
    "an existing cache",
    (ctx) => {
      if (unavailable !== undefined) return ctx.skip(unavailable);
      makeRoot();
      const caches = ["new", "compat", "old"].map((format) => {
        const options = ["--glibc", "2.36", "--distro", "debian", "--arch", "x86_64", "--format", format];
        const result = jail.run(["ldcache", "rebuild", "--root", "/root", ...options]);
        expect(result.status, result.stderr).toBe(0);
        return new Uint8Array(readFileSync(join(jail.root, "etc/ld.so.cache")));
      });
      const commands = [
        ["update-ldcache", ...folders],
        ["ldcache", "rebuild", "--root", "/root"],
      ];
      const property = fc.property(
        mutated(fc.constantFrom(...caches)),
        fc.constantFrom(...commands),
        (cache, command) => {
          makeRoot();
          put("/etc/ld.so.cache", cache);
          const result = jail.run(command);
          expectWholeCache(result);
          expect(result.status, result.stderr).toBe(0);
        },
      );
      fc.assert(property, settings(120));
    },
    timeout,
  );
});
