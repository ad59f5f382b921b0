/** The tests of kernel/, of byte strings and of bin/host.c, on the product's engine; see scripts/test-engine.mjs. */
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { expect, test } from "vitest";

const script = resolve(import.meta.dirname, "../../scripts/test-engine.mjs");

/** Runs a program of the machine; its output, or undefined when it is not there or fails. */
function outputOf(command: string, args: readonly string[]): string | undefined {
  const done = spawnSync(command, args, { encoding: "utf8" });
  return done.status === 0 ? done.stdout.trim() : undefined;
}

const compiler = process.env["CC"] ?? "gcc";
const hasCompiler = outputOf(compiler, ["--version"]) !== undefined;
/** An absolute path when the compiler has the library, its bare name otherwise. */
const hasSanitizers =
  hasCompiler &&
  ["libasan.so", "libubsan.so"].every((name) => outputOf(compiler, [`-print-file-name=${name}`])?.startsWith("/"));

for (const variant of ["plain", "sanitized", "sanitized-system-malloc"]) {
  test(`the engine's tests pass: ${variant}`, (ctx) => {
    if (!hasCompiler) return ctx.skip("needs a C compiler");
    if (variant !== "plain" && !hasSanitizers) return ctx.skip("needs gcc's libasan and libubsan");
    const done = spawnSync(process.execPath, [script, "--variant", variant], { encoding: "utf8", maxBuffer: 64 << 20 });
    expect(done.status, done.stdout + done.stderr).toBe(0);
    const tally = /^(?<passed>\d+) passed, 0 failed$/m.exec(done.stdout);
    expect(Number(tally?.groups?.["passed"]), done.stdout).toBeGreaterThan(100);
  });
}

for (const sanitize of [false, true]) {
  test(`the language is upstream's${sanitize ? ", sanitized" : ""}`, (ctx) => {
    if (!hasCompiler) return ctx.skip("needs a C compiler");
    if (sanitize && !hasSanitizers) return ctx.skip("needs gcc's libasan and libubsan");
    const args = [
      resolve(import.meta.dirname, "../../scripts/compare-engine.mjs"),
      ...(sanitize ? ["--sanitize"] : []),
    ];
    const done = spawnSync(process.execPath, args, { encoding: "utf8", maxBuffer: 64 << 20 });
    expect(done.status, done.stdout + done.stderr).toBe(0);
    const tally = /: (?<lines>\d+) lines, 0 of them differ$/m.exec(done.stdout);
    expect(Number(tally?.groups?.["lines"]), done.stdout).toBeGreaterThan(70_000);
  }, 900_000);
}
