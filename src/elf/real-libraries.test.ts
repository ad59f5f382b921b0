/** This machine's own libraries, against what `readelf` and elf-tools say of them. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { parse } from "elf-tools";
import { describe, expect, test } from "vitest";
import { rules35 } from "../../test/support/library-rules.ts";
import { MemorySource } from "../../test/support/memory-source.ts";
import { readLibrary } from "./library.ts";

const LARGEST = 4 << 20;

/** Libraries of the usual folder, each once; not the largest ones, as elf-tools wants them whole. */
function libraries(): string[] {
  const folder = "/usr/lib/x86_64-linux-gnu";
  if (!existsSync(folder)) return [];
  const paths = readdirSync(folder)
    .filter((name) => /^lib.*\.so/.test(name))
    .map((name) => join(folder, name))
    .filter((path) => existsSync(path))
    .map((path) => realpathSync(path))
    .filter((path) => statSync(path).isFile() && statSync(path).size < LARGEST)
    .filter((path) => readFileSync(path).subarray(0, 4).toString("latin1") === "\x7fELF");
  return [...new Set(paths)].slice(0, 250);
}

const paths = process.arch === "x64" ? libraries() : [];
const none = "needs libraries in /usr/lib/x86_64-linux-gnu";

/** The soname as `.dynamic` and `.dynstr` have it, which our reader does not look at. */
function sonameBySections(image: Buffer): string | undefined {
  const { sections } = parse(image);
  const data = (name: string): Buffer =>
    sections.find((section) => section.header.name === name)?.data ?? Buffer.alloc(0);
  const dynamic = data(".dynamic");
  const strings = data(".dynstr");
  for (let at = 0; at + 16 <= dynamic.length; at += 16) {
    if (dynamic.readBigUInt64LE(at) !== 14n) continue;
    const start = Number(dynamic.readBigUInt64LE(at + 8));
    return strings.toString("latin1", start, strings.indexOf(0, start));
  }
  return undefined;
}

function found(path: string): ReturnType<typeof readLibrary> {
  return readLibrary(new MemorySource(readFileSync(path)), rules35);
}

describe("this machine's libraries", () => {
  test("sonames, as elf-tools finds them by sections", ({ skip }) => {
    skip(paths.length === 0, none);
    for (const path of paths) {
      expect(found(path), path).toMatchObject({ soname: sonameBySections(readFileSync(path)), flags: 0x303 });
    }
  });

  test("sonames and notes, as readelf prints them", ({ skip }) => {
    skip(paths.length === 0, none);
    skip(!existsSync("/usr/bin/readelf"), "needs readelf");
    const some = paths.slice(0, 100);
    const printed = execFileSync("/usr/bin/readelf", ["-dnW", ...some], {
      encoding: "latin1",
      env: { LC_ALL: "C" },
      maxBuffer: 64 << 20,
    });
    const parts = printed.split(/^File: /m).slice(1);
    expect(parts).toHaveLength(some.length);
    for (const [index, path] of some.entries()) {
      const part = parts[index] ?? "";
      const kernel = /OS: Linux, ABI: ([0-9]+)\.([0-9]+)\.([0-9]+)/.exec(part)?.slice(1).map(Number);
      const [major = 0, minor = 0, patch = 0] = kernel ?? [];
      expect(found(path), path).toMatchObject({
        soname: /Library soname: \[(.*)\]/.exec(part)?.[1],
        osVersion: (major << 16) | (minor << 8) | patch,
      });
    }
  });
});
