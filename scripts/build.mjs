// Builds dist/cdi-hook: modules by esbuild, bytecode by qjsc, one static executable by the C compiler.
//   node scripts/build.mjs [--arch x86_64|arm64|riscv64] [--libc musl|glibc] [--sanitize] [--force]
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
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

/** Waits until no other build of this checkout is in the same folder. The lock is the process', however that ends. */
function lock(work) {
  const file = openSync(join(work, "lock"), "w");
  const take = (...flags) => spawnSync("flock", [...flags, "3"], { stdio: ["ignore", "inherit", "inherit", file] });
  if (take("-n").status !== 1) return; // it is ours, or there is no flock
  say("another build is at work here; waiting for it");
  take();
}

/** A digest of everything that the executable is made from. */
function inputs(tools, hasImage) {
  const hash = createHash("sha256").update(JSON.stringify([tools.identity, hasImage]));
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
  lock(work);
  const hasImage = mayHaveHeapImage(tools);
  const digest = inputs(tools, hasImage);
  if (!options.force && existsSync(executable) && existsSync(stamp) && readFileSync(stamp, "utf8") === digest) {
    say(`${relative(top, executable)} is up to date`);
    return;
  }
  const { bundle } = await import("./bundle.mjs");
  const bundled = bundle(top, dist, work, tools.arch.replace("_", "-"));
  bundled.catch(() => undefined); // told where it is waited for, unless something failed before
  const objects = await compileModules(tools, work, say, bundled);
  const all = await compileHost(tools, objects, work, say, hasImage ? ["-DHEAP_IMAGE"] : []);
  tools.link(all, `${executable}.new`);
  if (hasImage) putHeapImage(tools, all, `${executable}.new`, work);
  else
    say("no image of the heap, so a start takes longer: that wants musl, and what runs a program of the architecture");
  const size = statSync(`${executable}.new`).size;
  if (!options.sanitize && size > SIZE_LIMIT)
    throw new Error(`the executable has ${size} bytes, more than ${SIZE_LIMIT}`);
  rmSync(stamp, { force: true });
  renameSync(`${executable}.new`, executable);
  writeFileSync(stamp, digest);
  say(`${relative(top, executable)}: ${(size / 1e6).toFixed(2)} MB, static, ${tools.arch}, ${tools.libc}`);
}

try {
  await build();
} catch (error) {
  console.error(`build: ${error.message}`);
  process.exitCode = 1; // esbuild may be at work yet; without its reader it would tell that at length
}
