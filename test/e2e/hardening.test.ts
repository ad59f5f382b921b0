/** What the executable's memory may be used for, as the linker lays it out and as a process has it. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, type TestContext } from "vitest";
import { program } from "../support/debian-root.ts";
import { executablePath } from "../support/executable.ts";
import { scratchDirectory } from "../support/scratch.ts";
import { Watcher } from "../support/watcher.ts";

/** The program headers, a line each. */
function programHeaders(context: TestContext): string {
  if (program("readelf") === undefined) context.skip("needs readelf of binutils");
  return execFileSync("readelf", ["--file-header", "--program-headers", "--wide", executablePath], {
    encoding: "utf8",
  });
}

test("static and position independent, and neither stack nor segment is for writing and executing", (context) => {
  const headers = programHeaders(context);
  expect(headers).toMatch(/^ +Type: +DYN /m);
  expect(headers).not.toContain("INTERP");
  expect(headers).toMatch(/^ +GNU_STACK .* RW /m);
  expect(headers).not.toMatch(/ RWE /);
});

test("a process has nothing for writing and executing, and what was relocated is read-only", async (context) => {
  const [, address = "", size = ""] = /^ +GNU_RELRO +\S+ +(\S+) +\S+ +\S+ +(\S+)/m.exec(programHeaders(context)) ?? [];
  const specs = join(scratchDirectory(), "cdi");
  mkdirSync(specs);
  const watcher = await Watcher.start([specs]);
  const lines = readFileSync(`/proc/${watcher.process.pid}/maps`, "utf8").trimEnd().split("\n");
  expect(await watcher.end()).toBe(0);
  expect(lines.filter((line) => / .w.?x/.test(line))).toEqual([]);
  const maps = lines.map((line) => {
    const [, start = "", end = "", rights = ""] = /^(\w+)-(\w+) (\S+)/.exec(line) ?? [];
    return { start: Number.parseInt(start, 16), end: Number.parseInt(end, 16), rights };
  });
  const base = maps.find((_, at) => lines[at]?.endsWith(executablePath))?.start ?? 0;
  const from = base + Number(address);
  const last = from + Number(size) - 1;
  const sealed = maps.filter(({ start, end }) => start <= last && end > from);
  expect(sealed.map(({ rights }) => rights)).toEqual(["r--p"]);
});
