// QuickJS as source: fetched once, every file checked against a pinned digest, compiled once per compiler and flags.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { ENGINE_CHANGES, withChanges } from "./engine-changes.mjs";

const VERSION = "2025-04-26";
const UPSTREAM = `https://bellard.org/quickjs/quickjs-${VERSION}.tar.xz`;
const DEBIAN_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** SHA-256 of each file that is compiled or read, as found in upstream's release of 2025-04-26. */
const DIGESTS = {
  "quickjs.c": "1be1951aa05b034f2fc5fe0fb4b1aef64b4865e0788584c910f47010f6748162",
  "quickjs.h": "78420aeb33d1c1a32116465b16313e89a61632a9c395622ffcf719b5d549e03f",
  "cutils.c": "203cc40bb8c8f4e3c6ce81f50526c0605ec0c21428c3317422646b445bc2e8fb",
  "cutils.h": "e198bc67469f656effd2fe9436aad8a15dadaafd25abca996b7e7b7706f44d4a",
  "dtoa.c": "af5abd68fa9806d1a19bdd5f2daef00d5fd0990ae56311382dfed4700343f074",
  "dtoa.h": "462070f7678a894b9f3612422f280f4dce412eb360a5cc585a513f407fc23114",
  "libregexp.c": "880cf399d1e37705df7953e8c766e5e1b5585d9081a8caa9cc204045631eec4b",
  "libregexp.h": "d10b8229a73e9a09fab80f3a2a3570e84bbfa13bc2da9ac33f08e8b9911d2564",
  "libregexp-opcode.h": "a7ee95fcc6cb013c9ab1a3ba9785d4a99c56e7029e30796baf9dfbd456f523f9",
  "libunicode.c": "97b0f708f89e3a5e9ffcd001340c20ed7809f2656443dc3262ae017769939c20",
  "libunicode.h": "41347be83b3774bd99982c65bb7e47c47c8fb4bacd336650765893e6e2c657af",
  "libunicode-table.h": "cde1068e9aa6b985f4242dd9bafc39315b7e0faacf6eb92e76c700b24cb3e6a4",
  "list.h": "181c6b25d9d0e4853315d36a6e6fab3b2c3554271693d898a439384ba0f67c2b",
  "quickjs-atom.h": "6f72ebdb418b4e393b4563910d5fce90b1001c41ce7ddbd60d127beaff3fcc15",
  "quickjs-opcode.h": "b35842f9ee2f092d5771d0f0f3df7a9a9c6b3bc2957d333a0bae516977f7ed5b",
  "qjsc.c": "d1c1f189457009f55cd29a7a2633d4c21a78c2f1a7c5428ba387ff814c31e905",
  "quickjs-libc.c": "a71131ea5adbf5634a70b1158e7719127421cd90450bcddd7e6d42cbc77c3ceb",
  "quickjs-libc.h": "ac44346195ef2854b84f520faac0fdb8fb44d87eccaca6260ca654ff67436628",
  LICENSE: "598fd7fc928e4350abce36e337ba5a1346923c5c692f5be92c3d8e29ddd7c18d",
};

/**
 * What the bytecode compiler, and only it, does otherwise than upstream's: a variable of `let` or `const` is compiled like
 * one of `var`, without a check at each use that it has been given its value. Each text occurs once.
 * docs/adr/0020-no-dead-zone-checks.md
 */
const UNCHECKED = {
  file: "quickjs.c",
  texts: [
    ["get_op = OP_get_loc_check;", "get_op = var_name == JS_ATOM_this ? OP_get_loc_check : OP_get_loc;"],
    ["dbuf_putc(bc, OP_get_loc_check);", "dbuf_putc(bc, var_name == JS_ATOM_this ? OP_get_loc_check : OP_get_loc);"],
    ["dbuf_putc(bc, OP_put_loc_check);", "dbuf_putc(bc, OP_put_loc);"],
    ["get_op = OP_get_var_ref_check;", "get_op = var_name == JS_ATOM_this ? OP_get_var_ref_check : OP_get_var_ref;"],
    [
      "dbuf_putc(bc, OP_get_var_ref_check);",
      "dbuf_putc(bc, var_name == JS_ATOM_this ? OP_get_var_ref_check : OP_get_var_ref);",
    ],
    ["dbuf_putc(bc, OP_put_var_ref_check);", "dbuf_putc(bc, OP_put_var_ref);"],
    [
      "dbuf_putc(&bc_out, OP_set_loc_uninitialized);\n                                dbuf_put_u16(&bc_out, scope_idx);",
      ";",
    ],
  ],
};

