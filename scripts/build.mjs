// Builds dist/cdi-hook: modules by esbuild, bytecode by qjsc, one static executable by the C compiler.
//   node scripts/build.mjs [--arch x86_64|arm64|riscv64] [--libc musl|glibc] [--sanitize] [--force]
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compileHost, compileModules, toolchain } from "./compile.mjs";
import { mayHaveHeapImage, putHeapImage } from "./heap-image.mjs";

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(top, "dist");
const SIZE_LIMIT = 7 << 19;

const { values: options } = parseArgs({
  options: {
    arch: { type: "string" },
    libc: { type: "string" },
    sanitize: { type: "boolean", default: false },
    force: { type: "boolean", default: false },
  },
});

const started = Date.now();
const say = (line) => console.log(`[${((Date.now() - started) / 1000).toFixed(1).padStart(5)} s] ${line}`);

function files(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? files(join(folder, entry.name)) : [join(folder, entry.name)],
  );
}

/** A digest of everything that the executable is made from. */
function inputs(tools) {
  const hash = createHash("sha256").update(JSON.stringify(tools.identity));
  const sourcesOfOurs = [...files(join(top, "src")), ...files(join(top, "bin"))].filter(
    (path) => !path.endsWith(".test.ts"),
  );
  const scripts = ["build", "bundle", "compile", "engine-changes", "heap-image", "private-names", "quickjs"].map(
    (name) => `scripts/${name}.mjs`,
  );
  const others = ["package.json", "package-lock.json", "tsconfig.json", ...scripts].map((name) => join(top, name));
  for (const path of [...sourcesOfOurs, ...others].toSorted())
    hash.update(relative(top, path)).update(readFileSync(path));
  return hash.digest("hex");
}

async function build() {
  const tools = toolchain(options);
  const suffix = (options.sanitize ? "-sanitize" : "") + (tools.arch === tools.native ? "" : `-${tools.arch}`);
  const executable = join(dist, `cdi-hook${suffix}`);
  const work = join(dist, `build${suffix}`);
  const stamp = join(work, "inputs");
  mkdirSync(work, { recursive: true });
  const digest = inputs(tools);
  if (!options.force && existsSync(executable) && existsSync(stamp) && readFileSync(stamp, "utf8") === digest) {
    say(`${relative(top, executable)} is up to date`);
    return;
  }
  const { bundle } = await import("./bundle.mjs");
  const objects = await compileModules(tools, work, say, bundle(top, dist, work, tools.arch.replace("_", "-")));
  const hasImage = mayHaveHeapImage(tools);
  const all = await compileHost(tools, objects, work, say, hasImage ? ["-DHEAP_IMAGE"] : []);
  tools.link(all, `${executable}.new`);
  if (hasImage) putHeapImage(tools, all, `${executable}.new`, work);
  else
    say("no image of the heap, so a start takes longer: that wants musl, and what runs a program of the architecture");
  const size = statSync(`${executable}.new`).size;
  if (!options.sanitize && size > SIZE_LIMIT)
    throw new Error(`the executable has ${size} bytes, more than ${SIZE_LIMIT}`);
  renameSync(`${executable}.new`, executable);
  writeFileSync(stamp, digest);
  say(`${relative(top, executable)}: ${(size / 1e6).toFixed(2)} MB, static, ${tools.arch}, ${tools.libc}`);
}

try {
  await build();
} catch (error) {
  console.error(`build: ${error.message}`);
  process.exit(1);
}
