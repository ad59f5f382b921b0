/** What the random tests of this folder found once, each by its name. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { forgeElf } from "../support/elf-forge.ts";
import { runHook, stateFor } from "../support/executable.ts";

const folder = "/usr/lib/x86_64-linux-gnu";
let root = "";

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "cdi-hook-found-"));
  put(`${folder}/libx.so.1.0`, forgeElf({ sonames: ["libx.so.1"] }));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, bytes: string | Uint8Array): void {
  mkdirSync(dirname(root + path), { recursive: true });
  writeFileSync(root + path, bytes);
}

const cache = (): string => readFileSync(`${root}/etc/ld.so.cache`, "latin1");

test("a glibc that only os-release tells: the cache of the first run does not mislead the second", () => {
  put("/etc/os-release", 'ID=debian\nVERSION_ID="12"\n');
  const rebuild = (): string => runHook(["ldcache", "rebuild", "--root", root]).stdout.toString();
  expect(rebuild()).toContain("written, 1 entry");
  const first = cache();
  expect(rebuild()).toContain("unchanged, 1 entry");
  expect(cache()).toBe(first);
});

test("a thousand wrong lines in a configuration are not a thousand lines in a log", () => {
  put("/etc/os-release", 'ID=debian\nVERSION_ID="12"\n');
  put(
    "/etc/ld.so.conf",
    `${Array.from({ length: 1000 }, (_, index) => `/opt/${index}=libc9`).join("\n")}\n${folder}\n`,
  );
  const result = runHook(["update-ldcache", "--folder", folder], { stdin: stateFor(root) });
  expect(result.status, result.stderr).toBe(0);
  expect(result.stderr.split("\n").length).toBeLessThan(80);
  expect(cache()).toContain("libx.so.1");
});

test("white space for ever in place of a state ends soon", () => {
  const result = runHook(["update-ldcache", "--folder", folder], { stdin: " ".repeat(4 << 20) });
  expect(result.status).toBe(1);
  expect(result.ms).toBeLessThan(3000);
});