/** What is linked into the executable: the engine without its libc. */
const ENGINE = ["quickjs", "cutils", "dtoa", "libregexp", "libunicode"];

/** Flags that QuickJS' own sources need on every compiler, as in its Makefile: it counts on signed overflow to wrap. */
export const ENGINE_FLAGS = ["-D_GNU_SOURCE", `-DCONFIG_VERSION="${VERSION}"`, "-fwrapv"];

/** Where sources and objects are kept between builds. */
export function cacheDirectory() {
  const base = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return join(base, "cdi-hook", `quickjs-${VERSION}`);
}

/** Runs a program to its end; throws with its output when it fails. */
export function run(command, args, options = {}) {
  const done = spawnSync(command, args, { encoding: "utf8", maxBuffer: 64 << 20, ...options });
  if (done.error) throw new Error(`${command}: ${done.error.message}`);
  if (done.status !== 0) throw new Error(`${command} ${args.join(" ")}\n${done.stdout ?? ""}${done.stderr ?? ""}`);
  return done.stdout;
}

function runLater(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("error", reject);
    child.on("close", (status) =>
      status === 0 ? resolve(output) : reject(new Error(`${command} ${args.join(" ")}\n${output}`)),
    );
  });
}

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

function unsound(directory) {
  for (const [name, digest] of Object.entries(DIGESTS)) {
    const path = join(directory, name);
    if (!existsSync(path)) return `${name} is missing`;
    if (sha256(readFileSync(path)) !== digest) return `${name} has another digest`;
  }
  return undefined;
}

/** The archive that Debian 13's source package carries, through the machine's own mirror, without touching apt's state. */
function downloadByApt(directory) {
  const mirror = run("apt-get", ["indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"])
    .split("\n")
    .map((line) => line.split(" ")[0])
    .find((uri) => /\/debian\/?$/.test(uri));
  if (!mirror) throw new Error("apt has no Debian mirror configured");
  for (const folder of ["state/lists/partial", "cache/archives/partial"])
    mkdirSync(join(directory, folder), { recursive: true });
  writeFileSync(join(directory, "status"), "");
  const signed = existsSync(DEBIAN_KEYRING) ? `[signed-by=${DEBIAN_KEYRING}] ` : "";
  writeFileSync(join(directory, "sources.list"), `deb-src ${signed}${mirror} trixie main\n`);
  const options = [
    `Dir::Etc::sourcelist=${directory}/sources.list`,
    "Dir::Etc::sourceparts=-",
    `Dir::State=${directory}/state`,
    `Dir::State::Lists=${directory}/state/lists`,
    `Dir::State::status=${directory}/status`,
    `Dir::Cache=${directory}/cache`,
    "APT::Sandbox::User=root",
  ].flatMap((option) => ["-o", option]);
  run("apt-get", [...options, "-qq", "update"], { cwd: directory });
  run("apt-get", [...options, "-qq", "source", "--download-only", "quickjs"], { cwd: directory });
  const archive = readdirSync(directory).find((name) => name.endsWith(".orig.tar.xz"));
  if (!archive) throw new Error("apt-get source brought no upstream archive");
  return join(directory, archive);
}

async function downloadFromUpstream(directory) {
  const response = await fetch(UPSTREAM);
  if (!response.ok) throw new Error(`${UPSTREAM}: HTTP ${response.status}`);
  const archive = join(directory, "quickjs.tar.xz");
  writeFileSync(archive, new Uint8Array(await response.arrayBuffer()));
  return archive;
}

