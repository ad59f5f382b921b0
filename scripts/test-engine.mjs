// Runs the tests of kernel/ and of byte strings on the product's own engine, with bin/host.c below them: as it is built
// for use, under AddressSanitizer and UndefinedBehaviorSanitizer, and under these with the C library's allocator, as
// ours hides from them which bytes of a step are in use.
//   node scripts/test-engine.mjs [--variant plain|sanitized|sanitized-system-malloc]
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { compileHost, compileModules, toolchain } from "./compile.mjs";

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const VARIANTS = {
  plain: { sanitize: false, hostFlags: [] },
  sanitized: { sanitize: true, hostFlags: [] },
  "sanitized-system-malloc": { sanitize: true, hostFlags: ["-DSYSTEM_MALLOC"] },
};
const say = (line) => console.log(`test-engine: ${line}`);

const runsWithoutNode = (path) => !readFileSync(path, "utf8").includes('from "node:');

/** The tests: those that also run on Node and need nothing of it, and those of what only the engine has. */
function tests() {
  const folder = (path, suffix) =>
    readdirSync(join(top, path))
      .filter((name) => name.endsWith(suffix))
      .map((name) => join(top, path, name));
  const shared = [...folder("src/kernel", ".test.ts"), join(top, "src/bytes/text.test.ts")];
  return [...shared.filter(runsWithoutNode), ...folder("test/engine", ".engine.ts")];
}

async function bundleTests(work) {
  const contents = [
    ...tests().map((path) => `import ${JSON.stringify(path)};`),
    'import { runTests } from "vitest";',
    "export function main(args) { globalThis.scriptArgs = args; runTests(); }",
  ];
  await build({
    stdin: { contents: contents.join("\n"), resolveDir: top, sourcefile: "engine-tests.ts" },
    outfile: join(work, "hooks.js"),
    bundle: true,
    format: "esm",
    target: "es2023",
    platform: "neutral",
    charset: "ascii",
    banner: { js: 'Symbol.dispose??=Symbol.for("Symbol.dispose");' },
    alias: { vitest: join(top, "test/support/engine-vitest.ts") },
    logLevel: "error",
  });
  writeFileSync(join(work, "people.js"), "export const date = typeof Date;\n");
}

/** Builds and runs one variant; returns the status of the tests. */
async function runVariant(name, { sanitize, hostFlags }) {
  const work = join(top, "dist", `engine-${name}-${process.pid}`);
  mkdirSync(work, { recursive: true });
  try {
    const tools = toolchain({ sanitize });
    const objects = await compileModules(tools, work, say, bundleTests(work));
    const executable = join(work, "engine-tests");
    tools.link(await compileHost(tools, objects, work, say, hostFlags), executable);
    const started = Date.now();
    const done = spawnSync(executable, ["\u00fc", ""], {
      encoding: "utf8",
      env: {
        ENGINE_TEST: "\u00fc",
        ASAN_OPTIONS: "detect_leaks=0:allocator_may_return_null=1",
        UBSAN_OPTIONS: "print_stacktrace=1",
      },
      timeout: 300_000,
      maxBuffer: 64 << 20,
    });
    const output = `${done.stdout}${done.stderr}`.trimEnd();
    const seconds = ((Date.now() - started) / 1000).toFixed(1);
    say(`${name}: ${done.error?.message ?? done.signal ?? `status ${done.status}`}, ${seconds} s\n${output}`);
    return done.status === 0 ? 0 : 1;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const { values } = parseArgs({ options: { variant: { type: "string" } } });
const names = values.variant === undefined ? Object.keys(VARIANTS) : [values.variant];
for (const name of names) {
  const variant = VARIANTS[name];
  if (variant === undefined) throw new Error(`no variant ${name}; there are ${Object.keys(VARIANTS).join(", ")}`);
  if ((await runVariant(name, variant)) !== 0) process.exitCode = 1;
}
