/** What commands for people write to a terminal, and what to a pipe. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { program } from "../support/debian-root.ts";
import { forgeElf, MACHINE } from "../support/elf-forge.ts";
import { executablePath, runHook } from "../support/executable.ts";

const missing = program("script") === undefined ? "needs script (util-linux)" : undefined;
/** A name that would clear the screen and forge a line. */
const hostile = "libx\x1b[2J\n\u202e.so.1";
let base = "";

beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "cdi-hook-terminal-"));
  for (const folder of ["etc", "opt/a"]) mkdirSync(join(base, folder), { recursive: true });
  writeFileSync(join(base, "etc/ld.so.conf"), "/opt/a\n");
  writeFileSync(
    join(base, "opt/a/libx.so.1.2"),
    forgeElf({ bits: 64, machine: MACHINE.EM_X86_64, sonames: [Buffer.from(hostile).toString("latin1")] }),
  );
  const { status, stderr } = runHook(["ldcache", "rebuild", "--root", base, "--glibc", "2.36"]);
  if (status !== 0) throw new Error(stderr);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** What a terminal is sent. */
function atTerminal(args: string, environment: Record<string, string> = {}): string {
  const command = `stty cols 100; exec ${executablePath} ${args.replaceAll("BASE", base)}`;
  const { stdout } = spawnSync("script", ["-qec", command, "/dev/null"], {
    env: { PATH: process.env["PATH"] ?? "", TERM: "xterm", ...environment },
    encoding: "utf8",
  });
  return stdout;
}

test("names are shown at a terminal, and are what they are on a pipe", (context) => {
  if (missing !== undefined) return context.skip(missing);
  for (const args of ["ldcache print --root BASE", "ldcache print --root BASE --tree", "ldconfig -r BASE -p"]) {
    const shown = atTerminal(args, { NO_COLOR: "1" });
    expect(shown, args).toContain("libx\\x1b[2J\\n\\xe2\\x80\\xae.so.1");
    expect(shown.includes("\x1b[2J"), args).toBe(false);
  }
  const { stdout } = runHook(["ldcache", "print", "--root", base]);
  expect(stdout.toString()).toContain(`\t${hostile} (libc6,x86-64) => /opt/a/${hostile}\n`);
});

test("colours are for terminals, unless NO_COLOR or a terminal that has none", (context) => {
  if (missing !== undefined) return context.skip(missing);
  const args = "ldcache print --root BASE --tree";
  expect(atTerminal(args)).toContain("\x1b[1m/opt/a\x1b[0m");
  for (const environment of [{ NO_COLOR: "1" }, { TERM: "dumb" }]) {
    expect(atTerminal(args, environment as Record<string, string>).includes("\x1b")).toBe(false);
  }
  expect(runHook(["ldcache", "print", "--root", base, "--tree"]).stdout.toString().includes("\x1b[1m")).toBe(false);
});

test("a reader that has seen enough is no failure to tell of", () => {
  const script = `"$1" help | true; "$1" ldcache print "$2" | head -c 1`;
  for (let round = 0; round < 5; round += 1) {
    const cache = join(base, "etc/ld.so.cache");
    const { stderr } = spawnSync("sh", ["-c", script, "sh", executablePath, cache], { encoding: "utf8" });
    expect(stderr).toBe("");
  }
});
