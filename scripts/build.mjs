// Builds dist/cdi-hook: two bundles by esbuild, bytecode by qjsc, one static executable by the C compiler.
//   node scripts/build.mjs [--arch x86_64|arm64|riscv64] [--libc musl|glibc] [--sanitize] [--force]
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ENGINE_FLAGS, bytecodeCompiler, engineObjects, run, sources } from "./quickjs.mjs";

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(top, "dist");
const SIZE_LIMIT = 3 << 20;

const TARGETS = {
  x86_64: { node: "x64", compiler: "x86_64-linux-gnu-gcc", musl: "x86_64-linux-musl" },
  arm64: { node: "arm64", compiler: "aarch64-linux-gnu-gcc", musl: "aarch64-linux-musl" },
  riscv64: { node: "riscv64", compiler: "riscv64-linux-gnu-gcc", musl: "riscv64-linux-musl" },
};

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
const fail = (line) => {
  console.error(`build: ${line}`);
  process.exit(1);
};

const native = Object.keys(TARGETS).find((arch) => TARGETS[arch].node === process.arch);
const arch = { aarch64: "arm64", amd64: "x86_64", "x86-64": "x86_64" }[options.arch] ?? options.arch ?? native;
const target = TARGETS[arch] ?? fail(`no target ${arch}; there are ${Object.keys(TARGETS).join(", ")}`);

function works(compiler) {
  try {
    run(compiler, ["--version"]);
    return true;
  } catch {
    return false;
  }
}
const hostCompiler = [process.env.CC, "gcc", "cc"].find((name) => name && works(name));
const compiler = arch === native ? hostCompiler : target.compiler;
if (!hostCompiler) fail("no C compiler: install gcc and the C library's headers (Debian: apt-get install gcc libc6-dev)");
if (!works(compiler)) fail(`no ${compiler}: Debian: apt-get install gcc-${compiler.replace(/-gcc$/, "")} libc6-dev-${arch}-cross`);

// musl makes an executable of half the size and leaves the LGPL's conditions out; docs/adr/0002-libc.md.
const muslLibrary = `/usr/lib/${target.musl}`;
const muslHeaders = `/usr/include/${target.musl}`;
const hasMusl = existsSync(join(muslLibrary, "rcrt1.o"));
const libc = options.sanitize ? "glibc" : (options.libc ?? (hasMusl ? "musl" : "glibc"));
if (libc === "musl" && !hasMusl) fail(`no musl for ${arch} (Debian: apt-get install musl-tools)`);

const ask = (what) => run(compiler, [`-print-file-name=${what}`]).trim();
const hardening = ["-fPIE", "-fstack-protector-strong", "-fno-plt", "-fcf-protection=full", "-fstack-clash-protection"];
if (arch === "riscv64") hardening.splice(3);
if (arch === "arm64") hardening[3] = "-mbranch-protection=standard";
const sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"];
const flags = options.sanitize
  ? ["-O1", "-g", ...sanitizers]
  : ["-O2", ...hardening, "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2", "-ffile-prefix-map=" + top + "=."];
if (libc === "musl") flags.push("-nostdinc", "-isystem", muslHeaders, "-isystem", ask("include"));
const strict = ["-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wshadow", "-Wformat=2", "-Wstrict-prototypes"];

function link(objects, output) {
  const hardened = ["-Wl,-z,relro,-z,now,-z,noexecstack", "-Wl,--build-id=none"];
  if (options.sanitize) return run(compiler, [...sanitizers, "-o", output, ...objects, "-lm"]);
  if (libc === "glibc") return run(compiler, ["-static-pie", "-s", ...hardened, "-o", output, ...objects, "-lm"]);
  const start = [join(muslLibrary, "rcrt1.o"), join(muslLibrary, "crti.o"), ask("crtbeginS.o")];
  const end = [`-L${muslLibrary}`, "-lc", ask("libgcc.a"), ask("crtendS.o"), join(muslLibrary, "crtn.o")];
  return run(compiler, ["-static-pie", "-nostdlib", "-s", ...hardened, "-o", output, ...start, ...objects, ...end]);
}

function files(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? files(join(folder, entry.name)) : [join(folder, entry.name)],
  );
}

/** A digest of everything that the executable is made from. */
function inputs() {
  const hash = createHash("sha256").update(JSON.stringify([arch, libc, flags, run(compiler, ["--version"])]));
  const sourcesOfOurs = [...files(join(top, "src")), ...files(join(top, "bin"))].filter((path) => !path.endsWith(".test.ts"));
  const others = ["package.json", "package-lock.json", "scripts/build.mjs", "scripts/quickjs.mjs"].map((name) => join(top, name));
  for (const path of [...sourcesOfOurs, ...others].toSorted()) hash.update(relative(top, path)).update(readFileSync(path));
  return hash.digest("hex");
}

const suffix = (options.sanitize ? "-sanitize" : "") + (arch === native ? "" : `-${arch}`);
const executable = join(dist, `cdi-hook${suffix}`);
const work = join(dist, `build${suffix}`);
const stamp = join(work, "inputs");
mkdirSync(work, { recursive: true });
const digest = inputs();
if (!options.force && existsSync(executable) && existsSync(stamp) && readFileSync(stamp, "utf8") === digest) {
  say(`${relative(top, executable)} is up to date`);
  process.exit(0);
}

try {
  await build();
} catch (error) {
  fail(error.message);
}

async function build() {
  const source = await sources(say);
  const engine = Promise.all([bytecodeCompiler(source, hostCompiler, say), engineObjects(source, compiler, flags, say)]);
  const bundles = await import("./bundle.mjs");
  await bundles.bundle(top, dist, work);
  const [qjsc, objects] = await engine;
  for (const name of ["hooks", "people"]) {
    const code = join(work, `${name}.c`);
    // The bytecode carries its file's name: a relative one, so that two checkouts build the same bytes.
    run(qjsc, ["-c", "-s", "-N", `${name}_bundle`, "-o", code, `${name}.js`], { cwd: work });
    const object = join(work, `${name}.o`);
    run(compiler, [...flags, "-c", code, "-o", object]);
    objects.push(object);
  }
  const host = join(work, "host.o");
  run(compiler, [...flags, ...strict, ...ENGINE_FLAGS, "-isystem", source, "-c", join(top, "bin/host.c"), "-o", host]);
  link([...objects, host], `${executable}.new`);
  const size = statSync(`${executable}.new`).size;
  if (!options.sanitize && size > SIZE_LIMIT) fail(`the executable has ${size} bytes, more than ${SIZE_LIMIT}`);
  renameSync(`${executable}.new`, executable);
  writeFileSync(stamp, digest);
  say(`${relative(top, executable)}: ${(size / 1e6).toFixed(2)} MB, static, ${arch}, ${libc}`);
}
