// From modules to one executable: bytecode by qjsc, machine code by the C compiler.
import { appendFileSync, existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ENGINE_FLAGS, bytecodeCompiler, engineObjects, run, sources } from "./quickjs.mjs";

const top = dirname(dirname(fileURLToPath(import.meta.url)));

const TARGETS = {
  x86_64: { node: "x64", compiler: "x86_64-linux-gnu-gcc", musl: "x86_64-linux-musl" },
  arm64: { node: "arm64", compiler: "aarch64-linux-gnu-gcc", musl: "aarch64-linux-musl" },
  riscv64: { node: "riscv64", compiler: "riscv64-linux-gnu-gcc", musl: "riscv64-linux-musl" },
};

const SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"];
const STRICT = ["-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wshadow", "-Wformat=2", "-Wstrict-prototypes"];

/** Whether a C compiler can be started. */
function works(compiler) {
  try {
    run(compiler, ["--version"]);
    return true;
  } catch {
    return false;
  }
}

/**
 * What compiles for one target: `{ arch, native, libc, flags, identity, compile, link, … }`. `arch` and `libc` are chosen
 * when not given; with `sanitize` the code runs under AddressSanitizer and UndefinedBehaviorSanitizer, on glibc. Throws
 * when something is missing, with what to install.
 */
export function toolchain({ arch: wanted, libc: wantedLibc, sanitize = false } = {}) {
  const native = Object.keys(TARGETS).find((name) => TARGETS[name].node === process.arch);
  const arch = { aarch64: "arm64", amd64: "x86_64", "x86-64": "x86_64" }[wanted] ?? wanted ?? native;
  const target = TARGETS[arch];
  if (!target) throw new Error(`no target ${arch}; there are ${Object.keys(TARGETS).join(", ")}`);

  const hostCompiler = [process.env.CC, "gcc", "cc"].find((name) => name && works(name));
  if (!hostCompiler) {
    throw new Error("no C compiler: install gcc and the C library's headers (Debian: apt-get install gcc libc6-dev)");
  }
  const compiler = arch === native ? hostCompiler : target.compiler;
  if (!works(compiler)) {
    const name = compiler.replace(/-gcc$/, "");
    throw new Error(`no ${compiler}: Debian: apt-get install gcc-${name} libc6-dev-${arch}-cross`);
  }

  // musl makes a smaller executable, which can have an image of its heap, and leaves the LGPL's conditions out:
  // docs/adr/0002-libc.md.
  const muslLibrary = `/usr/lib/${target.musl}`;
  const muslHeaders = `/usr/include/${target.musl}`;
  const hasMusl = existsSync(join(muslLibrary, "rcrt1.o"));
  const libc = sanitize ? "glibc" : (wantedLibc ?? (hasMusl ? "musl" : "glibc"));
  if (libc === "musl" && !hasMusl) throw new Error(`no musl for ${arch} (Debian: apt-get install musl-tools)`);

  const ask = (what) => run(compiler, [`-print-file-name=${what}`]).trim();
  // No -fcf-protection: Linux does not enforce it for programs, and a landing pad behind each of the interpreter's indirect
  // jumps costs 2 % of a hook's instructions.
  const hardening = ["-fPIE", "-fstack-protector-strong", "-fstack-clash-protection"];
  if (arch === "arm64") hardening.push("-mbranch-protection=standard");
  const flags = sanitize
    ? ["-O1", "-g", ...SANITIZERS]
    : ["-O3", ...hardening, "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2"];
  if (libc === "musl") flags.push("-nostdinc", "-isystem", muslHeaders, "-isystem", ask("include"));
  // libgcc's atomics that choose at run time ask glibc which processor it is.
  if (libc === "musl" && arch === "arm64") flags.push("-mno-outline-atomics");

  const link = (objects, output, linkerFlags = []) => {
    const hardened = ["-Wl,-z,relro,-z,now,-z,noexecstack", "-Wl,--build-id=none", ...linkerFlags];
    if (sanitize) return run(compiler, [...SANITIZERS, "-o", output, ...objects, "-lm"]);
    if (libc === "glibc") return run(compiler, ["-static-pie", "-s", ...hardened, "-o", output, ...objects, "-lm"]);
    const start = [join(muslLibrary, "rcrt1.o"), join(muslLibrary, "crti.o"), ask("crtbeginS.o")];
    const end = [`-L${muslLibrary}`, "-lc", ask("libgcc.a"), ask("crtendS.o"), join(muslLibrary, "crtn.o")];
    return run(compiler, ["-static-pie", "-nostdlib", "-s", ...hardened, "-o", output, ...start, ...objects, ...end]);
  };
  return {
    arch,
    native,
    libc,
    flags,
    compiler,
    hostCompiler,
    link,
    identity: [arch, libc, flags, run(compiler, ["--version"])],
  };
}

/**
 * The objects that do not depend on bin/host.c: the engine, and the modules in the folder `work` (NAME.js) as bytecode,
 * with the table by which bin/host.c finds them. `bundled` is waited for before they are read. `say` gets one line per
 * step. `changes` are those to upstream's engine, all of them if not given.
 */
export async function compileModules(tools, work, say, bundled = Promise.resolve(), changes) {
  const source = await sources(say);
  const [qjsc, engine] = await Promise.all([
    bytecodeCompiler(source, tools.hostCompiler, say),
    engineObjects(source, tools.compiler, tools.flags, say, changes),
    bundled,
  ]);
  const code = join(work, "modules.c");
  const names = readdirSync(work)
    .filter((name) => name.endsWith(".js"))
    .toSorted();
  // One run for all: qjsc compiles the chunks with the first module that imports them, and would again if it were told
  // to. The bytecode carries the files' names, relative ones, so that two checkouts build the same bytes.
  const entries = names.filter((name) => !name.startsWith("chunk-"));
  run(qjsc, ["-c", "-s", "-m", "-o", code, ...entries], { cwd: work });
  appendFileSync(code, moduleTable(names, readFileSync(code, "utf8")));
  const object = join(work, "modules.o");
  run(tools.compiler, [...tools.flags, `-ffile-prefix-map=${top}=.`, "-c", code, "-o", object]);
  return [...engine, object];
}

/** The table of bin/host.c. qjsc names a module's bytecode after its file. */
function moduleTable(names, code) {
  const rows = names.map((name) => {
    const symbol = `qjsc_${name.slice(0, -3).replaceAll(/[^A-Za-z0-9]/g, "_")}`;
    if (!code.includes(`uint8_t ${symbol}[`)) throw new Error(`qjsc made no ${symbol} of ${name}`);
    return `  { "${name}", ${symbol}, &${symbol}_size },`;
  });
  return `
typedef struct { const char *name; const uint8_t *bytecode; const uint32_t *size; } EmbeddedModule;
const EmbeddedModule embedded_modules[] = {
${rows.join("\n")}
  { 0, 0, 0 },
};
`;
}

/** Compiles bin/host.c, with further `hostFlags`; returns all objects of the executable. */
export async function compileHost(tools, objects, work, say, hostFlags = []) {
  const source = await sources(say);
  const host = join(work, "host.o");
  const flags = [...tools.flags, `-ffile-prefix-map=${top}=.`, ...STRICT, ...ENGINE_FLAGS, ...hostFlags];
  run(tools.compiler, [...flags, "-isystem", source, "-c", join(top, "bin/host.c"), "-o", host]);
  return [...objects, host];
}