/** The folder with QuickJS' sources; fetches them when they are not there. `say` gets one line per step. */
export async function sources(say) {
  const target = join(cacheDirectory(), "source");
  if (existsSync(target)) {
    const why = unsound(target);
    if (!why) return target;
    say(`QuickJS in the cache: ${why}; fetching it again`);
    rmSync(target, { recursive: true });
  }
  try {
    mkdirSync(cacheDirectory(), { recursive: true });
  } catch (error) {
    throw new Error(`no folder for QuickJS (XDG_CACHE_HOME chooses another): ${error.message}`, { cause: error });
  }
  const failures = [];
  for (const [name, download] of [
    ["the machine's Debian mirror", downloadByApt],
    [UPSTREAM, downloadFromUpstream],
  ]) {
    const directory = mkdtempSync(join(tmpdir(), "cdi-hook-quickjs-"));
    try {
      say(`QuickJS ${VERSION}: fetching the sources from ${name}`);
      const archive = await download(directory);
      const unpacked = join(directory, "unpacked");
      mkdirSync(unpacked);
      run("tar", ["-xf", archive, "-C", unpacked, "--strip-components=1", "--no-same-owner"]);
      const why = unsound(unpacked);
      if (why) throw new Error(`not the pinned release: ${why}`);
      run("cp", ["-r", unpacked, `${target}.${process.pid}`]);
      try {
        renameSync(`${target}.${process.pid}`, target);
      } catch {
        rmSync(`${target}.${process.pid}`, { recursive: true }); // another build was faster
      }
      return target;
    } catch (error) {
      failures.push(`${name}: ${error.message}`);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
  throw new Error(`QuickJS ${VERSION} could not be fetched\n${failures.join("\n")}`);
}

/** What identifies a compiler: its own description of itself. */
function identity(compiler) {
  return run(compiler, ["-v"], { stdio: ["ignore", "pipe", "pipe"] }) + run(compiler, ["--version"]);
}

/** The digests of the files in a folder of the cache, but for where they are kept. */
function digestsIn(directory) {
  const names = readdirSync(directory).filter((name) => name !== "digests");
  return names
    .toSorted()
    .map((name) => `${sha256(readFileSync(join(directory, name)))}  ${name}\n`)
    .join("");
}

/** Whether a folder of the cache is there, and as it was made. */
function isWhole(directory) {
  const digests = join(directory, "digests");
  return existsSync(digests) && readFileSync(digests, "utf8") === digestsIn(directory);
}

/**
 * The folder of the cache with what `make` puts into it, for a name and whatever it is made of; made again when a file of it
 * is not as it was. `say` gets `what` when it is made.
 */
export async function once(name, key, make, say, what) {
  const target = join(cacheDirectory(), `${name}-${sha256(key).slice(0, 16)}`);
  if (!isWhole(target)) {
    say(what);
    const made = `${target}.${process.pid}`;
    rmSync(made, { recursive: true, force: true });
    mkdirSync(made, { recursive: true });
    try {
      await make(made);
      writeFileSync(join(made, "digests"), digestsIn(made));
      rmSync(target, { recursive: true, force: true });
      renameSync(made, target);
    } catch (error) {
      rmSync(made, { recursive: true, force: true });
      if (!isWhole(target)) throw error; // else another build was faster
    }
  }
  return target;
}

/** The bytecode compiler, built for this machine; returns its path. */
export async function bytecodeCompiler(source, compiler, say) {
  const text = withChanges(UNCHECKED.file, readFileSync(join(source, UNCHECKED.file), "utf8"), [UNCHECKED]);
  const make = (directory) => {
    const changed = join(directory, "quickjs.c");
    writeFileSync(changed, text);
    const others = ["qjsc", "quickjs-libc", ...ENGINE.filter((name) => name !== "quickjs")];
    return runLater(compiler, [
      "-O1",
      "-w",
      ...ENGINE_FLAGS,
      '-DCONFIG_CC="cc"',
      '-DCONFIG_PREFIX="/usr"',
      "-iquote",
      source,
      "-o",
      join(directory, "qjsc"),
      changed,
      ...others.map((name) => join(source, `${name}.c`)),
      "-lm",
      "-lpthread",
      "-ldl",
    ]);
  };
  const directory = await once(
    "qjsc",
    `${identity(compiler)}\n${ENGINE_FLAGS.join(" ")}\n${sha256(text)}`,
    make,
    say,
    "QuickJS: compiling its bytecode compiler (10 s, once)",
  );
  return join(directory, "qjsc");
}

/** The engine's objects for one target, with these changes to upstream's text; returns their paths. */
export async function engineObjects(source, compiler, flags, say, changes = ENGINE_CHANGES) {
  const changed = ["quickjs.c", "quickjs.h"].map((name) => ({
    name,
    text: withChanges(name, readFileSync(join(source, name), "utf8"), changes),
  }));
  const make = (directory) => {
    for (const { name, text } of changed) writeFileSync(join(directory, name), text);
    return Promise.all(
      ENGINE.map((name) =>
        runLater(compiler, [
          ...flags,
          ...ENGINE_FLAGS,
          `-ffile-prefix-map=${source}=quickjs`,
          `-ffile-prefix-map=${directory}=quickjs`,
          "-w",
          "-iquote",
          source,
          "-c",
          join(name === "quickjs" ? directory : source, `${name}.c`),
          "-o",
          join(directory, `${name}.o`),
        ]),
      ),
    );
  };
  const key = [identity(compiler), ...flags, ...ENGINE_FLAGS, ...changed.map(({ text }) => sha256(text))].join("\n");
  const directory = await once("engine", key, make, say, `QuickJS: compiling the engine with ${compiler} (20 s, once)`);
  return ENGINE.map((name) => join(directory, `${name}.o`));
}
