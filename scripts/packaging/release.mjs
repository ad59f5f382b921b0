// What is packed: the version, its time, and one executable for each architecture.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const top = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A file that the packages are made of, in scripts/packaging/. */
export const template = (path) => readFileSync(join(top, "scripts/packaging", path), "utf8");

/** Where an installed executable stands, on every kind of node: what rewritten specs name. */
export const HOME = "opt/cdi-hook/bin";

/** The other names of the executable, by which specs call it. */
export const NAMES = ["nvidia-cdi-hook", "nvidia-ctk"];

/** Each architecture, as everyone calls it. */
const ARCHITECTURES = [
  { build: "x86_64", deb: "amd64", rpm: "x86_64", oci: "amd64", npm: "x64" },
  { build: "arm64", deb: "arm64", rpm: "aarch64", oci: "arm64", npm: "arm64" },
];

/** Runs a program; throws with what it printed when it fails. */
export function run(command, args, { env = {}, ...options } = {}) {
  const done = spawnSync(command, args, {
    cwd: top,
    encoding: "utf8",
    maxBuffer: 64 << 20,
    env: { ...process.env, LC_ALL: "C.UTF-8", ...env },
    ...options,
  });
  if (done.error?.code === "ENOENT") throw new Error(`${command} is not installed`);
  if (done.status === 0) return done.stdout;
  throw new Error(`${command} ${args[0]}: ${done.error?.message ?? `${done.stdout}${done.stderr}`.trim()}`);
}

/** The seconds that everything packed is dated to: SOURCE_DATE_EPOCH, or the time of the commit. */
function time() {
  const given = process.env["SOURCE_DATE_EPOCH"] ?? "";
  if (/^\d+$/.test(given)) return Number(given);
  if (given !== "") throw new Error(`SOURCE_DATE_EPOCH is not a number of seconds: ${given}`);
  if (!existsSync(join(top, ".git"))) throw new Error("this is no git checkout: set SOURCE_DATE_EPOCH");
  return Number(run("git", ["log", "-1", "--format=%ct"]));
}

/** The architectures of some names, or all of them. */
function chosen(names) {
  const unknown = names.find((name) => !ARCHITECTURES.some((each) => Object.values(each).includes(name)));
  if (unknown !== undefined) throw new Error(`no packages are made for ${unknown}`);
  if (names.length === 0) return ARCHITECTURES;
  return ARCHITECTURES.filter((each) => names.some((name) => Object.values(each).includes(name)));
}

/** Builds the executable of an architecture, and gives it with the names. */
function built(names) {
  const said = run(process.execPath, [join(top, "scripts/build.mjs"), "--arch", names.build]);
  const path = /dist\/cdi-hook\S*(?=:| is up)/.exec(said)?.[0];
  return { ...names, executable: readFileSync(join(top, path)) };
}

/** What the kinds of packages need: `architectures`, with executables that are built when first asked for, and the rest. */
export function release({ arch, revision, maintainer, image }) {
  const { version, description, license } = JSON.parse(readFileSync(join(top, "package.json"), "utf8"));
  const names = chosen(arch);
  let architectures;
  return {
    version,
    description,
    license,
    revision,
    maintainer,
    image,
    mtime: time(),
    get architectures() {
      return (architectures ??= names.map(built));
    },
  };
}

/** Fills in `@NAME@` in a template; a name that is not among `values` is an error. */
export function fill(text, values) {
  return text.replaceAll(/@([A-Z_]+)@/g, (_, name) => {
    if (values[name] === undefined) throw new Error(`a template asks for ${name}`);
    return values[name];
  });
}
