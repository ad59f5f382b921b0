// Runs the program of test/engine/language/ on the engine that the executable has and on one with none of the faster ways
// of scripts/engine-changes.mjs, and compares what it prints: it prints whatever a program can observe.
//   node scripts/compare-engine.mjs [--sanitize]   the first under AddressSanitizer and UndefinedBehaviorSanitizer
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { compileHost, compileModules, toolchain } from "./compile.mjs";
import { ENGINE_CHANGES } from "./engine-changes.mjs";

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const say = (line) => console.log(`compare-engine: ${line}`);

/** What bin/host.c cannot be linked without. */
const NEEDED = new Set(["addresses", "bytes", "seed"]);
const SHOWN = 20;

/** What the program prints on an engine with these changes. */
async function linesOn(changes, sanitize) {
  const work = join(top, "dist", `compare-${changes.length}-${process.pid}`);
  mkdirSync(work, { recursive: true });
  try {
    const tools = toolchain({ sanitize });
    const bundled = build({
      entryPoints: { hooks: join(top, "test/engine/language/main.js") },
      outdir: work,
      bundle: true,
      format: "esm",
      target: "es2023",
      platform: "neutral",
      charset: "ascii",
      logLevel: "error",
    }).then(() => writeFileSync(join(work, "people.js"), "export const a = 1, length = 2, method = () => 3;\n"));
    const objects = await compileModules(tools, work, say, bundled, changes);
    const executable = join(work, "language");
    tools.link(await compileHost(tools, objects, work, say, sanitize ? ["-DSYSTEM_MALLOC"] : []), executable);
    const env = {
      ASAN_OPTIONS: "detect_leaks=0:allocator_may_return_null=1:detect_stack_use_after_return=0",
      UBSAN_OPTIONS: "print_stacktrace=1",
    };
    const done = spawnSync(executable, { encoding: "utf8", env, timeout: 600_000, maxBuffer: 256 << 20 });
    if (done.status !== 0) throw new Error(`${done.error ?? done.signal ?? done.status}\n${done.stderr}`);
    return done.stdout.split("\n");
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const { values: options } = parseArgs({ options: { sanitize: { type: "boolean", default: false } } });
const expected = await linesOn(
  ENGINE_CHANGES.filter(({ name }) => NEEDED.has(name)),
  false,
);
const actual = await linesOn(ENGINE_CHANGES, options.sanitize);
const differing = Array.from({ length: Math.max(expected.length, actual.length) }, (_, index) => index).filter(
  (index) => expected[index] !== actual[index],
);
for (const index of differing.slice(0, SHOWN)) {
  console.log(`line ${index + 1}\n  without: ${expected[index]}\n  with:    ${actual[index]}`);
}
say(`${actual.length} lines, ${differing.length} of them differ`);
if (differing.length > 0) process.exitCode = 1;
